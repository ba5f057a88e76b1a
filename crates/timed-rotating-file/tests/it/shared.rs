//! Several handlers on one file that is rolled by the clock and by size.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tempfile::tempdir;
use tracing_handlers_core::{Clock, Timestamp};
use tracing_handlers_testing::MessageOnly;
use tracing_handlers_testing::killed_writers::{self, Told, child, lives};
use tracing_handlers_timed_rotating_file::{TimedRotatingFileHandler, TimedRotatingFileHandlerBuilder, When};

use crate::setting::{JANUARY_31, NEXT_DAY, NOON, Setting, handle};

/// So small that most records are written alone.
const LIMIT: u64 = 40_000;

/// So large that most are written beside others, under a lock that is kept.
const LARGE: u64 = 300_000;

/// Rolled each second, and more often by size.
fn builder(path: &Path, backups: usize) -> TimedRotatingFileHandlerBuilder {
    let builder = TimedRotatingFileHandler::builder(path).when(When::Seconds).utc(true).max_bytes(LIMIT);
    builder.backup_count(backups).format(MessageOnly).shared(true)
}

fn files_oldest_first(path: &Path) -> Vec<PathBuf> {
    let mut files = builder(path, 0).build().unwrap().existing_files().unwrap();
    files.push(path.to_path_buf());
    files
}

#[test]
fn eight_killed_processes_lose_tear_and_double_nothing() {
    lose_tear_and_double_nothing("shared::eight_killed_processes_lose_tear_and_double_nothing", LIMIT, 20);
}

#[test]
fn eight_killed_processes_that_keep_the_lock_lose_tear_and_double_nothing() {
    lose_tear_and_double_nothing("shared::eight_killed_processes_that_keep_the_lock_lose_tear_and_double_nothing", LARGE, 20);
}

/// Goes on until the file was rolled in `rounds` rounds by its size as well as by the clock.
fn lose_tear_and_double_nothing(test: &str, limit: u64, rounds: u64) {
    if let Some(writer) = child() {
        let builder = builder(&writer.path, 0).max_bytes(limit).on_failure(writer.failures());
        writer.write_until_killed(&builder.build().unwrap());
    }
    let mut both = 0;
    for round in 0.. {
        let directory = tempdir().unwrap();
        let path = directory.path().join("app.log");
        let told = killed_writers::run(test, &path, &lives(limit + round, 8, 500, 8_000));
        let files = files_oldest_first(&path);
        killed_writers::check(&files, &told);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), files.len(), "stray files");
        check_sizes(&files, limit, &told);
        let rolled = &files[..files.len() - 1];
        both += u64::from((2..rolled.len()).contains(&seconds(rolled)));
        if both == rounds {
            return;
        }
        assert!(round < 20 * rounds, "it is not rolled by size and by the clock: {files:?}");
    }
}

/// Of how many seconds there are rolled files.
fn seconds(files: &[PathBuf]) -> usize {
    let stamp = |path: &PathBuf| {
        path.file_name().unwrap().to_string_lossy().chars().take("app.log.2024-01-31_12-00-00".len()).collect::<String>()
    };
    files.iter().map(stamp).collect::<HashSet<_>>().len()
}

/// No file is longer than it may be, unless somebody waited for the lock in vain, as on a machine that stands still for a second.
fn check_sizes(files: &[PathBuf], limit: u64, told: &Told) {
    let largest = files.iter().map(|path| fs::metadata(path).unwrap().len()).max().unwrap();
    let has_waited = told.failures.iter().any(|failure| failure.contains("another writer keeps it"));
    assert!(largest < limit || has_waited, "a file of {largest} bytes: {:?}", told.failures);
}

#[test]
fn eight_killed_processes_keep_the_files_that_are_configured_and_the_newest_records() {
    if let Some(writer) = child() {
        writer.write_until_killed(&builder(&writer.path, 3).build().unwrap());
    }
    for round in 0..20 {
        let directory = tempdir().unwrap();
        let path = directory.path().join("app.log");
        let test = "shared::eight_killed_processes_keep_the_files_that_are_configured_and_the_newest_records";
        let told = killed_writers::run(test, &path, &lives(700 + round, 8, 500, 1_500));
        killed_writers::check_newest(&files_oldest_first(&path), &told);
        let handler = builder(&path, 3).build().unwrap();
        handle(&handler, "end");
        handler.roll_over().unwrap();
        assert_eq!(handler.existing_files().unwrap().len(), 3, "round {round}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 4, "stray files");
    }
}

/// A clock that is read late once: whoever read it waited for something before going on.
#[derive(Clone, Default)]
struct Late(Arc<AtomicBool>);

impl Clock for Late {
    fn now(&self) -> Timestamp {
        let late = Duration::from_secs(if self.0.swap(false, Ordering::SeqCst) { 5 } else { 0 });
        Timestamp::from(NOON - late)
    }
}

#[test]
fn a_record_that_waited_while_others_rolled_begins_no_earlier_period() {
    let setting = Setting::new(NOON);
    let late = Late::default();
    let shared = |clock: Late| setting.builder(When::Seconds).max_bytes(12).shared(true).clock(clock).build().unwrap();
    let (one, two) = (shared(Late::default()), shared(late.clone()));
    handle(&one, "1 filled");
    handle(&one, "2 filled");
    late.0.store(true, Ordering::SeqCst);
    ["3 filled", "4 filled", "5 filled"].iter().for_each(|message| handle(&two, message));
    let mut files = two.existing_files().unwrap();
    files.push(setting.path.clone());
    let content: String = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    assert_eq!(content, "1 filled\n2 filled\n3 filled\n4 filled\n5 filled\n", "{files:?}");
    setting.lost_nothing(&two);
}

#[test]
fn one_of_two_rolls_at_midnight_and_the_other_follows() {
    let setting = Setting::new(NOON);
    let shared = || setting.builder(When::Midnight).shared(true).build().unwrap();
    let (one, two) = (shared(), shared());
    handle(&one, "1");
    handle(&two, "2");
    setting.set(NEXT_DAY);
    handle(&one, "3");
    handle(&two, "4");
    handle(&one, "5");
    assert_eq!(setting.names(), [JANUARY_31, "app.log"]);
    assert_eq!(
        (setting.lines_in(JANUARY_31), setting.lines_in("app.log")),
        (vec!["1".into(), "2".into()], vec!["3".into(), "4".into(), "5".into()])
    );
    setting.advance(86_400);
    handle(&two, "6");
    handle(&one, "7");
    assert_eq!((setting.names().len(), setting.lines_in("app.log")), (3, vec!["6".into(), "7".into()]));
    setting.lost_nothing(&one);
}

/// Both keep the lock when the day ends: the one that rolls waits until the other has let go.
#[test]
fn a_stream_of_records_is_rolled_at_midnight_too() {
    let setting = Setting::new(NOON);
    let shared = || setting.builder(When::Midnight).shared(true).build().unwrap();
    let (one, two) = (shared(), shared());
    (0..10).for_each(|_| {
        handle(&one, "January");
        handle(&two, "January");
    });
    setting.set(NEXT_DAY);
    (0..10).for_each(|_| {
        handle(&one, "February");
        handle(&two, "February");
    });
    assert_eq!(setting.names(), [JANUARY_31, "app.log"]);
    assert!(setting.lines_in(JANUARY_31).iter().all(|line| line == "January"));
    assert!(setting.lines_in("app.log").iter().all(|line| line == "February"));
    assert_eq!(setting.lines().len(), 40);
    setting.lost_nothing(&one);
}

#[test]
fn in_a_stream_a_record_costs_its_write_and_one_call() {
    let setting = Setting::new(NOON);
    let builder = setting.builder(When::Midnight).max_bytes(1_000_000).shared(true);
    let handler = builder.lease(Duration::from_secs(3_600)).build().unwrap();
    (0..4).for_each(|_| handle(&handler, "rec"));
    let before = setting.fs.calls();
    (0..100).for_each(|_| handle(&handler, "rec"));
    assert_eq!(setting.fs.calls() - before, 200);
}

#[test]
fn a_rollover_by_size_is_followed_and_the_next_midnight_is_not_missed() {
    let setting = Setting::new(NOON);
    let shared = || setting.builder(When::Midnight).max_bytes(10).shared(true).build().unwrap();
    let (one, two) = (shared(), shared());
    handle(&one, "one 1");
    handle(&one, "one 2");
    handle(&two, "2");
    setting.set(NEXT_DAY);
    handle(&two, "two 3");
    assert_eq!((setting.names().len(), setting.lines_in("app.log")), (3, vec!["two 3".into()]));
    setting.lost_nothing(&two);
}

#[test]
fn without_shared_the_second_is_reported_once() {
    let setting = Setting::new(NOON);
    let one = setting.builder(When::Midnight).build().unwrap();
    let two = setting.builder(When::Midnight).build().unwrap();
    handle(&one, "0");
    setting.set(NEXT_DAY);
    handle(&two, "1");
    handle(&one, "2");
    handle(&two, "3");
    assert_eq!(setting.names(), [JANUARY_31, "app.log"]);
    assert_eq!((setting.lines_in(JANUARY_31).len(), setting.lines_in("app.log")), (2, vec!["2".into(), "3".into()]));
    let told = setting.failures.texts();
    assert!(told.len() == 1 && told[0].contains("shared(true)"), "{told:?}");
}
