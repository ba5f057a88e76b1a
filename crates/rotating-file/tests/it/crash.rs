//! A process that ends between any two steps of a rollover: afterwards each record stands in exactly one file.

use std::path::{Path, PathBuf};

use tempfile::tempdir;
use tracing_handlers_core::Handler;
use tracing_handlers_rotating_file::{RotatingFileHandler, RotatingFileHandlerBuilder};
use tracing_handlers_testing::file_subject::{lines_of, logs_oldest_first};
use tracing_handlers_testing::{FailureLog, FaultFs, MessageOnly, record};

const BACKUPS: usize = 3;
/// Two records a file.
const LIMIT: u64 = 20;

fn builder(path: &Path, fs: FaultFs) -> RotatingFileHandlerBuilder {
    let builder = RotatingFileHandler::builder(path).max_bytes(LIMIT).backup_count(BACKUPS).format(MessageOnly);
    builder.fs(fs).on_failure(FailureLog::new())
}

/// Writes records until the power is cut; gives back those that were accepted.
fn write_until_power_cut(path: &Path, fs: &FaultFs, count: usize) -> Vec<String> {
    let Ok(handler) = builder(path, fs.clone()).build() else { return Vec::new() };
    let messages = (0..count).map(|number| format!("rec {number:03}"));
    messages.filter(|message| handler.handle(&record(message.clone()).as_record()).is_ok()).collect()
}

fn all_lines(path: &Path) -> Vec<String> {
    logs_oldest_first(path).iter().flat_map(|path| lines_of(path)).collect()
}

fn names(path: &Path) -> Vec<String> {
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    logs_oldest_first(path).iter().map(name).collect()
}

#[test]
fn no_accepted_record_is_lost_or_doubled_whatever_step_is_the_last() {
    const COUNT: usize = 14;
    let total = {
        let (directory, fs) = (tempdir().unwrap(), FaultFs::new());
        write_until_power_cut(&directory.path().join("app.log"), &fs, COUNT);
        fs.steps()
    };
    assert!(total > 30, "so few steps cannot be all: {total}");
    for step in 0..=total {
        let directory = tempdir().unwrap();
        let path = directory.path().join("app.log");
        let fs = FaultFs::new();
        fs.cut_power_before(step);
        let accepted = write_until_power_cut(&path, &fs, COUNT);

        // What is on the disk now is the newest part of what was accepted, without a gap and without a double.
        let kept = all_lines(&path);
        assert!(accepted.ends_with(&kept), "step {step}: {kept:?} of {accepted:?}; {:#?}", fs.journal());
        // A full chain holds what three backups hold at least; no rollover gave up more than the oldest file.
        let at_least = accepted.len().min(2 * BACKUPS);
        assert!(kept.len() >= at_least, "step {step}: {kept:?} of {accepted:?}; {:#?}", fs.journal());

        // A new process goes on; after its next rollovers the chain is as configured, and nothing else is left.
        let handler = builder(&path, FaultFs::new()).build().unwrap();
        let more: Vec<_> = (0..2).map(|number| format!("new {number:03}")).collect();
        more.iter().for_each(|message| handler.handle(&record(message.clone()).as_record()).unwrap());
        let expected = [kept, more].concat();
        let after = all_lines(&path);
        assert!(expected.ends_with(&after) && after.len() >= expected.len().min(2 * BACKUPS), "step {step}: {after:?}");
        (0..8).for_each(|number| handler.handle(&record(format!("end {number:03}")).as_record()).unwrap());
        assert_eq!(names(&path), ["app.log.3", "app.log.2", "app.log.1", "app.log"], "step {step}");
        let entries = std::fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(entries, BACKUPS + 1, "step {step}: stray files");
    }
}

/// The real thing: a process killed at random moments while it rolls all the time.
#[cfg(unix)]
#[test]
fn a_killed_process_tears_and_loses_nothing_that_it_was_told_is_written() {
    use tracing_handlers_testing::killed_writers;

    if let Some(child) = killed_writers::child() {
        let builder = RotatingFileHandler::builder(&child.path).max_bytes(200).backup_count(100_000);
        child.write_until_killed(&builder.format(MessageOnly).build().unwrap());
    }
    for round in 0..10 {
        let directory = tempdir().unwrap();
        let path = directory.path().join("app.log");
        let test = "crash::a_killed_process_tears_and_loses_nothing_that_it_was_told_is_written";
        let told = killed_writers::run(test, &path, &[300 + 37 * round]);
        killed_writers::check(&logs_oldest_first(&path), &told);
    }
}
