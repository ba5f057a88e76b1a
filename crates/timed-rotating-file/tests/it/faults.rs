//! Faults in the middle of a rollover: the record is in the old file, or counted; writing goes on when the fault ends; a file is
//! named after its own period, however late it is rolled.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use time::macros::datetime;
use tracing_handlers_core::{DropReason, Handler as _};
use tracing_handlers_testing::file_subject::names_of_open_files_go;
use tracing_handlers_testing::{Op, record};
use tracing_handlers_timed_rotating_file::{TimedRotatingFileHandler, When};

use crate::setting::{JANUARY_31, NEXT_DAY, NOON, Setting, handle, since_noon};

impl Setting {
    /// After the fault: the next record past the pause is in a new file, the others in that of their day, none lost or doubled.
    fn recovers(&self, handler: &TimedRotatingFileHandler, expected: &[&str]) {
        self.fs.heal_all();
        // As long as the pause after a second failure.
        self.advance(2);
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

    /// After the fault: the next rollover leaves as many files as are to be kept.
    fn cleans_up_the_next_night(&self, handler: &TimedRotatingFileHandler) {
        self.fs.heal_all();
        self.set(datetime!(2024-02-02 00:00 UTC));
        handle(handler, "third");
        assert_eq!(self.names(), ["app.log.2024-01-03", JANUARY_31, "app.log.2024-02-01", "app.log"]);
        self.lost_nothing(handler);
    }

    /// As many as are kept, of the month's beginning.
    fn has_old_files(&self) {
        for date in ["2024-01-01", "2024-01-02", "2024-01-03"] {
            fs::write(self.beside(&format!("app.log.{date}")), "old\n").unwrap();
        }
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

    setting.cleans_up_the_next_night(&handler);
}

#[test]
fn a_name_that_is_taken_is_seen_without_the_list() {
    let (setting, handler) = since_noon();
    fs::write(setting.beside(JANUARY_31), "of somebody else\n").unwrap();
    setting.fs.fail(Op::List, ErrorKind::PermissionDenied);
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    assert_eq!(setting.lines_in(JANUARY_31), ["of somebody else"]);
    assert_eq!(setting.lines_in(&format!("{JANUARY_31}.1")), ["first"]);
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

    setting.cleans_up_the_next_night(&handler);
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

/// Not under Wine: it keeps the name of a removed file as long as that is open, as Windows did before version 10.
#[cfg(unix)]
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
    if !names_of_open_files_go() {
        return;
    }
    let (setting, handler) = since_noon();
    fs::remove_file(&setting.path).unwrap();
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    assert_eq!(setting.names(), ["app.log"]);
    assert_eq!(setting.lines(), ["second"]);
    assert!(setting.failures.is_empty(), "{:?}", setting.failures);
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_to_nowhere_is_a_name_that_is_taken() {
    let (setting, handler) = since_noon();
    std::os::unix::fs::symlink("nowhere", setting.beside(JANUARY_31)).unwrap();
    // The list would tell of the name, too.
    setting.fs.fail(Op::List, ErrorKind::PermissionDenied);
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    assert_eq!(fs::read_link(setting.beside(JANUARY_31)).unwrap(), Path::new("nowhere"));
    assert_eq!(setting.lines_in(&format!("{JANUARY_31}.1")), ["first"]);
}

#[test]
fn a_directory_of_a_rolled_files_name_counts_for_none() {
    let (setting, handler) = since_noon();
    fs::create_dir(setting.beside("app.log.2024-01-01")).unwrap();
    for date in ["2024-01-02", "2024-01-03"] {
        fs::write(setting.beside(&format!("app.log.{date}")), "old\n").unwrap();
    }
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    assert_eq!(setting.names(), ["app.log.2024-01-02", "app.log.2024-01-03", JANUARY_31, "app.log"]);
    assert_eq!(handler.existing_files().unwrap().len(), 3);
    assert!(setting.failures.is_empty(), "{:?}", setting.failures);
}
