//! Compressed files of rotation by the clock: named, counted, kept and deleted as one file each.

use std::fs;
use std::io::Read as _;
use std::time::Duration;

use flate2::read::GzDecoder;
use tracing_handlers_core::{Deadline, Handler as _};
use tracing_handlers_file::rollover::Compression;
use tracing_handlers_testing::{FaultFs, Op, record};
use tracing_handlers_timed_rotating_file::{TimedRotatingFileHandler, TimedRotatingFileHandlerBuilder, When};

use crate::setting::{NEXT_DAY, NOON, Setting, handle};

const LONG: Duration = Duration::from_secs(30);

fn close(handler: &TimedRotatingFileHandler) {
    handler.close(Deadline::after(LONG)).unwrap();
}

fn builder(setting: &Setting) -> TimedRotatingFileHandlerBuilder {
    setting.builder(When::Midnight).backup_count(3).compress(Compression::gzip())
}

fn names(setting: &Setting) -> Vec<String> {
    let entries = fs::read_dir(setting.path.parent().unwrap()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn unzipped(setting: &Setting, name: &str) -> String {
    let mut text = String::new();
    GzDecoder::new(fs::File::open(setting.beside(name)).unwrap()).read_to_string(&mut text).unwrap();
    text
}

/// Every line, oldest first; a file in two forms is one.
fn lines(setting: &Setting) -> Vec<String> {
    let names = names(setting);
    let rolled = names.iter().filter(|name| name.starts_with("app.log."));
    let mut plain: Vec<_> = rolled.map(|name| name.trim_end_matches(".gz").to_owned()).collect();
    plain.sort_by_key(|name| (name.len(), name.clone()));
    plain.dedup();
    let text = |name: &String| {
        let compressed = format!("{name}.gz");
        if names.contains(&compressed) {
            unzipped(setting, &compressed)
        } else {
            fs::read_to_string(setting.beside(name)).unwrap()
        }
    };
    let last = fs::read_to_string(&setting.path).unwrap_or_default();
    let texts: Vec<_> = plain.iter().map(text).chain([last]).collect();
    texts.iter().flat_map(|text| text.lines().map(str::to_owned)).collect()
}

#[test]
fn dated_files_are_compressed_counted_once_and_the_oldest_go() {
    let setting = Setting::new(NOON);
    let handler = builder(&setting).max_bytes(12).build().unwrap();
    for message in ["first", "second", "third"] {
        handle(&handler, message);
    }
    setting.set(NEXT_DAY);
    handle(&handler, "fourth");
    assert_eq!(handler.existing_files().unwrap().len(), 3);
    setting.advance(86_400);
    handle(&handler, "fifth");
    close(&handler);
    let expected = ["app.log", "app.log.2024-01-31.1.gz", "app.log.2024-01-31.2.gz", "app.log.2024-02-01.gz"];
    assert_eq!(names(&setting), expected);
    assert_eq!(unzipped(&setting, "app.log.2024-01-31.2.gz"), "third\n");
    setting.lost_nothing(&handler);
}

/// A name whose compressed form is there is taken: nothing is overwritten.
#[test]
fn a_name_that_is_taken_in_another_form_gets_a_number() {
    let setting = Setting::new(NOON);
    fs::write(setting.beside("app.log.2024-01-31.gz"), "theirs or ours, but there").unwrap();
    let handler = builder(&setting).build().unwrap();
    handle(&handler, "first");
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    close(&handler);
    assert_eq!(names(&setting), ["app.log", "app.log.2024-01-31.1.gz", "app.log.2024-01-31.gz"]);
    assert_eq!(fs::read_to_string(setting.beside("app.log.2024-01-31.gz")).unwrap(), "theirs or ours, but there");
}

#[test]
fn a_pattern_names_compressed_files_too() {
    let setting = Setting::new(NOON);
    let open = || builder(&setting).name_pattern("{stem}-{date}.{ext}").backup_count(1).build().unwrap();
    let handler = open();
    handle(&handler, "first");
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    close(&handler);
    assert_eq!(names(&setting), ["app-2024-01-31.log.gz", "app.log"]);
    let handler = open();
    setting.mark_as_written_now();
    setting.advance(86_400);
    handle(&handler, "third");
    assert_eq!(handler.existing_files().unwrap().len(), 1, "the older one went");
}

/// The one that is being compressed is deleted meanwhile: it does not come back.
#[test]
fn a_file_that_is_deleted_meanwhile_stays_deleted() {
    let setting = Setting::new(NOON);
    let handler = builder(&setting).backup_count(1).build().unwrap();
    setting.fs.hold(Op::Read);
    handle(&handler, "first");
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    setting.fs.wait_until_held(Op::Read);
    setting.advance(86_400);
    handle(&handler, "third");
    setting.fs.release(Op::Read);
    close(&handler);
    assert_eq!(names(&setting), ["app.log", "app.log.2024-02-01.gz"]);
}

#[test]
fn no_accepted_record_is_lost_or_doubled_whatever_step_is_the_last() {
    let run = |setting: &Setting| {
        let mut accepted = Vec::new();
        for round in 0..4 {
            let Ok(handler) = builder(setting).build() else { return accepted };
            for number in 0..2 {
                let message = format!("rec {round} {number}");
                if handler.handle(&record(message.clone()).as_record()).is_ok() {
                    accepted.push(message);
                }
                setting.advance(43_200);
            }
            drop(handler.close(Deadline::after(LONG)));
        }
        accepted
    };
    let total = {
        let setting = Setting::new(NOON);
        assert_eq!(run(&setting).len(), 8);
        setting.fs.steps()
    };
    assert!(total > 30, "so few steps cannot be all: {total}");
    for step in 0..=total {
        let mut setting = Setting::new(NOON);
        setting.fs.cut_power_before(step);
        let accepted = run(&setting);
        let kept = lines(&setting);
        assert!(accepted.ends_with(&kept), "step {step}: {kept:?} of {accepted:?}; {:#?}", setting.fs.journal());
        assert!(kept.len() >= accepted.len().min(6), "step {step}: {kept:?}; {:#?}", setting.fs.journal());

        setting.fs = FaultFs::new();
        let handler = builder(&setting).build().unwrap();
        let mut expected = kept;
        for number in 0..8 {
            let message = format!("end {number}");
            handle(&handler, &message);
            expected.push(message);
            setting.advance(43_200);
        }
        close(&handler);
        let after = lines(&setting);
        assert!(expected.ends_with(&after) && after.len() >= 6, "step {step}: {after:?}");
        let names = names(&setting);
        assert_eq!(names.len(), 4, "step {step}: {names:?}");
        assert!(names.iter().skip(1).all(|name| name.ends_with(".gz")), "step {step}: {names:?}");
    }
}
