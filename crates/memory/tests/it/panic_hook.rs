//! Panics, with records in memory: each test runs itself in a process of its own, since the hook is one a process.

use std::io;
use std::panic::{catch_unwind, set_hook};
use std::process;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tracing::{error, info};
use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Deadline, Handler, HandlerLayer, Level};
use tracing_handlers_file::{Buffering, FileHandler};
use tracing_handlers_memory::MemoryHandler;
use tracing_handlers_stream::StreamHandler;
use tracing_handlers_testing::MessageOnly;
use tracing_subscriber::prelude::*;

use crate::support::{Conduct, Target, child, give, log_after};

/// In the child: a flight recorder in front of a file that holds lines back as well, with one record in it.
fn record_one() -> Option<(String, Arc<MemoryHandler>)> {
    let (way, path) = child()?;
    let an_hour = Buffering::new().flush_interval(Duration::from_secs(3_600));
    let file = FileHandler::builder(path).format(MessageOnly).buffered(an_hour).build().unwrap();
    let builder = MemoryHandler::flight_recorder(10).target(file).dump_on_panic(way != "no dump");
    let memory = Arc::new(builder.build().unwrap());
    let layer = HandlerLayer::new(Arc::clone(&memory));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    info!("just before");
    Some((way, memory))
}

/// As with `panic = "abort"`: a panic that cannot unwind runs the hook and ends the process.
extern "C" fn cannot_unwind() {
    panic!("deliberate mistake");
}

#[test]
fn a_panic_dumps_before_the_process_aborts() {
    match record_one() {
        Some((way, _)) if way == "extern" || way == "no dump" => cannot_unwind(),
        Some(_) => {
            catch_unwind(|| panic!("deliberate mistake")).ok();
            process::abort();
        }
        None => {}
    }
    for (way, expected) in [("extern", "just before\n"), ("abort", "just before\n"), ("no dump", "")] {
        let (status, log, stderr) = log_after("panic_hook::a_panic_dumps_before_the_process_aborts", way);
        assert!(!status.success());
        assert_eq!(log, expected, "{way}\n{stderr}");
        assert!(stderr.contains("deliberate mistake"), "the hook of before ran: {stderr}");
    }
}

#[test]
fn a_panic_of_a_thread_dumps_and_the_process_goes_on() {
    if let Some((_, memory)) = record_one() {
        thread::spawn(|| panic!("deliberate mistake")).join().unwrap_err();
        assert_eq!(memory.stats().delivered, 1);
        info!("forgotten");
        return;
    }
    let (status, log, stderr) = log_after("panic_hook::a_panic_of_a_thread_dumps_and_the_process_goes_on", "");
    assert!(status.success(), "{stderr}");
    assert_eq!(log, "just before\n");
}

/// What the program's own hook logs belongs to what came before.
#[test]
fn a_hook_of_before_may_log() {
    if child().is_some() {
        set_hook(Box::new(|_| info!("from the hook")));
        record_one();
        catch_unwind(|| panic!("deliberate mistake")).ok();
        process::abort();
    }
    let (_, log, stderr) = log_after("panic_hook::a_hook_of_before_may_log", "");
    assert_eq!(log, "just before\nfrom the hook\n", "{stderr}");
}

/// Panics that are contained are no crash: of a `Debug`, of the target itself.
#[test]
fn a_panic_that_we_contain_dumps_nothing() {
    struct Panics;
    impl std::fmt::Debug for Panics {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("deliberate mistake of a Debug")
        }
    }
    if let Some((_, memory)) = record_one() {
        info!(value = ?Panics, "contained");
        let target = Target::conducted(|_| Conduct::Panics);
        let other = MemoryHandler::builder(10).target(target).build().unwrap();
        give(&other, Level::INFO, "lost");
        assert!(other.flush(Deadline::never()).unwrap_err().is_panicked());
        assert_eq!((memory.stats().delivered, memory.stats().pending), (0, 2));
        return;
    }
    let (status, _, stderr) = log_after("panic_hook::a_panic_that_we_contain_dumps_nothing", "");
    assert!(status.success(), "{stderr}");
}

/// A writer that shares a lock with the thread that panics.
struct Locked(Arc<Mutex<()>>);

impl io::Write for Locked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _held = lock(&self.0);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// It would wait for ever, where a deadline is all there is to wait for.
#[test]
fn a_panic_under_a_lock_that_the_target_needs_goes_on() {
    if child().is_some() {
        let shared = Arc::new(Mutex::new(()));
        let stream = StreamHandler::builder(Locked(Arc::clone(&shared))).build().unwrap();
        let memory = MemoryHandler::flight_recorder(10).target(stream).dump_on_panic(true).build().unwrap();
        give(&memory, Level::INFO, "one");
        let panicked = thread::scope(|scope| {
            scope
                .spawn(|| {
                    let _held = lock(&shared);
                    panic!("deliberate mistake")
                })
                .join()
        });
        panicked.unwrap_err();
        memory.flush(Deadline::never()).unwrap();
        assert_eq!(memory.stats().delivered, 1);
        return;
    }
    let (status, _, stderr) = log_after("panic_hook::a_panic_under_a_lock_that_the_target_needs_goes_on", "");
    assert!(status.success(), "{stderr}");
}

/// The newest handler is at work with a target that hangs; the one before it is dumped all the same.
#[test]
fn a_handler_that_hangs_leaves_the_others_their_time() {
    if child().is_some() {
        let (target, hanging) = (Target::new(), Target::new());
        let recorder = MemoryHandler::flight_recorder(10).target(target.clone()).dump_on_panic(true).build().unwrap();
        let memory = MemoryHandler::builder(1).target(hanging.clone()).dump_on_panic(true).build().unwrap();
        give(&recorder, Level::INFO, "one");
        hanging.gate().close();
        thread::scope(|scope| {
            scope.spawn(|| give(&memory, Level::INFO, "hangs"));
            hanging.gate().wait_until_held();
            scope.spawn(|| panic!("deliberate mistake")).join().unwrap_err();
            assert_eq!(target.messages(), ["one"]);
            hanging.gate().open();
        });
        return;
    }
    let (status, _, stderr) = log_after("panic_hook::a_handler_that_hangs_leaves_the_others_their_time", "");
    assert!(status.success(), "{stderr}");
}

/// A second panic within a panic hook would end the process.
#[test]
fn a_target_that_panics_while_it_is_dumped_ends_nothing() {
    if child().is_some() {
        let target = Target::conducted(|_| Conduct::Panics);
        let memory = MemoryHandler::flight_recorder(10).target(target).dump_on_panic(true).build().unwrap();
        give(&memory, Level::INFO, "one");
        thread::spawn(|| panic!("deliberate mistake")).join().unwrap_err();
        assert_eq!((memory.stats().dropped(), memory.stats().pending), (1, 0));
        return;
    }
    let (status, _, stderr) = log_after("panic_hook::a_target_that_panics_while_it_is_dumped_ends_nothing", "");
    assert!(status.success(), "{stderr}");
}

/// `flush_on_panic` is for everything that the end of the process would flush, and for nothing else.
#[test]
fn every_handler_with_something_pending_is_flushed_at_a_panic() {
    if let Some((way, path)) = child() {
        let an_hour = Buffering::new().flush_interval(Duration::from_secs(3_600));
        let file =
            FileHandler::builder(path).format(MessageOnly).buffered(an_hour).drain_on_exit(way == "drain").layer().unwrap();
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(file)).unwrap();
        tracing_handlers_core::flush_on_panic();
        tracing_handlers_core::flush_on_panic();
        error!("the tail");
        cannot_unwind();
    }
    for (way, expected) in [("drain", "the tail\n"), ("no drain", "")] {
        let (status, log, stderr) = log_after("panic_hook::every_handler_with_something_pending_is_flushed_at_a_panic", way);
        assert!(!status.success());
        assert_eq!(log, expected, "{way}\n{stderr}");
    }
}
