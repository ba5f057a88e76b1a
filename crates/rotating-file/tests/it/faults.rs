//! Faults in the middle of a rollover: the record is in the old file, or counted; writing goes on when the fault ends.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use tracing_handlers_core::{DropReason, Handler, Timestamp};
use tracing_handlers_rotating_file::RotatingFileHandler;
use tracing_handlers_testing::file_subject::{lines_of, logs_oldest_first, names_of_open_files_go};
use tracing_handlers_testing::{MessageOnly, Op, Setting, handle, record};

/// A handler that rolls at ten bytes, in a setting of its own.
fn opened() -> (Setting, RotatingFileHandler) {
    let setting = Setting::new();
    let builder = RotatingFileHandler::builder(&setting.path).max_bytes(10).backup_count(3).format(MessageOnly);
    let builder = builder.fs(setting.fs.clone()).clock(setting.clock.clone()).on_failure(setting.failures.clone());
    let handler = builder.build().unwrap();
    (setting, handler)
}

/// After the fault: the next record past the pause rolls, and nothing was lost or doubled.
fn recovers(setting: &Setting, handler: &RotatingFileHandler, expected: &[&str]) {
    setting.fs.heal_all();
    setting.clock.advance(Duration::from_secs(1));
    handle(handler, "recovered");
    assert_eq!(lines_of(&setting.path), ["recovered"], "rolled as soon as it could");
    assert_eq!(setting.lines(), [expected, &["recovered"]].concat());
    assert_eq!(setting.failures.lost(), 0);
    let stats = handler.stats();
    assert!(stats.is_balanced() && stats.dropped() == 0, "{stats}");
}

#[test]
fn a_refused_rename_keeps_the_record_in_the_old_file() {
    let (setting, handler) = opened();
    handle(&handler, "first one");
    setting.fs.fail(Op::Rename, ErrorKind::PermissionDenied);
    handle(&handler, "second one");
    handle(&handler, "third one");
    assert_eq!(lines_of(&setting.path), ["first one", "second one", "third one"]);
    assert_eq!(setting.failures.len(), 1, "tried once a second: {:?}", setting.failures.texts());
    recovers(&setting, &handler, &["first one", "second one", "third one"]);
}

#[test]
fn a_rename_that_is_refused_for_long_is_tried_ever_more_seldom_and_each_failure_counted_and_reported() {
    let (setting, handler) = opened();
    setting.fs.fail(Op::Rename, ErrorKind::PermissionDenied);
    let mut tries = Vec::new();
    for second in 0..130_u64 {
        let before = handler.failed_rollovers();
        handle(&handler, "ten bytes.");
        if handler.failed_rollovers() > before {
            tries.push(second);
        }
        setting.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(tries, [1, 2, 4, 8, 16, 32, 62, 92, 122]);
    assert_eq!((setting.failures.len(), setting.failures.lost()), (tries.len(), 0), "none is silent");
    assert_eq!(lines_of(&setting.path).len(), 130, "all went into the old file");
    setting.clock.advance(Duration::from_secs(30));
    recovers(&setting, &handler, &["ten bytes."; 130]);

    // What worked makes the next failure a first one.
    setting.fs.fail(Op::Rename, ErrorKind::PermissionDenied);
    handle(&handler, "once more");
    recovers(&setting, &handler, &[&["ten bytes."; 130][..], &["recovered", "once more"]].concat());
}

#[test]
fn a_rename_refused_half_way_up_the_chain_loses_no_backup() {
    let (setting, handler) = opened();
    for message in ["the first", "the second", "the third"] {
        handle(&handler, message);
    }
    let (from, path) = (setting.backup(1), setting.path.clone());
    setting.fs.fail_on(Op::Rename, move |path| path == from, ErrorKind::PermissionDenied);
    handle(&handler, "the fourth");
    assert_eq!(lines_of(&path), ["the third", "the fourth"]);
    recovers(&setting, &handler, &["the first", "the second", "the third", "the fourth"]);
}

#[test]
fn a_new_file_that_cannot_be_opened_keeps_the_old_one_in_use() {
    let (setting, handler) = opened();
    handle(&handler, "first one");
    setting.fs.fail(Op::Open, ErrorKind::PermissionDenied);
    handle(&handler, "second one");
    handle(&handler, "third one");
    assert!(!setting.path.exists(), "the file was moved before");
    assert_eq!(lines_of(&setting.backup(1)), ["first one", "second one", "third one"]);
    recovers(&setting, &handler, &["first one", "second one", "third one"]);
    assert!(!setting.backup(2).exists(), "moved once, not once more for each try");
}

#[test]
fn an_oldest_backup_that_cannot_be_removed_stops_the_rollover_only() {
    let (setting, handler) = opened();
    for message in ["the first", "the second", "the third", "the fourth"] {
        handle(&handler, message);
    }
    setting.fs.fail(Op::Unlink, ErrorKind::PermissionDenied);
    handle(&handler, "the fifth");
    assert_eq!(setting.lines(), ["the first", "the second", "the third", "the fourth", "the fifth"]);
    // What is removed for the next rollover is the oldest, as configured.
    recovers(&setting, &handler, &["the second", "the third", "the fourth", "the fifth"]);
}

#[test]
fn a_full_disk_costs_the_record_and_nothing_else() {
    let (setting, handler) = opened();
    handle(&handler, "first one");
    setting.fs.disk_full_after(4);
    handler.handle(&record("second one").as_record()).unwrap_err();
    assert_eq!(setting.failures.lost_for(DropReason::Failed), 1);
    setting.fs.heal_all();
    handle(&handler, "third one");
    assert_eq!(setting.lines(), ["first one", "third one"]);
    assert!(handler.stats().is_balanced());
}

#[test]
fn a_directory_that_is_gone_is_made_again() {
    if !names_of_open_files_go() {
        return;
    }
    let (setting, handler) = opened();
    handle(&handler, "first one");
    fs::remove_dir_all(setting.path.parent().unwrap()).unwrap();
    handle(&handler, "second one");
    assert_eq!(setting.lines(), ["second one"], "the first went with its directory");
    assert_eq!(handler.stats().delivered, 2);
    assert!(setting.failures.is_empty(), "{:?}", setting.failures.texts());
}

#[test]
fn a_file_replaced_by_a_directory_goes_on_being_written() {
    let (setting, handler) = opened();
    handle(&handler, "first one");
    let moved = setting.path.with_extension("moved");
    fs::rename(&setting.path, &moved).unwrap();
    fs::create_dir(&setting.path).unwrap();
    handle(&handler, "second one");
    assert_eq!(lines_of(&moved), ["first one", "second one"]);
    assert_eq!(setting.failures.lost(), 0);
    assert!(!setting.failures.is_empty());
    fs::remove_dir(&setting.path).unwrap();
    setting.clock.advance(Duration::from_secs(1));
    handle(&handler, "third one");
    assert_eq!(lines_of(&setting.path), ["third one"]);
}

#[test]
fn a_clock_that_steps_back_does_not_stop_the_retries() {
    let (setting, handler) = opened();
    handle(&handler, "first one");
    setting.fs.fail(Op::Rename, ErrorKind::PermissionDenied);
    handle(&handler, "second one");
    setting.fs.heal_all();
    setting.clock.set(Timestamp::from_unix_seconds(1));
    handle(&handler, "third one");
    assert_eq!(lines_of(&setting.path), ["third one"]);
}

/// Real permissions, where the test does not run as root (who is refused nothing).
#[cfg(unix)]
#[test]
fn a_directory_without_write_permission_keeps_the_old_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let (setting, handler) = opened();
    handle(&handler, "first one");
    let directory = setting.path.parent().unwrap();
    fs::set_permissions(directory, fs::Permissions::from_mode(0o500)).unwrap();
    let is_refused = fs::write(directory.join("probe"), "").is_err();
    handle(&handler, "second one");
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).unwrap();
    let expected: &[&str] = if is_refused { &["first one", "second one"] } else { &["second one"] };
    assert_eq!(lines_of(&setting.path), expected);
    assert_eq!(handler.stats().delivered, 2);
}

/// The blocks of the oldest backup are freed by a thread; the name is gone before the caller goes on.
#[test]
fn the_oldest_backup_is_gone_when_the_record_is_written() {
    let (setting, handler) = opened();
    for number in 0..20 {
        handle(&handler, &format!("number {number:03}"));
        assert!(!setting.backup(4).exists());
        assert!(logs_oldest_first(&setting.path).len() <= 4);
    }
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_to_nowhere_has_its_place_in_the_chain() {
    let (setting, handler) = opened();
    let first = setting.path.with_extension("log.1");
    std::os::unix::fs::symlink("nowhere", &first).unwrap();
    handle(&handler, "first one");
    handler.roll_over().unwrap();
    assert_eq!(fs::read_to_string(&first).unwrap(), "first one\n");
    assert_eq!(fs::read_link(setting.path.with_extension("log.2")).unwrap(), PathBuf::from("nowhere"));
}
