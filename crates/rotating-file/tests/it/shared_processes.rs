//! Eight processes on one file, killed at moments of chance: nothing lost, torn or doubled, and the chain as configured.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::tempdir;
use tracing_handlers_core::Handler;
use tracing_handlers_rotating_file::{RotatingFileHandler, RotatingFileHandlerBuilder};
use tracing_handlers_testing::file_subject::logs_oldest_first;
use tracing_handlers_testing::killed_writers::{self, Told, child, lives};
use tracing_handlers_testing::{FailureLog, MessageOnly, record};

/// So small that each record is written alone.
const LIMIT: u64 = 2_000;

/// So large that most are written beside others.
const LARGE: u64 = 200_000;

fn builder(path: &Path, backups: usize) -> RotatingFileHandlerBuilder {
    RotatingFileHandler::builder(path).max_bytes(LIMIT).backup_count(backups).format(MessageOnly).shared(true)
}

/// No file is longer than it may be, unless somebody waited for the lock in vain, as on a machine that stands still for a second.
fn check_sizes(files: &[PathBuf], limit: u64, told: &Told) {
    let largest = files.iter().map(|path| fs::metadata(path).unwrap().len()).max().unwrap();
    let has_waited = told.failures.iter().any(|failure| failure.contains("another writer keeps it"));
    assert!(largest < limit || has_waited, "a file of {largest} bytes: {:?}", told.failures);
}

fn names(path: &Path) -> Vec<String> {
    logs_oldest_first(path).iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn eight_killed_processes_lose_tear_and_double_nothing() {
    if let Some(writer) = child() {
        writer.write_until_killed(&builder(&writer.path, 100_000).on_failure(writer.failures()).build().unwrap());
    }
    for round in 0..20 {
        let directory = tempdir().unwrap();
        let path = directory.path().join("app.log");
        let test = "shared_processes::eight_killed_processes_lose_tear_and_double_nothing";
        let told = killed_writers::run(test, &path, &lives(round, 8, 20, 400));
        let files = logs_oldest_first(&path);
        killed_writers::check(&files, &told);
        assert!(files.len() > 5, "round {round}: {} files", files.len());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), files.len(), "stray files");
        check_sizes(&files, LIMIT, &told);
    }
}

/// Most of the file is written beside others, under a lock that is kept; in some rounds for so long that only the end of a process, or of
/// the file, lets it go.
#[test]
fn eight_killed_processes_that_keep_the_lock_lose_tear_and_double_nothing() {
    let builder = |path: &Path| {
        let lease = if path.ends_with("long.log") { Duration::from_secs(3_600) } else { Duration::from_millis(5) };
        builder(path, 100_000).max_bytes(LARGE).lease(lease)
    };
    if let Some(writer) = child() {
        writer.write_until_killed(&builder(&writer.path).on_failure(writer.failures()).build().unwrap());
    }
    for round in 0..20 {
        let directory = tempdir().unwrap();
        let path = directory.path().join(if round % 4 == 3 { "long.log" } else { "app.log" });
        let test = "shared_processes::eight_killed_processes_that_keep_the_lock_lose_tear_and_double_nothing";
        let told = killed_writers::run(test, &path, &lives(200 + round, 8, 500, 5_000));
        let files = logs_oldest_first(&path);
        killed_writers::check(&files, &told);
        assert!(files.len() > 3, "round {round}: {} files", files.len());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), files.len(), "stray files");
        check_sizes(&files, LARGE, &told);
    }
}

/// A process that is stopped while it has the lock keeps the others from rolling, not from writing; what it writes when it goes on is in
/// the file of now.
#[test]
fn a_stopped_process_stops_nobody_and_loses_nothing_when_it_goes_on() {
    let builder = |path: &Path| builder(path, 100_000).max_bytes(LARGE).on_failure(FailureLog::new());
    if let Some(writer) = child() {
        writer.write_until_killed(&builder(&writer.path).build().unwrap());
    }
    for round in 0..4 {
        let directory = tempdir().unwrap();
        let path = directory.path().join("app.log");
        let test = "shared_processes::a_stopped_process_stops_nobody_and_loses_nothing_when_it_goes_on";
        let told = killed_writers::run_with_one_stopped(test, &path, &lives(300 + round, 4, 2_000, 6_000));
        let files = logs_oldest_first(&path);
        killed_writers::check(&files, &told);
        assert!(files.len() > 1, "round {round}: nothing was rolled, not even afterwards");
    }
}

#[test]
fn eight_killed_processes_leave_a_chain_of_the_length_that_is_configured_and_the_newest_records() {
    if let Some(writer) = child() {
        writer.write_until_killed(&builder(&writer.path, 3).build().unwrap());
    }
    for round in 0..20 {
        let directory = tempdir().unwrap();
        let path = directory.path().join("app.log");
        let test =
            "shared_processes::eight_killed_processes_leave_a_chain_of_the_length_that_is_configured_and_the_newest_records";
        let told = killed_writers::run(test, &path, &lives(100 + round, 8, 100, 400));
        killed_writers::check_newest(&logs_oldest_first(&path), &told);
        // Whoever was killed in the middle of a rollover leaves a gap, which the next one closes.
        assert!(matches!(names(&path).len(), 3..=4), "round {round}: {:?}", names(&path));
        let handler = builder(&path, 3).build().unwrap();
        for _ in 0..2 {
            handler.handle(&record("end").as_record()).unwrap();
            handler.roll_over().unwrap();
        }
        assert_eq!(names(&path), ["app.log.3", "app.log.2", "app.log.1", "app.log"]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 4, "stray files");
    }
}
