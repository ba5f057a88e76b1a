//! Compression of dated files.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::time::Duration;

use time::macros::datetime;
use tracing_handlers_core::{Clock as _, Deadline, Handler, Timestamp};
use tracing_handlers_testing::file_subject::{lines_of, names_of_open_files_go};
use tracing_handlers_testing::{FaultFs, Op, record};
use tracing_handlers_timed_rotating_file::{Compression, TimedRotatingFileHandlerBuilder, When};

use crate::setting::{JANUARY_31, NEXT_DAY, NOON, Setting, handle, mark_as_written};

const BACKUPS: usize = 3;
/// Two records a minute.
const SECONDS: u64 = 30;

fn builder(setting: &Setting, when: When) -> TimedRotatingFileHandlerBuilder {
    setting.builder(when).compress(Compression::gzip())
}

/// Closes the handler once everything is compressed.
fn close(handler: &impl Handler) {
    handler.close(Deadline::never()).unwrap();
}

/// All entries of the folder, sorted: dated files oldest first.
fn entries(setting: &Setting) -> Vec<String> {
    let entries = fs::read_dir(setting.path.parent().unwrap()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn unpacked_lines(path: &Path) -> Vec<String> {
    if path.extension().is_none_or(|ending| ending != "gz") {
        return lines_of(path);
    }
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*fs::read(path).unwrap()).read_to_string(&mut text).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The lines of all log files, oldest first. A file and its copy are the same, and count once.
fn lines(setting: &Setting) -> Vec<String> {
    let names = entries(setting).into_iter().filter(|name| name != "app.log" && !name.starts_with('.'));
    let mut rolled: Vec<(String, Vec<String>)> = Vec::new();
    for name in names {
        let lines = unpacked_lines(&setting.beside(&name));
        let plain = name.strip_suffix(".gz").unwrap_or(&name).to_owned();
        match rolled.last() {
            Some((last, same)) if *last == plain => assert_eq!(*same, lines, "{name}"),
            _ => rolled.push((plain, lines)),
        }
    }
    let mut lines: Vec<_> = rolled.into_iter().flat_map(|(_, lines)| lines).collect();
    if setting.path.exists() {
        lines.extend(lines_of(&setting.path));
    }
    lines
}

#[test]
fn a_dated_file_is_compressed_and_found_by_its_exact_name() {
    if !names_of_open_files_go() {
        return;
    }
    let setting = Setting::new(NOON);
    let neighbours = ["app.log.2024-01-3.gz", "app.log.2023-12-31.gz.bak", "app.log.foo.gz", "app.log.2023-12-31.xz"];
    for name in neighbours {
        fs::write(setting.beside(name), "theirs\n").unwrap();
    }
    let handler = builder(&setting, When::Midnight).backup_count(1).build().unwrap();
    for day in 0..3 {
        handle(&handler, &format!("day {day}"));
        setting.advance(86_400);
    }
    handle(&handler, "day 3");
    let files = handler.existing_files().unwrap();
    assert_eq!(files.len(), 1, "{files:?}");
    close(&handler);
    let last = setting.beside("app.log.2024-02-02.gz");
    assert_eq!(handler.existing_files().unwrap(), std::slice::from_ref(&last));
    assert_eq!(unpacked_lines(&last), ["day 2"]);
    for name in neighbours {
        assert_eq!(fs::read_to_string(setting.beside(name)).unwrap(), "theirs\n", "{name}");
    }
    assert_eq!(setting.entries(), neighbours.len() + 2);
    setting.lost_nothing(&handler);
}

#[test]
fn a_name_whose_compressed_file_is_there_is_taken() {
    let setting = Setting::new(NOON);
    fs::write(setting.beside("app.log.2024-01-31.gz"), "of this day").unwrap();
    let handler = builder(&setting, When::Midnight).build().unwrap();
    handle(&handler, "first");
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    close(&handler);
    assert_eq!(entries(&setting), ["app.log", "app.log.2024-01-31.1.gz", "app.log.2024-01-31.gz"]);
    assert_eq!(fs::read_to_string(setting.beside("app.log.2024-01-31.gz")).unwrap(), "of this day");
    assert_eq!(unpacked_lines(&setting.beside("app.log.2024-01-31.1.gz")), ["first"]);
}

#[test]
fn limits_of_age_and_bytes_hold_for_compressed_files() {
    let setting = Setting::new(NOON);
    let builder = || {
        let builder = builder(&setting, When::Midnight).max_total_bytes(3_000);
        builder.max_age(Duration::from_secs(3 * 86_400))
    };
    for day in 0..6 {
        let handler = builder().build().unwrap();
        handle(&handler, &format!("day {day} {}", "a".repeat(2_000)));
        setting.mark_as_written_now();
        setting.advance(86_400);
        handler.roll_over().unwrap();
        close(&handler);
    }
    // By age; uncompressed, two would be above the limit of bytes.
    let kept = builder().build().unwrap().existing_files().unwrap();
    assert_eq!(kept.len(), 3, "{kept:?}");
}

#[test]
fn a_name_by_pattern_gets_the_ending_too() {
    if !names_of_open_files_go() {
        return;
    }
    let setting = Setting::new(NOON);
    let handler = builder(&setting, When::Midnight).name_pattern("{stem}-{date}.{ext}").backup_count(2).build().unwrap();
    for day in 0..4 {
        handle(&handler, &format!("day {day}"));
        setting.advance(86_400);
    }
    close(&handler);
    assert_eq!(entries(&setting), ["app-2024-02-01.log.gz", "app-2024-02-02.log.gz", "app.log"]);
}

#[test]
fn a_namer_whose_names_could_not_be_found_again_is_refused() {
    let setting = Setting::new(NOON);
    let error = builder(&setting, When::Midnight).namer(|_| "/elsewhere/x".into()).build().unwrap_err();
    assert!(error.to_string().contains("could not be found"), "{error}");
}

#[test]
fn it_cannot_go_with_a_rotator_nor_with_other_writers() {
    let setting = Setting::new(NOON);
    let errors = [
        builder(&setting, When::Hours).rotator(|from, to| fs::rename(from, to)).build().unwrap_err(),
        #[cfg(unix)]
        builder(&setting, When::Hours).shared(true).build().unwrap_err(),
    ];
    for error in errors {
        assert!(error.is_config() && error.to_string().starts_with("setting `compress` = gzip"), "{error}");
    }
}

#[test]
fn what_an_earlier_process_left_is_compressed_at_the_start() {
    let setting = Setting::new(NOON);
    let names = [JANUARY_31, "app.log.2024-01-30", ".app.log.2024-01-30.gz.tmp", ".app.log.2024-01-29.gz.tmp"];
    for name in names {
        fs::write(setting.beside(name), format!("{name}\n")).unwrap();
    }
    close(&builder(&setting, When::Midnight).build().unwrap());
    assert_eq!(entries(&setting), ["app.log", "app.log.2024-01-30.gz", "app.log.2024-01-31.gz"]);
}

#[test]
fn a_file_and_its_copy_count_as_one() {
    let setting = Setting::new(NOON);
    let names = ["app.log.2024-01-29", "app.log.2024-01-30"];
    let written = Timestamp::from(NOON);
    for name in names {
        let (plain, copy) = (setting.beside(name), setting.beside(&format!("{name}.gz")));
        for path in [plain, copy] {
            fs::write(&path, "").unwrap();
            mark_as_written(&path, written);
        }
    }
    setting.fs.hold(Op::Read);
    let handler = builder(&setting, When::Midnight).backup_count(2).build().unwrap();
    let existing = handler.existing_files().unwrap();
    assert_eq!(existing, names.map(|name| setting.beside(&format!("{name}.gz"))));
    assert!(handler.files_to_delete().unwrap().is_empty());
    handle(&handler, "first");
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    assert_eq!(entries(&setting), ["app.log", "app.log.2024-01-30.gz", JANUARY_31], "the oldest went in both forms");
    setting.fs.release(Op::Read);
    close(&handler);
    assert_eq!(setting.entries(), 3);
}

#[test]
fn nobody_who_logs_waits_for_a_compressor_that_is_stuck_or_fails() {
    let setting = Setting::new(NOON);
    let handler = builder(&setting, When::Minutes).build().unwrap();
    setting.fs.hold(Op::Read);
    setting.fs.fail_times(Op::Read, 1, ErrorKind::PermissionDenied);
    let first = write_more(&setting, &handler, "rec", 3);
    setting.fs.wait_until_held(Op::Read);
    let all = [first, write_more(&setting, &handler, "more", 6)].concat();
    assert_eq!(lines(&setting), all);
    setting.fs.release(Op::Read);
    close(&handler);
    assert_eq!(lines(&setting), all);
    assert_eq!(setting.failures.len(), 1, "{:?}", setting.failures.texts());
    setting.lost_nothing(&handler);
    assert!(setting.clock.now() > NOON.into());
}

/// Two records a minute; all must be accepted.
fn write_more(setting: &Setting, handler: &impl Handler, name: &str, count: usize) -> Vec<String> {
    let messages: Vec<_> = (0..count).map(|number| format!("{name} {number:03}")).collect();
    for message in &messages {
        handle(handler, message);
        setting.advance(SECONDS);
    }
    messages
}

const COUNT: usize = 11;

/// Writes records until the power is cut; gives back those that were accepted. A handler for each few records, or one for all.
fn write_until_power_cut(setting: &Setting, a_handler: usize) -> Vec<String> {
    let messages: Vec<_> = (0..COUNT).map(|number| format!("rec {number:03}")).collect();
    let mut accepted = Vec::new();
    for messages in messages.chunks(a_handler) {
        let Ok(handler) = builder(setting, When::Minutes).backup_count(BACKUPS).build() else { break };
        for message in messages {
            if handler.handle(&record(message.clone()).as_record()).is_ok() {
                accepted.push(message.clone());
                setting.mark_as_written_now();
            }
            setting.advance(SECONDS);
        }
        // Whether it could compress everything is seen by what is there.
        handler.close(Deadline::never()).ok();
    }
    accepted
}

/// One handler for three records: rollovers and compressions are steps in a certain order.
#[test]
fn nothing_is_lost_or_doubled_whatever_step_is_the_last() {
    every_step_may_be_the_last(3);
}

#[test]
fn nor_where_files_are_rolled_meanwhile() {
    every_step_may_be_the_last(COUNT);
}

fn every_step_may_be_the_last(a_handler: usize) {
    let start = datetime!(2024-01-31 12:00 UTC);
    let total = {
        let setting = Setting::new(start);
        assert_eq!(write_until_power_cut(&setting, a_handler).len(), COUNT);
        setting.fs.steps()
    };
    let has_free_names = names_of_open_files_go();
    assert!(total > 35, "so few steps cannot be all: {total}");
    for step in 0..=total {
        let mut setting = Setting::new(start);
        setting.fs.cut_power_before(step);
        let accepted = write_until_power_cut(&setting, a_handler);
        let told = || format!("step {step}: {accepted:?}; {:#?}", setting.fs.journal());
        let kept = lines(&setting);
        assert!(accepted.ends_with(&kept), "{kept:?}; {}", told());
        assert!(kept.len() >= accepted.len().min(2 * BACKUPS), "{kept:?}; {}", told());

        // A new process compresses what was left, and nothing else is there.
        setting.fs = FaultFs::new();
        close(&builder(&setting, When::Minutes).backup_count(BACKUPS).build().unwrap());
        let names = entries(&setting);
        let are_compressed = names.iter().all(|name| name == "app.log" || name.ends_with(".gz"));
        assert!(are_compressed, "step {step}: {names:?}; {:?}", setting.failures);
        assert_eq!(lines(&setting), kept, "step {step}");

        // After its next rollovers as many files are kept as configured. Where a file that is being compressed cannot be removed, one
        // more is, until the next.
        if !has_free_names {
            continue;
        }
        let handler = builder(&setting, When::Minutes).backup_count(BACKUPS).build().unwrap();
        let expected = [kept, write_more(&setting, &handler, "new", 9)].concat();
        close(&handler);
        let names = entries(&setting);
        assert_eq!(names.len(), BACKUPS + 1, "step {step}: {names:?}");
        assert!(names.iter().all(|name| name == "app.log" || name.ends_with(".gz")), "step {step}: {names:?}");
        let after = lines(&setting);
        assert!(expected.ends_with(&after) && after.len() > 2 * BACKUPS, "step {step}: {after:?}");
    }
}
