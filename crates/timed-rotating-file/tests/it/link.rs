//! The path as a link to the dated file that is written.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use time::macros::datetime;
use tracing_handlers_core::{Deadline, Handler as _};
use tracing_handlers_testing::{FaultFs, Op, record};
use tracing_handlers_timed_rotating_file::{TimedRotatingFileHandler, TimedRotatingFileHandlerBuilder, When};

use crate::setting::{JANUARY_31, NEXT_DAY, NOON, Setting, handle};

const DAY: u64 = 86_400;

fn builder(setting: &Setting) -> TimedRotatingFileHandlerBuilder {
    setting.builder(When::Midnight).link_to_dated(true)
}

fn names(setting: &Setting) -> Vec<String> {
    let entries = fs::read_dir(setting.path.parent().unwrap()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn leads_to(setting: &Setting) -> String {
    fs::read_link(&setting.path).unwrap().display().to_string()
}

fn text(setting: &Setting, name: &str) -> String {
    fs::read_to_string(setting.beside(name)).unwrap()
}

#[test]
fn records_go_into_the_dated_file_and_the_path_leads_there() {
    let setting = Setting::new(NOON);
    let handler = builder(&setting).build().unwrap();
    handle(&handler, "first");
    assert_eq!((leads_to(&setting), text(&setting, JANUARY_31).as_str()), (JANUARY_31.to_owned(), "first\n"));
    assert!(handler.existing_files().unwrap().is_empty(), "what is written to is no rolled file");
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    assert_eq!(leads_to(&setting), "app.log.2024-02-01");
    assert_eq!(fs::read_to_string(&setting.path).unwrap(), "second\n");
    assert_eq!(handler.existing_files().unwrap(), [setting.beside(JANUARY_31)]);
    assert_eq!(names(&setting), ["app.log", JANUARY_31, "app.log.2024-02-01"]);
    setting.lost_nothing(&handler);
}

#[test]
fn another_process_goes_on_in_the_file_of_the_day_and_not_in_that_of_another() {
    let setting = Setting::new(NOON);
    handle(&builder(&setting).build().unwrap(), "first");
    setting.mark_as_written_now();
    handle(&builder(&setting).build().unwrap(), "second");
    assert_eq!(text(&setting, JANUARY_31), "first\nsecond\n");
    setting.mark_as_written_now();
    setting.advance(3 * DAY);
    handle(&builder(&setting).build().unwrap(), "third");
    assert_eq!((leads_to(&setting).as_str(), text(&setting, "app.log.2024-02-03").as_str()), ("app.log.2024-02-03", "third\n"));
}

#[test]
fn sizes_count_too_the_oldest_go_and_the_current_one_never_does() {
    let setting = Setting::new(NOON);
    let handler = builder(&setting).max_bytes(12).backup_count(2).build().unwrap();
    for message in ["first", "second", "third", "fourth"] {
        handle(&handler, message);
    }
    assert_eq!(names(&setting), ["app.log", "app.log.2024-01-31.1", "app.log.2024-01-31.2", "app.log.2024-01-31.3"]);
    assert_eq!(fs::read_to_string(&setting.path).unwrap(), "fourth\n");
    assert_eq!(handler.existing_files().unwrap().len(), 2);
    setting.lost_nothing(&handler);
}

#[test]
fn a_day_without_records_leaves_no_empty_file() {
    let setting = Setting::new(NOON);
    let handler = builder(&setting).build().unwrap();
    setting.advance(2 * DAY);
    handle(&handler, "first");
    assert_eq!(names(&setting), ["app.log", "app.log.2024-02-02"]);
    assert_eq!(text(&setting, "app.log.2024-02-02"), "first\n");
}

#[test]
fn a_file_of_the_time_before_is_moved_to_its_date() {
    let setting = Setting::new(NOON);
    handle(&setting.builder(When::Midnight).build().unwrap(), "before");
    setting.mark_as_written_now();
    let handler = builder(&setting).build().unwrap();
    handle(&handler, "after");
    assert_eq!((text(&setting, JANUARY_31).as_str(), leads_to(&setting).as_str()), ("before\n", "app.log.2024-01-31.1"));
    assert_eq!(handler.existing_files().unwrap(), [setting.beside(JANUARY_31)]);
}

#[test]
fn a_link_that_cannot_be_made_costs_nothing_and_is_tried_again() {
    let setting = Setting::new(NOON);
    let handler = builder(&setting).build().unwrap();
    handle(&handler, "first");
    setting.fs.fail(Op::Link, ErrorKind::PermissionDenied);
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    assert!(setting.failures.texts()[0].contains("lead to"), "{:?}", setting.failures);
    setting.fs.heal_all();
    setting.advance(2);
    handle(&handler, "third");
    assert_eq!(text(&setting, JANUARY_31), "first\nsecond\n");
    assert_eq!(text(&setting, "app.log.2024-02-01"), "third\n");
    setting.lost_nothing(&handler);
}

#[cfg(feature = "gzip")]
#[test]
fn what_is_no_longer_written_to_is_compressed_and_what_is_not() {
    let setting = Setting::new(NOON);
    let compression = tracing_handlers_timed_rotating_file::Compression::gzip();
    let handler = builder(&setting).compress(compression).build().unwrap();
    for message in ["first", "second", "third"] {
        handle(&handler, message);
        setting.advance(DAY);
    }
    handler.close(Deadline::after(Duration::from_secs(30))).unwrap();
    let expected = ["app.log", "app.log.2024-01-31.gz", "app.log.2024-02-01.gz", "app.log.2024-02-02"];
    assert_eq!(names(&setting), expected);
    assert_eq!(text(&setting, "app.log.2024-02-02"), "third\n");
}

#[test]
fn no_accepted_record_is_lost_or_doubled_whatever_step_is_the_last() {
    let run = |setting: &Setting| {
        let Ok(handler) = builder(setting).build() else { return Vec::new() };
        let mut accepted = Vec::new();
        for number in 0..8 {
            let message = format!("rec {number}");
            if handler.handle(&record(message.clone()).as_record()).is_ok() {
                accepted.push(message);
            }
            setting.advance(DAY / 2);
        }
        accepted
    };
    let lines = |setting: &Setting| -> Vec<String> {
        let dated = names(setting).into_iter().filter(|name| name.starts_with("app.log."));
        dated.flat_map(|name| text(setting, &name).lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    let total = {
        let setting = Setting::new(NOON);
        assert_eq!(run(&setting).len(), 8);
        setting.fs.steps()
    };
    assert!(total > 20, "so few steps cannot be all: {total}");
    for step in 0..=total {
        let mut setting = Setting::new(datetime!(2024-01-31 12:00 UTC));
        setting.fs.cut_power_before(step);
        let mut expected = run(&setting);
        assert_eq!(lines(&setting), expected, "step {step}: {:#?}", setting.fs.journal());
        setting.fs = FaultFs::new();
        let handler = builder(&setting).build().unwrap();
        for number in 0..3 {
            let message = format!("end {number}");
            handle(&handler, &message);
            expected.push(message);
            setting.advance(DAY);
        }
        assert_eq!(lines(&setting), expected, "step {step}: {:?}", names(&setting));
        let stray = names(&setting).into_iter().any(|name| name.starts_with('.') || text(&setting, &name).is_empty());
        assert!(!stray, "step {step}: {:?}", names(&setting));
    }
}

#[test]
fn what_cannot_be_together_is_refused() {
    let builder = || TimedRotatingFileHandler::builder("never-made.log").link_to_dated(true);
    let beside = [
        (builder().shared(true), "several processes"),
        (builder().rotator(|_, _| Ok(())), "rotator"),
        (builder().follow_symlinks(false), "follow_symlinks"),
    ];
    for (builder, words) in beside {
        let refused = builder.build().unwrap_err().to_string();
        assert!(refused.contains("link_to_dated") && refused.contains(words), "{refused}");
    }
    assert!(!Path::new("never-made.log").exists());
}
