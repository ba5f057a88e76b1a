//! Instructions an event: callgrind counts a child with some events and one with twice as many; the difference is theirs.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use crate::Failed;
use crate::child::{Figures, Job, bursts};
use crate::contestants::Running;

/// The child's part. Nothing sleeps: waiting workers would only add noise.
pub(super) fn emit(running: Running, job: &Job) -> Result<Figures, Failed> {
    bursts(job.workload, job.events, std::time::Duration::ZERO, running.emit());
    running.finish()?;
    Ok(Figures::new())
}

/// The instructions of a whole program.
pub(crate) fn count(program: &OsStr, arguments: &[String]) -> Result<f64, Failed> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("valgrind is missing or does not start, so there are no instructions to count: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("under valgrind: {}: {said}", output.status).into());
    }
    collected(&said).ok_or_else(|| format!("valgrind counted nothing: {said}").into())
}

fn collected(said: &str) -> Option<f64> {
    let line = said.lines().find(|line| line.contains("Collected : "))?;
    line.split_whitespace().last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_callgrind_counted() {
        assert_eq!(collected("==7== Events    : Ir\n==7== Collected : 1234567\n==7== "), Some(1_234_567.0));
        assert_eq!(collected("==7== nothing"), None);
    }
}
