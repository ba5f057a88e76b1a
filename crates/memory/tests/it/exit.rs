//! The ways a process ends, with records in memory that nobody flushed: each is a process of its own.

use std::process;
use std::time::Duration;

use tracing::info;
use tracing_handlers_file::{Buffering, FileHandler};
use tracing_handlers_memory::MemoryHandler;
use tracing_handlers_testing::MessageOnly;
use tracing_subscriber::prelude::*;

use crate::support::{child, log_after};

/// In the child: one record through a global subscriber that is never dropped, in front of a file that holds it back as well.
fn log_one() -> Option<String> {
    let (way, path) = child()?;
    let an_hour = Buffering::new().flush_interval(Duration::from_secs(3_600));
    let file = FileHandler::builder(path).format(MessageOnly).buffered(an_hour).build().unwrap();
    let builder = match way.as_str() {
        "recorder" => MemoryHandler::flight_recorder(10),
        "recorder that flushes" => MemoryHandler::flight_recorder(10).flush_on_close(true),
        "not on close" => MemoryHandler::builder(10).flush_on_close(false),
        "no drain" => MemoryHandler::builder(10).drain_on_exit(false),
        _ => MemoryHandler::builder(10),
    };
    let layer = builder.target(file).layer().unwrap();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    info!("the tail");
    Some(way)
}

#[test]
fn a_return_from_main_hands_over_what_is_held() {
    if log_one().is_some() {
        return;
    }
    let (status, log, stderr) = log_after("exit::a_return_from_main_hands_over_what_is_held", "return");
    assert!(status.success(), "{stderr}");
    assert_eq!(log, "the tail\n");
}

/// On Windows `process::exit` is `ExitProcess`, which runs no hook of C.
#[cfg(unix)]
#[test]
fn process_exit_hands_over_what_is_held() {
    if log_one().is_some() {
        process::exit(7);
    }
    let (status, log, stderr) = log_after("exit::process_exit_hands_over_what_is_held", "exit");
    assert_eq!(status.code(), Some(7), "{stderr}");
    assert_eq!(log, "the tail\n");
}

#[test]
fn what_is_held_is_not_handed_over_where_nobody_wants_it() {
    if log_one().is_some() {
        return;
    }
    for (way, expected) in [("recorder", ""), ("not on close", ""), ("no drain", ""), ("recorder that flushes", "the tail\n")] {
        let (status, log, stderr) = log_after("exit::what_is_held_is_not_handed_over_where_nobody_wants_it", way);
        assert!(status.success(), "{stderr}");
        assert_eq!(log, expected, "{way}");
    }
}

/// The documented limit: nothing runs after an abort.
#[test]
fn an_abort_loses_what_was_held() {
    if log_one().is_some() {
        process::abort();
    }
    let (status, log, _) = log_after("exit::an_abort_loses_what_was_held", "abort");
    assert!(!status.success());
    assert_eq!(log, "");
}
