//! Faults in the middle of a rollover, and clocks that jump: the record is in the old file, or counted; writing goes on when the
//! fault ends; a file is named after its own period, however late it is rolled.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use time::OffsetDateTime;
use time::macros::datetime;
use tracing_handlers_core::{Clock, Deadline, DropReason, Handler as _, Timestamp};
use tracing_handlers_file::Buffering;
use tracing_handlers_testing::{Gate, ManualClock, Op, record};
use tracing_handlers_timed_rotating_file::{TimedRotatingFileHandler, When};

use crate::setting::{Setting, handle};

const NOON: OffsetDateTime = datetime!(2024-01-31 12:00 UTC);
const NEXT_DAY: OffsetDateTime = datetime!(2024-02-01 00:00 UTC);
const JANUARY_31: &str = "app.log.2024-01-31";

/// Open since noon, with one record in it; every night a rollover, three files are kept.
fn since_noon() -> (Setting, TimedRotatingFileHandler) {
    let setting = Setting::new(NOON);
    let handler = setting.builder(When::Midnight).backup_count(3).build().unwrap();
    handle(&handler, "first");
    (setting, handler)
}

impl Setting {
    /// After the fault: the next record past the pause is in a new file, the others in that of their day, none lost or doubled.
    fn recovers(&self, handler: &TimedRotatingFileHandler, expected: &[&str]) {
        self.fs.heal_all();
        self.advance(1);
        handle(handler, "recovered");
        assert_eq!(self.lines_in("app.log"), ["recovered"], "rolled as soon as it could");
        assert_eq!(self.lines_in(JANUARY_31), expected);
        assert_eq!(self.names(), [JANUARY_31, "app.log"]);
        self.lost_nothing(handler);
        // The next night is an ordinary one.
        self.set(datetime!(2024-03-01 00:00 UTC));
        handle(handler, "later");
        assert_eq!(self.lines_in("app.log"), ["later"]);
        self.lost_nothing(handler);
    }

    /// As many as are kept, of the month's beginning.
    fn has_old_files(&self) {
        for date in ["2024-01-01", "2024-01-02", "2024-01-03"] {
            fs::write(self.beside(&format!("app.log.{date}")), "old\n").unwrap();
        }
    }

    fn lost_nothing(&self, handler: &TimedRotatingFileHandler) {
        assert_eq!(self.failures.lost(), 0);
        let stats = handler.stats();
        assert!(stats.is_balanced() && stats.dropped() == 0, "{stats}");
    }
}

#[test]
fn a_refused_rename_keeps_the_record_in_the_old_file() {
    let (setting, handler) = since_noon();
    setting.fs.fail(Op::Rename, ErrorKind::PermissionDenied);
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    handle(&handler, "third");
    assert_eq!(setting.lines_in("app.log"), ["first", "second", "third"]);
    assert_eq!(setting.failures.len(), 1, "tried once a second: {:?}", setting.failures);
    setting.advance(1);
    handle(&handler, "fourth");
    assert_eq!(setting.failures.len(), 2, "and again a second later: {:?}", setting.failures);
    setting.recovers(&handler, &["first", "second", "third", "fourth"]);
}

#[test]
fn a_rename_refused_for_days_changes_no_name() {
    let (setting, handler) = since_noon();
    setting.fs.fail(Op::Rename, ErrorKind::PermissionDenied);
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    setting.set(datetime!(2024-02-03 00:00 UTC));
    handle(&handler, "third");
    setting.recovers(&handler, &["first", "second", "third"]);
}

#[test]
fn a_new_file_that_cannot_be_opened_keeps_the_old_one_in_use() {
    let (setting, handler) = since_noon();
    setting.fs.fail(Op::Open, ErrorKind::PermissionDenied);
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    handle(&handler, "third");
    assert!(!setting.path.exists(), "the file was moved before");
    assert_eq!(setting.lines_in(JANUARY_31), ["first", "second", "third"]);
    setting.recovers(&handler, &["first", "second", "third"]);
}

#[test]
fn a_directory_that_cannot_be_listed_is_rolled_and_cleaned_up_later() {
    let (setting, handler) = since_noon();
    setting.has_old_files();
    setting.fs.fail(Op::List, ErrorKind::PermissionDenied);
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    assert_eq!(setting.lines_in(JANUARY_31), ["first"]);
    assert_eq!(setting.lines_in("app.log"), ["second"]);
    assert_eq!(setting.names().len(), 5, "nothing is deleted on a guess");
    assert!(!setting.failures.is_empty());

    setting.fs.heal_all();
    setting.set(datetime!(2024-02-02 00:00 UTC));
    handle(&handler, "third");
    assert_eq!(setting.names(), ["app.log.2024-01-03", JANUARY_31, "app.log.2024-02-01", "app.log"]);
    setting.lost_nothing(&handler);
}

#[test]
fn an_old_file_that_cannot_be_removed_stays_until_it_can() {
    let (setting, handler) = since_noon();
    setting.has_old_files();
    setting.fs.fail(Op::Unlink, ErrorKind::PermissionDenied);
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    assert_eq!(setting.lines_in("app.log"), ["second"], "the rollover does not wait for it");
    assert_eq!(setting.names().len(), 5);
    assert_eq!(setting.failures.len(), 1, "{:?}", setting.failures);

    setting.fs.heal_all();
    setting.set(datetime!(2024-02-02 00:00 UTC));
    handle(&handler, "third");
    assert_eq!(setting.names(), ["app.log.2024-01-03", JANUARY_31, "app.log.2024-02-01", "app.log"]);
    setting.lost_nothing(&handler);
}

#[test]
fn a_file_that_nothing_can_be_learnt_about_goes_on_being_written() {
    let (setting, handler) = since_noon();
    setting.fs.fail(Op::Stat, ErrorKind::PermissionDenied);
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    assert_eq!(setting.lines_in("app.log"), ["first", "second"]);
    setting.recovers(&handler, &["first", "second"]);
}

#[test]
fn a_full_disk_costs_the_record_and_nothing_else() {
    let (setting, handler) = since_noon();
    setting.fs.disk_full_after(4);
    setting.set(NEXT_DAY);
    handler.handle(&record("second").as_record()).unwrap_err();
    assert_eq!(setting.failures.lost_for(DropReason::Failed), 1);
    assert_eq!(setting.lines(), ["first"], "not a part of it is left");
    setting.fs.heal_all();
    handle(&handler, "third");
    assert_eq!(setting.lines_in(JANUARY_31), ["first"]);
    assert_eq!(setting.lines_in("app.log"), ["third"]);
    assert!(handler.stats().is_balanced());
}

#[test]
fn a_directory_that_is_gone_is_made_again() {
    let (setting, handler) = since_noon();
    fs::remove_dir_all(setting.path.parent().unwrap()).unwrap();
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    assert_eq!(setting.lines(), ["second"], "the first went with its directory");
    assert!(setting.failures.is_empty(), "{:?}", setting.failures);
    setting.lost_nothing(&handler);
}

#[test]
fn a_file_replaced_by_a_directory_goes_on_being_written() {
    let (setting, handler) = since_noon();
    let moved = setting.beside("moved");
    fs::rename(&setting.path, &moved).unwrap();
    fs::create_dir(&setting.path).unwrap();
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    assert_eq!(setting.lines_in("moved"), ["first", "second"]);
    assert!(setting.path.is_dir(), "what is no log of ours is not moved");
    assert!(!setting.failures.is_empty());
    fs::remove_dir(&setting.path).unwrap();
    setting.advance(1);
    handle(&handler, "third");
    assert_eq!(setting.lines_in("app.log"), ["third"]);
    setting.lost_nothing(&handler);
}

/// Real permissions, where the test does not run as root (who is refused nothing).
#[cfg(unix)]
#[test]
fn a_directory_without_write_permission_keeps_the_old_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let (setting, handler) = since_noon();
    let directory = setting.path.parent().unwrap();
    fs::set_permissions(directory, fs::Permissions::from_mode(0o500)).unwrap();
    let is_refused = fs::write(directory.join("probe"), "").is_err();
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).unwrap();
    let expected: &[&str] = if is_refused { &["first", "second"] } else { &["second"] };
    assert_eq!(setting.lines_in("app.log"), expected);
    setting.lost_nothing(&handler);
}

#[test]
fn hooks_that_panic_or_fail_cost_no_record() {
    type Rotator = fn(&Path, &Path) -> io::Result<()>;
    let panics: Rotator = |_, _| panic!("deliberate mistake of a rotator");
    let fails: Rotator = |_, _| Err(io::Error::other("deliberate refusal"));
    for rotator in [panics, fails] {
        let setting = Setting::new(NOON);
        let handler = setting.builder(When::Midnight).rotator(rotator).build().unwrap();
        handle(&handler, "first");
        setting.set(NEXT_DAY);
        (0..10).for_each(|_| handle(&handler, "after midnight"));
        assert_eq!(setting.lines_in("app.log").len(), 11);
        assert_eq!(setting.failures.len(), 1, "left alone for a second: {:?}", setting.failures);
        setting.lost_nothing(&handler);
    }
}

#[test]
fn a_clock_that_steps_back_a_minute_rolls_no_second_time() {
    let (setting, handler) = since_noon();
    setting.set(datetime!(2024-02-01 00:00:30 UTC));
    handle(&handler, "second");
    for now in [datetime!(2024-01-31 23:59:30 UTC), NEXT_DAY, datetime!(2024-02-01 23:59:59 UTC)] {
        setting.set(now);
        handle(&handler, "more");
    }
    assert_eq!(setting.names(), [JANUARY_31, "app.log"]);
    setting.set(datetime!(2024-02-02 00:00 UTC));
    handle(&handler, "third");
    assert_eq!(setting.lines_in(JANUARY_31), ["first"]);
    assert_eq!(setting.lines_in("app.log.2024-02-01"), ["second", "more", "more", "more"]);
    assert_eq!(setting.lines_in("app.log"), ["third"]);
    setting.lost_nothing(&handler);
}

#[test]
fn a_clock_that_steps_back_a_week_rolls_at_the_midnights_that_it_shows() {
    let (setting, handler) = since_noon();
    setting.set(datetime!(2024-01-24 12:00 UTC));
    handle(&handler, "second");
    assert_eq!(setting.lines(), ["first", "second"]);
    setting.set(datetime!(2024-01-25 00:00 UTC));
    handle(&handler, "third");
    assert_eq!(setting.lines_in("app.log.2024-01-24"), ["first", "second"]);
    // It is put right.
    setting.set(datetime!(2024-01-31 12:00 UTC));
    handle(&handler, "fourth");
    assert_eq!(setting.lines_in("app.log.2024-01-25"), ["third"]);
    setting.set(NEXT_DAY);
    handle(&handler, "fifth");
    assert_eq!(setting.lines_in(JANUARY_31), ["fourth"]);
    assert_eq!(setting.lines(), ["first", "second", "third", "fourth", "fifth"]);
    setting.lost_nothing(&handler);
}

#[test]
fn a_clock_that_jumps_a_week_ahead_rolls_once() {
    let (setting, handler) = since_noon();
    setting.set(datetime!(2024-02-07 12:00 UTC));
    handle(&handler, "second");
    handle(&handler, "third");
    assert_eq!(setting.names(), [JANUARY_31, "app.log"]);
    setting.set(datetime!(2024-02-08 00:00 UTC));
    handle(&handler, "fourth");
    assert_eq!(setting.lines_in("app.log.2024-02-07"), ["second", "third"]);
    setting.lost_nothing(&handler);
}

#[test]
fn a_process_suspended_across_ten_boundaries_rolls_once_under_the_right_name() {
    let setting = Setting::new(NOON);
    let handler = setting.builder(When::Hours).aligned(true).build().unwrap();
    setting.set(datetime!(2024-01-31 12:45 UTC));
    handle(&handler, "before");
    setting.set(datetime!(2024-01-31 22:10 UTC));
    handle(&handler, "after");
    assert_eq!(setting.names(), ["app.log.2024-01-31_12", "app.log"]);
    setting.set(datetime!(2024-01-31 23:00 UTC));
    handle(&handler, "on time again");
    assert_eq!(setting.lines_in("app.log.2024-01-31_12"), ["before"]);
    assert_eq!(setting.lines_in("app.log.2024-01-31_22"), ["after"]);
    assert_eq!(setting.lines_in("app.log"), ["on time again"]);
}

#[test]
fn two_rollovers_within_one_second_keep_both_files() {
    let setting = Setting::new(NOON);
    let handler = setting.builder(When::Seconds).build().unwrap();
    for message in ["first", "second", "third"] {
        handle(&handler, message);
        handler.roll_over().unwrap();
    }
    let plain = "app.log.2024-01-31_12-00-00";
    assert_eq!(setting.names(), [plain, &format!("{plain}.1"), &format!("{plain}.2"), "app.log"]);
    assert_eq!(setting.lines(), ["first", "second", "third"]);
    let existing: Vec<_> = setting.names().iter().take(3).map(|name| setting.beside(name)).collect();
    assert_eq!(handler.existing_files().unwrap(), existing);
}

#[test]
fn a_name_that_is_taken_is_neither_overwritten_nor_a_reason_to_stall() {
    let (setting, handler) = since_noon();
    fs::write(setting.beside(JANUARY_31), "of somebody else\n").unwrap();
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    assert_eq!(setting.lines_in(JANUARY_31), ["of somebody else"]);
    assert_eq!(setting.lines_in(&format!("{JANUARY_31}.1")), ["first"]);
    assert_eq!(setting.lines_in("app.log"), ["second"]);
    assert!(setting.failures.is_empty(), "{:?}", setting.failures);
}

#[test]
fn a_directory_of_the_name_is_stepped_around() {
    let (setting, handler) = since_noon();
    fs::create_dir(setting.beside(JANUARY_31)).unwrap();
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    assert_eq!(setting.lines_in(&format!("{JANUARY_31}.1")), ["first"]);
    assert_eq!(setting.lines_in("app.log"), ["second"]);
    assert!(setting.failures.is_empty(), "{:?}", setting.failures);
}

#[test]
fn a_log_that_somebody_removed_is_begun_again_at_the_next_rollover() {
    let (setting, handler) = since_noon();
    fs::remove_file(&setting.path).unwrap();
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    assert_eq!(setting.names(), ["app.log"]);
    assert_eq!(setting.lines(), ["second"]);
    assert!(setting.failures.is_empty(), "{:?}", setting.failures);
}

#[test]
fn the_record_that_comes_first_in_a_period_is_in_its_file() {
    let (setting, handler) = since_noon();
    setting.set(NEXT_DAY - Duration::from_nanos(1));
    handle(&handler, "the last of January");
    setting.set(NEXT_DAY);
    handle(&handler, "the first of February");
    assert_eq!(setting.lines_in(JANUARY_31), ["first", "the last of January"]);
    assert_eq!(setting.lines_in("app.log"), ["the first of February"]);
}

#[test]
fn a_buffered_record_is_in_the_file_of_the_time_when_it_was_accepted() {
    let setting = Setting::new(NOON);
    let buffering = Buffering::new().flush_interval(Duration::from_secs(3_600));
    let handler = setting.builder(When::Midnight).buffered(buffering).build().unwrap();
    handle(&handler, "first");
    setting.set(NEXT_DAY - Duration::from_nanos(1));
    handle(&handler, "the last of January");
    setting.set(NEXT_DAY);
    handle(&handler, "the first of February");
    setting.set(NEXT_DAY + Duration::from_secs(5));
    handle(&handler, "the second of February");
    assert_eq!(setting.lines(), [""; 0], "all of it is still in memory");
    handler.flush(Deadline::never()).unwrap();
    assert_eq!(setting.lines_in(JANUARY_31), ["first", "the last of January"]);
    assert_eq!(setting.lines_in("app.log"), ["the first of February", "the second of February"]);
}

#[test]
fn a_batch_is_rolled_between_its_records() {
    let setting = Setting::new(NOON);
    let handler = setting.builder(When::Midnight).build().unwrap();
    let records: Vec<_> = ["first", "second", "third"].map(record).into();
    let nights = [NOON, NEXT_DAY, NEXT_DAY];
    let mut records = records.iter().zip(nights).map(|(record, now)| {
        setting.set(now);
        record.as_record()
    });
    handler.handle_batch(&mut records).unwrap();
    assert_eq!(setting.lines_in(JANUARY_31), ["first"]);
    assert_eq!(setting.lines_in("app.log"), ["second", "third"]);
}

#[test]
fn an_idle_file_is_rolled_without_a_record() {
    let setting = Setting::new(NOON);
    let handler = setting.builder(When::Midnight).roll_idle(true).build().unwrap();
    handle(&handler, "first");
    setting.fs.hold(Op::Rename);
    setting.set(NEXT_DAY);
    setting.fs.wait_until_held(Op::Rename);
    setting.fs.release(Op::Rename);
    // This waits for the rollover, which has the file.
    assert_eq!(handler.existing_files().unwrap(), [setting.beside(JANUARY_31)]);
    assert_eq!(setting.lines_in("app.log"), [""; 0]);
    handle(&handler, "second");
    assert_eq!(setting.lines_in("app.log"), ["second"]);
    assert!(setting.failures.is_empty(), "{:?}", setting.failures);
}

/// A clock that shows when somebody looks at it.
#[derive(Clone)]
struct WatchedClock {
    time: ManualClock,
    gate: Gate,
}

impl Clock for WatchedClock {
    fn now(&self) -> Timestamp {
        self.gate.pass().unwrap();
        self.time.now()
    }
}

#[test]
fn an_idle_file_without_a_record_is_left() {
    let setting = Setting::new(NOON);
    let clock = WatchedClock { time: setting.clock.clone(), gate: Gate::new() };
    let handler = setting.builder(When::Midnight).roll_idle(true).clock(clock.clone()).build().unwrap();
    setting.set(NEXT_DAY);
    // The thread that looks comes by; when it comes again it has looked.
    for _ in 0..3 {
        clock.gate.close();
        clock.gate.wait_until_held();
        clock.gate.open();
    }
    assert_eq!(setting.names(), ["app.log"]);
    // It belongs to the day that is on now.
    handle(&handler, "first");
    setting.set(datetime!(2024-02-02 00:00 UTC));
    handle(&handler, "second");
    assert_eq!(setting.lines_in("app.log.2024-02-01"), ["first"]);
}

#[test]
fn an_idle_file_that_cannot_be_rolled_yet_is_rolled_later() {
    let setting = Setting::new(NOON);
    let handler = setting.builder(When::Midnight).roll_idle(true).build().unwrap();
    handle(&handler, "first");
    setting.fs.fail_times(Op::Rename, 1, ErrorKind::PermissionDenied);
    setting.fs.hold(Op::Rename);
    setting.set(NEXT_DAY);
    setting.fs.wait_until_held(Op::Rename);
    setting.fs.release(Op::Rename);
    assert_eq!(handler.existing_files().unwrap(), [""; 0].map(|name| setting.beside(name)));
    setting.fs.hold(Op::Rename);
    setting.advance(1);
    setting.fs.wait_until_held(Op::Rename);
    setting.fs.release(Op::Rename);
    assert_eq!(handler.existing_files().unwrap(), [setting.beside(JANUARY_31)]);
    setting.lost_nothing(&handler);
}
