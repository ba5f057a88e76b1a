//! The cases of CPython's `TimedRotatingFileHandlerTest` that write files, under their names; those of `computeRollover` are in
//! `cpython.rs`, those of `getFilesToDelete` beside the names.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::tempdir;
use time::OffsetDateTime;
use time::macros::datetime;
use time::{Time, Weekday};
use tracing_handlers_core::{Handler as _, Timestamp};
use tracing_handlers_testing::{FailureLog, FaultFs, ManualClock, Op};
use tracing_handlers_timed_rotating_file::{TimedRotatingFileHandler, When};

use crate::setting::{Setting, handle, mark_as_written};

#[cfg(unix)]
#[test]
fn test_should_not_rollover() {
    // A device is not rolled though its second is over. Were it tried, this keeps the device where it is.
    let (fs, failures) = (FaultFs::new(), FailureLog::new());
    fs.fail(Op::Rename, ErrorKind::PermissionDenied);
    let clock = ManualClock::new(Timestamp::from_unix_seconds(1_000));
    let builder = TimedRotatingFileHandler::builder("/dev/null").when(When::Seconds).backup_count(1).max_bytes(1);
    let handler = builder.fs(fs).clock(clock.clone()).on_failure(failures.clone()).build().unwrap();
    for _ in 0..3 {
        clock.advance(Duration::from_millis(1_100));
        handle(&handler, "nowhere");
    }
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(handler.stats().delivered, 3);
}

#[test]
fn test_rollover() {
    let setting = Setting::new(datetime!(2024-01-31 23:59:58 UTC));
    let handler = setting.builder(When::Seconds).build().unwrap();
    handle(&handler, "testing - initial");
    setting.clock.advance(Duration::from_millis(1_100));
    handle(&handler, "testing - after delay");
    assert_eq!(setting.names(), ["app.log.2024-01-31_23-59-58", "app.log"]);
    assert_eq!(setting.lines_in("app.log.2024-01-31_23-59-58"), ["testing - initial"]);
    assert_eq!(setting.lines_in("app.log"), ["testing - after delay"]);
}

#[test]
fn test_rollover_at_midnight() {
    rollover_at(When::Midnight, "app.log.2024-01-30");
}

/// 2024-01-31, when it happens, is a Wednesday.
#[test]
fn test_rollover_at_weekday() {
    rollover_at(When::Weekday(Weekday::Wednesday), "app.log.2024-01-24");
}

/// Handlers come and go; the age of what stands in the file says when it is rolled.
fn rollover_at(when: When, rolled: &str) {
    let now = datetime!(2024-01-31 14:15:16.7 UTC);
    let setting = Setting::new(now);
    let append = |message: &str| handle(&setting.builder(when).at_time(now.time()).build().unwrap(), message);
    let old = ["testing1 0", "testing1 1", "testing1 2"];
    old.into_iter().for_each(append);
    assert_eq!(setting.names(), ["app.log"]);
    assert_eq!(setting.lines(), old);

    mark_as_written(&setting.path, (now - Duration::from_secs(1)).into());
    let new = ["testing2 0", "testing2 1"];
    new.into_iter().for_each(append);
    assert_eq!(setting.names(), [rolled, "app.log"]);
    assert_eq!(setting.lines_in(rolled), old);
    assert_eq!(setting.lines_in("app.log"), new);
}

#[test]
fn test_invalid() {
    for when in ["X", "W", "W7"] {
        assert!(when.parse::<When>().unwrap_err().is_config());
    }
    // What is left to be wrong is found before anything is opened, also where that is put off.
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    for delay in [false, true] {
        let error = TimedRotatingFileHandler::builder(&path).interval(0).delay(delay).build().unwrap_err();
        assert!(error.is_config(), "{error}");
    }
    assert!(!path.exists());
}

/// A service that is started again more often than its file is rolled rolls it all the same, because the file knows when it was
/// made. Where the file system does not, the last record counts, as it always did.
#[test]
fn test_rollover_based_on_st_birthtime_only() {
    let setting = Setting::new(datetime!(2024-01-31 12:00 UTC));
    fs::write(&setting.path, "").unwrap();
    let metadata = fs::metadata(&setting.path).unwrap();
    let born = OffsetDateTime::from(metadata.created().or(metadata.modified()).unwrap());
    // Wine gives the time of the last change for it.
    mark_as_written(&setting.path, (born + Duration::from_secs(1)).into());
    let is_known = metadata.created().is_ok() && fs::metadata(&setting.path).unwrap().created().ok() == metadata.created().ok();
    for minutes in [10, 35, 59, 61] {
        setting.set(born + Duration::from_secs(minutes * 60));
        handle(&setting.builder(When::Hours).build().unwrap(), &format!("after {minutes} minutes"));
        setting.mark_as_written_now();
    }
    assert_eq!(setting.names().len(), if is_known { 2 } else { 1 });
    assert_eq!(setting.lines().len(), 4);
    assert_eq!(setting.lines_in("app.log").len(), if is_known { 1 } else { 4 });
}

/// What is older than its birth was copied with its times: it is as old as its last record.
#[test]
fn a_file_that_was_restored_is_as_old_as_its_last_record() {
    let setting = Setting::new(datetime!(2024-01-31 12:00 UTC));
    fs::write(&setting.path, "restored\n").unwrap();
    mark_as_written(&setting.path, datetime!(2024-01-28 12:00 UTC).into());
    handle(&setting.builder(When::Midnight).build().unwrap(), "today");
    assert_eq!(setting.names(), ["app.log.2024-01-28", "app.log"]);
}

/// A clock was ahead when it was written.
#[test]
fn a_file_from_the_future_is_of_today() {
    let setting = Setting::new(datetime!(2024-01-31 12:00 UTC));
    fs::write(&setting.path, "early\n").unwrap();
    mark_as_written(&setting.path, datetime!(2024-02-01 01:00 UTC).into());
    let handler = setting.builder(When::Midnight).build().unwrap();
    handle(&handler, "today");
    setting.set(datetime!(2024-02-01 00:00 UTC));
    handle(&handler, "tomorrow");
    assert_eq!(setting.lines_in("app.log.2024-01-31"), ["early", "today"]);
}

/// Of `HandlerTest`.
#[test]
fn test_pathlike_objects() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    let open = |path: &dyn AsRef<Path>| drop(TimedRotatingFileHandler::builder(path.as_ref()).build().unwrap());
    let text = path.to_str().unwrap();
    let kinds: [&dyn AsRef<Path>; 5] = [&path.as_path(), &PathBuf::from(text), &text, &text.to_owned(), &OsString::from(text)];
    for kind in kinds {
        open(kind);
        assert!(path.is_file());
        fs::remove_file(&path).unwrap();
    }
}

/// The time of the day means nothing to a period that follows the last rollover.
#[test]
fn a_time_of_the_day_is_for_midnight_and_weekdays_only() {
    let setting = Setting::new(datetime!(2024-01-31 12:00 UTC));
    let handler = setting.builder(When::Days).at_time(Time::from_hms(13, 0, 0).unwrap()).build().unwrap();
    handle(&handler, "noon");
    setting.set(datetime!(2024-02-01 11:59:59 UTC));
    handle(&handler, "just before noon");
    setting.set(datetime!(2024-02-01 12:00 UTC));
    handle(&handler, "noon again");
    assert_eq!(setting.lines_in("app.log.2024-01-31"), ["noon", "just before noon"]);
    assert_eq!(setting.lines_in("app.log"), ["noon again"]);
}
