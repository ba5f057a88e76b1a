//! A process that ends between any two steps of a rollover: afterwards each record stands in exactly one file.

use tempfile::tempdir;
use time::macros::datetime;
use tracing_handlers_core::Handler as _;
use tracing_handlers_testing::file_subject::logs_oldest_first;
use tracing_handlers_testing::{FaultFs, MessageOnly, record};
use tracing_handlers_timed_rotating_file::{TimedRotatingFileHandler, TimedRotatingFileHandlerBuilder, When};

use crate::setting::{Setting, handle};

const BACKUPS: usize = 3;
/// Two records a minute.
const SECONDS: u64 = 30;

type Open = fn(&Setting) -> TimedRotatingFileHandlerBuilder;

fn by_time(setting: &Setting) -> TimedRotatingFileHandlerBuilder {
    setting.builder(When::Minutes).backup_count(BACKUPS)
}

/// The limit is two records too; they are numbered within the hour.
fn by_size(setting: &Setting) -> TimedRotatingFileHandlerBuilder {
    setting.builder(When::Hours).max_bytes(20).backup_count(BACKUPS)
}

/// Writes records until the power is cut; gives back those that were accepted.
fn write_until_power_cut(setting: &Setting, open: Open, count: usize) -> Vec<String> {
    let Ok(handler) = open(setting).build() else { return Vec::new() };
    let messages = (0..count).map(|number| format!("rec {number:03}"));
    let accepted = messages.filter(|message| {
        let accepted = handler.handle(&record(message.clone()).as_record()).is_ok();
        setting.advance(SECONDS);
        accepted
    });
    accepted.collect()
}

/// The same with a process that starts now; all must be accepted.
fn write_more(setting: &Setting, handler: &TimedRotatingFileHandler, name: &str, count: usize) -> Vec<String> {
    let messages: Vec<_> = (0..count).map(|number| format!("{name} {number:03}")).collect();
    for message in &messages {
        handle(handler, message);
        setting.advance(SECONDS);
    }
    messages
}

#[test]
fn no_accepted_record_is_lost_or_doubled_whatever_step_is_the_last() {
    every_step_may_be_the_last(by_time);
}

#[test]
fn nor_where_files_are_rolled_by_size_within_their_period() {
    every_step_may_be_the_last(by_size);
}

fn every_step_may_be_the_last(open: Open) {
    const COUNT: usize = 14;
    let start = datetime!(2024-01-31 12:00 UTC);
    let total = {
        let setting = Setting::new(start);
        assert_eq!(write_until_power_cut(&setting, open, COUNT).len(), COUNT);
        setting.fs.steps()
    };
    assert!(total > 25, "so few steps cannot be all: {total}");
    for step in 0..=total {
        let mut setting = Setting::new(start);
        setting.fs.cut_power_before(step);
        let accepted = write_until_power_cut(&setting, open, COUNT);
        let told = || format!("step {step}: {accepted:?}; {:#?}", setting.fs.journal());

        // What is on the disk now is the newest part of what was accepted, without a gap and without a double.
        let kept = setting.lines();
        assert!(accepted.ends_with(&kept), "{kept:?}; {}", told());
        let at_least = accepted.len().min(2 * BACKUPS);
        assert!(kept.len() >= at_least, "{kept:?}; {}", told());
        let surplus = setting.names().iter().filter(|name| *name != "app.log").count().saturating_sub(BACKUPS);
        assert!(surplus <= 1, "{:?}; {}", setting.names(), told());

        // A new process goes on; its next rollover removes what is too much, and nothing else is left.
        setting.fs = FaultFs::new();
        let handler = open(&setting).build().unwrap();
        let more = write_more(&setting, &handler, "new", 3);
        let expected = [kept, more].concat();
        let after = setting.lines();
        assert!(expected.ends_with(&after) && after.len() >= expected.len().min(2 * BACKUPS), "step {step}: {after:?}");
        assert!(setting.entries() <= BACKUPS + 1, "step {step}: {:?}", setting.names());
        write_more(&setting, &handler, "end", 8);
        assert_eq!(setting.names().len(), BACKUPS + 1, "step {step}");
        assert_eq!(setting.entries(), BACKUPS + 1, "step {step}: stray files");
    }
}

/// The real thing: a process killed at random moments while it rolls all the time.
#[cfg(unix)]
#[test]
fn a_killed_process_tears_and_loses_nothing_that_it_was_told_is_written() {
    use tracing_handlers_testing::killed_writers;

    if let Some(child) = killed_writers::child() {
        let builder = TimedRotatingFileHandler::builder(&child.path).when(When::Seconds).utc(true).max_bytes(200);
        child.write_until_killed(&builder.backup_count(100_000).format(MessageOnly).build().unwrap());
    }
    for round in 0..10 {
        let directory = tempdir().unwrap();
        let path = directory.path().join("app.log");
        let test = "crash::a_killed_process_tears_and_loses_nothing_that_it_was_told_is_written";
        let told = killed_writers::run(test, &path, &[300 + 37 * round]);
        killed_writers::check(&logs_oldest_first(&path), &told);
    }
}
