//! The ways a process ends, with a buffered handler that nobody flushed: each is a process of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use tempfile::tempdir;
use tracing_handlers_file::{Buffering, FileHandler};
use tracing_handlers_testing::MessageOnly;
use tracing_subscriber::prelude::*;

const WAY: &str = "TRACING_HANDLERS_EXIT_WAY";
const PATH: &str = "TRACING_HANDLERS_EXIT_PATH";

/// Runs this test in a process of its own and gives back what it left in the log.
fn log_after(test: &str, way: &str) -> (ExitStatus, String) {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads", "1"])
        .env(WAY, way)
        .env(PATH, &path)
        .output()
        .unwrap();
    (child.status, fs::read_to_string(path).unwrap())
}

/// In the child: one record through a global subscriber that is never dropped, in a buffer that nobody flushes.
fn log_one() -> Option<String> {
    let way = std::env::var(WAY).ok()?;
    let path = PathBuf::from(std::env::var_os(PATH)?);
    let layer = FileHandler::builder(path)
        .format(MessageOnly)
        .buffered(Buffering::new().flush_interval(Duration::from_secs(3_600)))
        .drain_on_exit(way != "no drain")
        .layer()
        .unwrap();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    tracing::info!("the tail");
    Some(way)
}

#[test]
fn a_return_from_main_keeps_the_tail() {
    if log_one().is_some() {
        return;
    }
    let (status, log) = log_after("exit::a_return_from_main_keeps_the_tail", "return");
    assert!(status.success());
    assert_eq!(log, "the tail\n");
}

/// On Windows `process::exit` is `ExitProcess`, which runs no hook of C.
#[cfg(unix)]
#[test]
fn process_exit_keeps_the_tail() {
    if log_one().is_some() {
        std::process::exit(7);
    }
    let (status, log) = log_after("exit::process_exit_keeps_the_tail", "exit");
    assert_eq!(status.code(), Some(7));
    assert_eq!(log, "the tail\n");
}

/// The harness of tests ends with `process::exit` as well.
#[cfg(unix)]
#[test]
fn a_panic_keeps_the_tail() {
    if log_one().is_some() {
        panic!("deliberate mistake");
    }
    let (status, log) = log_after("exit::a_panic_keeps_the_tail", "panic");
    assert!(!status.success());
    assert_eq!(log, "the tail\n");
}

#[test]
fn drain_on_exit_can_be_turned_off() {
    if log_one().is_some() {
        std::process::exit(0);
    }
    let (_, log) = log_after("exit::drain_on_exit_can_be_turned_off", "no drain");
    assert_eq!(log, "");
}

/// The documented limit: nothing runs after an abort.
#[test]
fn an_abort_loses_what_was_buffered() {
    if log_one().is_some() {
        std::process::abort();
    }
    let (status, log) = log_after("exit::an_abort_loses_what_was_buffered", "abort");
    assert!(!status.success());
    assert_eq!(log, "");
}

#[test]
fn an_explicit_shutdown_reports_and_closes() {
    if log_one().is_some() {
        let report = tracing_handlers_core::shutdown(Duration::from_secs(5));
        let complete = report.is_complete() && report.handlers == 1 && report.stats.delivered == 1;
        std::process::exit(if complete { 0 } else { 1 });
    }
    let (status, log) = log_after("exit::an_explicit_shutdown_reports_and_closes", "shutdown");
    assert!(status.success());
    assert_eq!(log, "the tail\n");
}
