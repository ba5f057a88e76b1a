//! What waits in a queue when the process ends: this program runs itself as a child, once for each way to end.
//!
//! It has no test harness, since the subject is a `main` that returns, panics or is cut short. The thread behind the queue looks once in
//! minutes: what is in the file afterwards, the end of the process brought there.

// Without a harness, clippy does not know that this is a test.
#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};
use std::{env, fs, mem, thread};

use tracing::info;
use tracing_handlers_core::{Guard, Handle, shutdown};
use tracing_handlers_file::FileHandler;
use tracing_handlers_queue::{HandlerExt, QueueHandler, QueueListener};
use tracing_handlers_testing::{MessageOnly, OnRecord};
use tracing_subscriber::prelude::*;

/// Tells a child which ending it is, and where to write.
const ENDING: &str = "TRACING_HANDLERS_TEST_ENDING";
const FILE: &str = "TRACING_HANDLERS_TEST_FILE";

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3_600);

/// An ending: its name, what the child does, its exit code, and what stands in the file afterwards.
struct Ending {
    name: &'static str,
    act: fn(&Path),
    code: i32,
    expected: &'static [&'static str],
}

const BOTH: &[&str] = &["one", "two"];

const ENDINGS: &[Ending] = &[
    Ending { name: "return from main", act: |file| drop(log_two(file)), code: 0, expected: BOTH },
    Ending { name: "process::exit", act: |file| exit_after(log_two(file), 3), code: 3, expected: BOTH },
    Ending { name: "process::exit in another thread", act: exit_in_a_thread, code: 4, expected: BOTH },
    Ending {
        name: "panic in main",
        act: |file| {
            log_two(file);
            panic!("deliberate mistake");
        },
        code: 101,
        expected: BOTH,
    },
    Ending {
        name: "panic in a thread",
        act: |file| {
            log_two(file);
            assert!(thread::spawn(|| panic!("deliberate mistake")).join().is_err());
        },
        code: 0,
        expected: BOTH,
    },
    Ending { name: "a forgotten guard", act: |file| mem::forget(log_two(file).guard(LONG)), code: 0, expected: BOTH },
    Ending { name: "a guard in a static", act: guard_in_a_static, code: 0, expected: BOTH },
    Ending { name: "a queue with a listener", act: listener, code: 0, expected: BOTH },
    Ending { name: "drain_on_exit(false)", act: without_drain, code: 0, expected: &[] },
    Ending { name: "shut down before", act: shut_down, code: 0, expected: BOTH },
    Ending {
        name: "a runtime of one thread, dropped before",
        act: |file| in_runtime(file, false, false),
        code: 0,
        expected: BOTH,
    },
    Ending {
        name: "a runtime of one thread, never dropped",
        act: |file| in_runtime(file, false, true),
        code: 0,
        expected: BOTH,
    },
    Ending {
        name: "a runtime of many threads, dropped before",
        act: |file| in_runtime(file, true, false),
        code: 0,
        expected: BOTH,
    },
    Ending {
        name: "a runtime of many threads, never dropped",
        act: |file| in_runtime(file, true, true),
        code: 0,
        expected: BOTH,
    },
    #[cfg(unix)]
    Ending { name: "a forked child that ends first", act: forked, code: 0, expected: BOTH },
    Ending { name: "a handler that hangs", act: hung, code: 0, expected: &[] },
];

fn main() {
    match (env::var(ENDING), env::var(FILE)) {
        (Ok(name), Ok(file)) if name == MANY => exit_while_others_log(Path::new(&file)),
        (Ok(name), Ok(file)) => (ENDINGS.iter().find(|ending| ending.name == name).unwrap().act)(Path::new(&file)),
        // Tools that list tests must find none here.
        _ if env::args().any(|argument| argument == "--list") => {}
        _ => {
            ENDINGS.iter().for_each(check);
            check_while_others_log();
        }
    }
}

/// Runs a child to this end. Gives its exit code, what it said on stderr, and what it left in the file.
fn run(name: &str) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.log");
    let began = Instant::now();
    let child = Command::new(env::current_exe().unwrap()).env(ENDING, name).env(FILE, &file).output().unwrap();
    assert!(began.elapsed() < Duration::from_secs(20), "{name}: a process ends, whatever its handlers do");
    let stderr = String::from_utf8_lossy(&child.stderr).into_owned();
    (child.status.code(), stderr, fs::read_to_string(&file).unwrap_or_default())
}

fn check(ending: &Ending) {
    // There it is `ExitProcess`, which runs no hook of C.
    if cfg!(windows) && ending.name.starts_with("process::exit") {
        println!("exit: {} ... not on Windows", ending.name);
        return;
    }
    let (code, stderr, written) = run(ending.name);
    assert_eq!(code, Some(ending.code), "{}\n{stderr}", ending.name);
    assert_eq!(written.lines().collect::<Vec<_>>(), ending.expected, "{}\n{stderr}", ending.name);
    println!("exit: {} ... ok", ending.name);
}

/// The ordinary program: a global subscriber, which is never dropped, and two events.
fn log_two(file: &Path) -> Handle {
    let layer = FileHandler::builder(file).format(MessageOnly).build().unwrap().queued().max_delay(LONG).layer().unwrap();
    let handle = layer.handle();
    tracing_subscriber::registry().with(layer).init();
    info!("one");
    info!("two");
    assert_eq!(handle.stats().pending, 2);
    handle
}

fn exit_after(_: Handle, code: i32) {
    process::exit(code)
}

fn exit_in_a_thread(file: &Path) {
    log_two(file);
    thread::spawn(|| process::exit(4)).join().ok();
}

fn guard_in_a_static(file: &Path) {
    static GUARD: OnceLock<Guard> = OnceLock::new();
    GUARD.set(log_two(file).guard(LONG)).unwrap();
}

fn listener(file: &Path) {
    let queue = QueueHandler::builder().max_delay(LONG).build().unwrap();
    let file = FileHandler::builder(file).format(MessageOnly).build().unwrap();
    mem::forget(QueueListener::builder(&queue).handler(file).start().unwrap());
    tracing_subscriber::registry().with(tracing_handlers_core::HandlerLayer::new(queue)).init();
    info!("one");
    info!("two");
}

fn without_drain(file: &Path) {
    let file = FileHandler::builder(file).format(MessageOnly).build().unwrap();
    let layer = file.queued().max_delay(LONG).drain_on_exit(false).layer().unwrap();
    tracing_subscriber::registry().with(layer).init();
    info!("one");
}

fn shut_down(file: &Path) {
    let handle = log_two(file);
    let report = shutdown(LONG);
    assert!(report.is_complete() && report.stats.delivered == 2, "{report}");
    info!("three");
    assert_eq!(handle.stats().dropped(), 1, "what comes later is refused");
}

fn in_runtime(file: &Path, many: bool, forgotten: bool) {
    let mut builder =
        if many { tokio::runtime::Builder::new_multi_thread() } else { tokio::runtime::Builder::new_current_thread() };
    let runtime = builder.build().unwrap();
    let file = file.to_owned();
    runtime.block_on(async move { tokio::spawn(async move { drop(log_two(&file)) }).await.unwrap() });
    if forgotten {
        mem::forget(runtime);
    }
}

/// What the child inherits is its parent's: each record is written once.
#[cfg(unix)]
#[allow(unsafe_code, reason = "the subject is fork itself")]
fn forked(file: &Path) {
    log_two(file);
    // SAFETY: the child does nothing but end; no lock is held by the one thread that it has.
    let child = unsafe { libc::fork() };
    if child == 0 {
        process::exit(0);
    }
    let mut status = 0;
    // SAFETY: `status` is a place for an int.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "the child ended well");
}

fn hung(_: &Path) {
    let hanging = OnRecord::new(|_| {
        loop {
            thread::park();
        }
    });
    tracing_subscriber::registry().with(hanging.queued().layer().unwrap()).init();
    info!("one");
}

const MANY: &str = "exit while others log";

/// How many events each of the other threads logged before the process ended: told by a handler of their own.
fn exit_while_others_log(file: &Path) {
    static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let layer = FileHandler::builder(file).format(MessageOnly).build().unwrap().queued().capacity(1 << 20).layer().unwrap();
    tracing_subscriber::registry().with(layer).init();
    for thread in 0..4 {
        thread::spawn(move || {
            for n in 0.. {
                info!("{thread} {n}");
                let mut logged = LOGGED.lock().unwrap();
                logged.push(format!("{thread} {n}"));
            }
        });
    }
    loop {
        let logged = LOGGED.lock().unwrap();
        if logged.len() > 2_000 {
            // Held to the end: the others can log one more event each, and no other.
            let told: PathBuf = file.with_extension("told");
            fs::write(told, logged.join("\n")).unwrap();
            process::exit(0);
        }
        drop(logged);
        thread::yield_now();
    }
}

fn check_while_others_log() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.log");
    let child = Command::new(env::current_exe().unwrap()).env(ENDING, MANY).env(FILE, &file).output().unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    let (written, told) = (fs::read_to_string(&file).unwrap(), fs::read_to_string(file.with_extension("told")).unwrap());
    assert!(written.ends_with('\n'), "no line is torn");
    for thread in 0..4 {
        let of = |text: &str| -> Vec<usize> {
            let own = text.lines().filter_map(|line| line.strip_prefix(&format!("{thread} ")));
            own.map(|n| n.parse().unwrap()).collect()
        };
        let (written, told) = (of(&written), of(&told));
        assert!(written.iter().copied().eq(0..written.len()), "in order, none missing, none twice");
        assert!(written.len() >= told.len(), "{} of {} written", written.len(), told.len());
    }
    println!("exit: {MANY} ... ok");
}
