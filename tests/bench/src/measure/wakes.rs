//! System calls that put threads to sleep and wake them: `strace` counts the futex calls of a child with some events and of one with
//! twice as many; the difference is theirs.

use std::ffi::OsStr;
use std::fs;
use std::process::{Command, Stdio};

use crate::Failed;

/// Calls of futex(2).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Futexes {
    /// Of all threads.
    pub(crate) all: f64,
    /// Of the thread that logs, which is the first.
    pub(crate) caller: f64,
    /// Those of that thread that wake somebody.
    pub(crate) caller_wakes: f64,
}

/// Counts those of a whole program.
pub(crate) fn count(program: &OsStr, arguments: &[String]) -> Result<Futexes, Failed> {
    let log = tempfile::NamedTempFile::new()?;
    let output = Command::new("strace")
        .args(["-f", "--seccomp-bpf", "-qq", "-e", "trace=execve,futex", "-e", "signal=none", "-o"])
        .arg(log.path())
        .arg(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| format!("strace is missing or does not start, so there are no calls to count: {error}"))?;
    if !output.status.success() {
        return Err(format!("under strace: {}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(counted(&fs::read_to_string(log.path())?))
}

/// A call that was interrupted by another thread's has two lines; the second is no call.
fn counted(log: &str) -> Futexes {
    let mut futexes = Futexes::default();
    let mut first = None;
    for line in log.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let first = *first.get_or_insert(thread);
        if !call.trim_start().starts_with("futex(") {
            continue;
        }
        futexes.all += 1.0;
        if thread == first {
            futexes.caller += 1.0;
            futexes.caller_wakes += if call.contains("FUTEX_WAKE") { 1.0 } else { 0.0 };
        }
    }
    futexes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_once_and_by_thread() {
        let log = "7 execve(\"bench\", [], 0x7) = 0\n\
                   7 futex(0x1, FUTEX_WAKE_PRIVATE, 1) = 1\n\
                   8 futex(0x2, FUTEX_WAIT_PRIVATE, 2, NULL <unfinished ...>\n\
                   7 futex(0x3, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL) = 0\n\
                   8 <... futex resumed>) = 0\n\
                   8 +++ exited with 0 +++\n";
        assert_eq!(counted(log), Futexes { all: 3.0, caller: 2.0, caller_wakes: 1.0 });
    }
}
