//! What is pending when the process ends: this program runs itself as a child, once for each way to end.
//!
//! It has no test harness, since the subject is a `main` that returns, panics or is cut short.

// Without a harness, clippy does not know that this is a test.
#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, fs, mem, thread};

use tracing::info;
use tracing_handlers_core::format::Text;
use tracing_handlers_core::sync::{lock, lock_before};
use tracing_handlers_core::{
    Deadline, Error, Handler, HandlerLayer, Record, RecordBuf, Stats, flush_on_panic, format, register_for_panic,
    register_pending, shutdown,
};
use tracing_subscriber::prelude::*;

/// Tells a child which ending it is, and where to write.
const ENDING: &str = "TRACING_HANDLERS_TEST_ENDING";
const FILE: &str = "TRACING_HANDLERS_TEST_FILE";

/// An ending: its name, what the child does, its exit code, and what stands in the file afterwards.
struct Ending {
    name: &'static str,
    act: fn(PathBuf),
    code: i32,
    expected: &'static [&'static str],
}

const ENDINGS: &[Ending] = &[
    Ending { name: "return from main", act: |file| log_two(file, true), code: 0, expected: &["one", "two"] },
    Ending {
        name: "process::exit",
        act: |file| {
            log_two(file, true);
            process::exit(3);
        },
        code: 3,
        expected: &["one", "two"],
    },
    Ending {
        name: "process::exit in another thread",
        act: |file| {
            log_two(file, true);
            thread::spawn(|| process::exit(4)).join().ok();
        },
        code: 4,
        expected: &["one", "two"],
    },
    Ending {
        name: "panic in main",
        act: |file| {
            log_two(file, true);
            panic!("deliberate mistake");
        },
        code: 101,
        expected: &["one", "two"],
    },
    Ending { name: "a forgotten handler", act: forgotten, code: 0, expected: &["one"] },
    Ending { name: "drain_on_exit(false)", act: |file| log_two(file, false), code: 0, expected: &[] },
    Ending { name: "a handler that is gone", act: gone, code: 0, expected: &[] },
    Ending { name: "newest first, also after a panic", act: three_handlers, code: 0, expected: &["third", "first"] },
    Ending { name: "an event within the flush", act: logging_flush, code: 0, expected: &["one", "inner"] },
    Ending { name: "flush_on_panic", act: |file| panicking(file, true, flush_on_panic), code: 0, expected: &["one", "two"] },
    Ending {
        name: "flush_on_panic, drain_on_exit(false)",
        act: |file| panicking(file, false, flush_on_panic),
        code: 0,
        expected: &[],
    },
    Ending { name: "no flush_on_panic", act: |file| panicking(file, false, || {}), code: 0, expected: &[] },
    Ending { name: "register_for_panic, one hangs", act: one_hangs, code: 0, expected: &["one"] },
    Ending { name: "register_for_panic", act: registered_for_panic, code: 0, expected: &["first", "third"] },
    Ending {
        name: "shut down before",
        act: |file| {
            log_two(file, true);
            let report = shutdown(Duration::from_secs(1));
            assert!(report.is_complete() && report.stats.delivered == 2, "{report}");
        },
        code: 0,
        expected: &["one", "two"],
    },
];

fn main() {
    match (env::var(ENDING), env::var(FILE)) {
        (Ok(name), Ok(file)) => (ENDINGS.iter().find(|ending| ending.name == name).unwrap().act)(file.into()),
        // Tools that list tests must find none here.
        _ if env::args().any(|argument| argument == "--list") => {}
        _ => ENDINGS.iter().for_each(check),
    }
}

/// Runs the ending in a child and looks at what it left.
fn check(ending: &Ending) {
    // There it is `ExitProcess`, which runs no hook of C.
    if cfg!(windows) && ending.name.starts_with("process::exit") {
        println!("exit: {} ... not on Windows", ending.name);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flushed");
    let child = Command::new(env::current_exe().unwrap()).env(ENDING, ending.name).env(FILE, &file).output().unwrap();
    let stderr = String::from_utf8_lossy(&child.stderr);
    assert_eq!(child.status.code(), Some(ending.code), "{}: {}\n{stderr}", ending.name, child.status);
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(written.lines().collect::<Vec<_>>(), ending.expected, "{}\n{stderr}", ending.name);
    println!("exit: {} ... ok", ending.name);
}

/// Holds records back until it is flushed, then writes their messages.
struct Pending {
    file: PathBuf,
    records: Mutex<Vec<RecordBuf>>,
    delivered: Mutex<u64>,
    while_flushing: fn(),
}

impl Pending {
    fn new(file: &Path, drain_on_exit: bool, while_flushing: fn()) -> Arc<Self> {
        let (records, delivered) = (Mutex::default(), Mutex::default());
        let pending = Arc::new(Self { file: file.to_owned(), records, delivered, while_flushing });
        let handler: Arc<dyn Handler> = Arc::clone(&pending) as Arc<dyn Handler>;
        register_pending(&handler, drain_on_exit);
        pending
    }

    fn write(&self, records: &[RecordBuf]) -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&self.file)?;
        let only_message = Text::new().time(false).level(false).target(false);
        for record in records {
            // The thread's own buffers are gone by now; formatting has to do without.
            let written = format::with_line(&only_message, &record.as_record(), b"\n", |line| file.write_all(line));
            written.unwrap()?;
        }
        Ok(())
    }
}

impl Handler for Pending {
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        lock(&self.records).push(record.to_buf());
        Ok(())
    }

    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        assert!(deadline.remaining().is_some_and(|left| left <= Duration::from_secs(1)), "{deadline:?}");
        assert!(!deadline.has_passed(), "somebody else took all the time");
        (self.while_flushing)();
        let records = mem::take(&mut *lock(&self.records));
        if records.is_empty() {
            return Ok(());
        }
        self.write(&records).map_err(|error| Error::io("write", error))?;
        *lock(&self.delivered) += records.len() as u64;
        Ok(())
    }

    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        self.flush(deadline)
    }

    fn stats(&self) -> Stats {
        let (delivered, pending) = (*lock(&self.delivered), lock(&self.records).len() as u64);
        Stats::new().with_handled(delivered + pending).with_delivered(delivered).with_pending(pending)
    }
}

/// The ordinary program: a global subscriber, which is never dropped, and two events.
fn log_two(file: PathBuf, drain_on_exit: bool) {
    let pending = Pending::new(&file, drain_on_exit, || {});
    tracing_subscriber::registry().with(HandlerLayer::new(pending)).init();
    info!("one");
    info!("two");
    assert!(!file.exists(), "nothing was flushed yet");
}

fn message(text: &str) -> RecordBuf {
    Record::builder().message(text).build()
}

fn forgotten(file: PathBuf) {
    let pending = Pending::new(&file, true, || {});
    pending.handle(&message("one").as_record()).unwrap();
    mem::forget(pending);
}

/// A panic that the program survives; what was to be flushed is flushed before it goes on.
fn panicking(file: PathBuf, drain_on_exit: bool, set_up: fn()) {
    log_two(file.clone(), drain_on_exit);
    set_up();
    set_up();
    thread::spawn(|| panic!("deliberate mistake")).join().unwrap_err();
    let is_flushed = file.exists();
    assert_eq!(is_flushed, drain_on_exit, "flushed at the panic");
}

/// Two for which a panic is a reason, one that panics itself while it is flushed, and one that the exit would flush.
fn registered_for_panic(file: PathBuf) {
    let while_flushing: [fn(); 3] = [|| {}, || panic!("deliberate mistake"), || {}];
    let handlers = while_flushing.map(|while_flushing| -> Arc<dyn Handler> { Pending::new(&file, false, while_flushing) });
    for (text, handler) in ["third", "second", "first"].into_iter().zip(&handlers) {
        handler.handle(&message(text).as_record()).unwrap();
        register_for_panic(handler);
    }
    let of_exit = Pending::new(&file, true, || {});
    of_exit.handle(&message("not at a panic").as_record()).unwrap();
    thread::spawn(|| panic!("deliberate mistake")).join().unwrap_err();
    assert_eq!(of_exit.stats().pending, 1);
}

/// A flush that waits for a lock as long as it may.
struct Hangs(Mutex<()>);

impl Handler for Hangs {
    fn handle(&self, _: &Record<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        lock_before(&self.0, deadline).map(drop).ok_or_else(|| Error::timed_out("flush"))
    }

    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        self.flush(deadline)
    }

    fn stats(&self) -> Stats {
        Stats::new()
    }
}

/// The newest takes its share of the time and no more.
fn one_hangs(file: PathBuf) {
    let pending = Pending::new(&file, false, || {});
    pending.handle(&message("one").as_record()).unwrap();
    let hangs = Arc::new(Hangs(Mutex::default()));
    let handlers: [Arc<dyn Handler>; 2] = [pending, Arc::clone(&hangs) as Arc<dyn Handler>];
    handlers.iter().for_each(register_for_panic);
    let _held = lock(&hangs.0);
    thread::spawn(|| panic!("deliberate mistake")).join().unwrap_err();
    assert!(file.exists(), "flushed before the panic goes on");
}

/// A handler that its owner dropped is its own business.
fn gone(file: PathBuf) {
    Pending::new(&file, true, || {}).handle(&message("one").as_record()).unwrap();
}

fn three_handlers(file: PathBuf) {
    let while_flushing: [fn(); 3] = [|| {}, || panic!("deliberate mistake"), || {}];
    for (text, while_flushing) in ["first", "second", "third"].into_iter().zip(while_flushing) {
        let pending = Pending::new(&file, true, while_flushing);
        pending.handle(&message(text).as_record()).unwrap();
        mem::forget(pending);
    }
}

/// Late in the life of a process an event is still captured, with whatever is left of the thread.
fn logging_flush(file: PathBuf) {
    let pending = Pending::new(&file, true, || info!("inner"));
    tracing_subscriber::registry().with(HandlerLayer::new(pending)).init();
    info!("one");
}
