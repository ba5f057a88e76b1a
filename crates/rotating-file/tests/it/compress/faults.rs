//! A compressor that is stuck, or fails.

use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use tracing_handlers_core::{Deadline, Handler as _, Timestamp};
use tracing_handlers_rotating_file::RotatingFileHandler;
use tracing_handlers_testing::fault_fs::Fault;
use tracing_handlers_testing::{ManualClock, Op, Setting, handle};

use super::{builder, close, lines, names, unpacked_lines, write};

#[test]
fn nobody_who_logs_waits_for_a_compressor_that_is_stuck() {
    let setting = Setting::new();
    let handler = builder(&setting).build().unwrap();
    setting.fs.hold(Op::Read);
    let written = write(&handler, "rec", 3);
    setting.fs.wait_until_held(Op::Read);
    // Rollovers go on, and take what is being compressed with them.
    let written = [written, write(&handler, "more", 4)].concat();
    assert_eq!(lines(&setting), written);
    assert!(setting.beside("app.log.3").exists());
    setting.fs.release(Op::Read);
    close(&handler);
    assert_eq!(lines(&setting), written);
    assert_eq!(names(&setting), ["app.log", "app.log.1.gz", "app.log.2.gz", "app.log.3.gz"]);
    assert!(setting.failures.is_empty(), "{:?}", setting.failures.texts());
}

#[test]
fn a_file_that_is_deleted_while_it_is_compressed_does_not_come_back() {
    let setting = Setting::new();
    let handler = builder(&setting).build().unwrap();
    setting.fs.hold(Op::Read);
    let mut written = write(&handler, "rec", 3);
    setting.fs.wait_until_held(Op::Read);
    written.extend(write(&handler, "more", 8));
    setting.fs.release(Op::Read);
    close(&handler);
    assert_eq!(lines(&setting), written[4..]);
    assert_eq!(names(&setting), ["app.log", "app.log.1.gz", "app.log.2.gz", "app.log.3.gz"]);
}

#[test]
fn closing_waits_until_its_deadline_and_the_next_handler_does_the_rest() {
    let setting = Setting::new();
    let handler = builder(&setting).build().unwrap();
    setting.fs.hold(Op::Read);
    let written = write(&handler, "rec", 3);
    setting.fs.wait_until_held(Op::Read);
    let error = handler.close(Deadline::now()).unwrap_err();
    assert!(error.to_string().contains("compress"), "{error}");
    drop(handler);
    setting.fs.release(Op::Read);
    let handler = builder(&setting).build().unwrap();
    close(&handler);
    assert_eq!(names(&setting), ["app.log", "app.log.1.gz"]);
    assert_eq!(lines(&setting), written);
}

#[test]
fn a_drop_does_not_wait() {
    let setting = Setting::new();
    let handler = builder(&setting).build().unwrap();
    setting.fs.hold(Op::Read);
    let written = write(&handler, "rec", 3);
    setting.fs.wait_until_held(Op::Read);
    drop(handler);
    assert_eq!(lines(&setting), written);
    setting.fs.release(Op::Read);
}

/// The file was moved, but the new one cannot be opened: records go on into the rolled file, while others are compressed.
#[test]
fn a_rolled_file_that_is_still_written_to_is_not_compressed() {
    let setting = Setting::new();
    let clock = ManualClock::new(Timestamp::from_unix_seconds(1_000));
    let handler = builder(&setting).clock(clock.clone()).build().unwrap();
    setting.fs.hold(Op::Read);
    let mut written = write(&handler, "rec", 3);
    setting.fs.wait_until_held(Op::Read);
    written.extend(write(&handler, "two", 2));
    let path = setting.path.clone();
    setting.fs.fail_on(Op::Open, move |opened| opened == path, ErrorKind::PermissionDenied);
    written.extend(write(&handler, "old", 2));
    setting.fs.release(Op::Read);
    wait_for_the_thread();
    assert!(setting.beside("app.log.2.gz").exists());
    written.extend(write(&handler, "too", 1));
    assert_eq!(unpacked_lines(&setting.beside("app.log.1")).last(), written.last());
    setting.fs.heal_all();
    clock.advance(Duration::from_secs(1));
    written.extend(write(&handler, "new", 1));
    close(&handler);
    assert_eq!(lines(&setting), written);
    assert_eq!(names(&setting), ["app.log", "app.log.1.gz", "app.log.2.gz", "app.log.3.gz"]);
}

/// There is one, and it does what it is asked for in order.
fn wait_for_the_thread() {
    close(&builder(&Setting::new()).build().unwrap());
}

#[test]
fn every_step_may_fail_and_is_tried_again_after_the_next_rollover() {
    let all: [(Op, Fault); 8] = [
        (Op::Read, ErrorKind::PermissionDenied.into()),
        (Op::Open, ErrorKind::PermissionDenied.into()),
        (Op::Write, 28.into()),
        (Op::Sync, ErrorKind::Other.into()),
        (Op::SetAccess, ErrorKind::PermissionDenied.into()),
        (Op::Rename, ErrorKind::PermissionDenied.into()),
        (Op::Unlink, ErrorKind::PermissionDenied.into()),
        (Op::List, ErrorKind::PermissionDenied.into()),
    ];
    for (op, fault) in all {
        let setting = Setting::new();
        fs::write(setting.beside("app.log.1"), "old one\n").unwrap();
        let is_temporary = |path: &std::path::Path| path.extension().is_some_and(|ending| ending == "tmp");
        let concerns = move |path: &std::path::Path| match op {
            Op::Read => path.ends_with("app.log.1"),
            // On Windows it is set aside first.
            Op::Unlink => path.ends_with("app.log.1") || path.ends_with(".app.log.1.gone.tmp"),
            Op::List => true,
            Op::Sync => !path.ends_with("app.log"),
            _ => is_temporary(path),
        };
        setting.fs.fail_on(op, concerns, fault);
        let handler = builder(&setting).build().unwrap();
        handle(&handler, "new one");
        close(&handler);
        assert!(!setting.failures.is_empty(), "{op:?} is not reported");
        assert_eq!(setting.failures.lost(), 0, "{op:?}");
        assert_eq!(lines(&setting), ["old one", "new one"], "{op:?}");
        let temporary = names(&setting).into_iter().find(|name| name.ends_with(".tmp"));
        assert_eq!(temporary, None, "{op:?} leaves it");
        if op != Op::List {
            assert!(setting.beside("app.log.1").exists(), "{op:?}");
        }
        let stats = handler.stats();
        assert!(stats.is_balanced() && stats.delivered == 1, "{stats}");

        // A second handler, and the same rollover.
        setting.fs.heal_all();
        let handler = builder(&setting).build().unwrap();
        handler.roll_over().unwrap();
        close(&handler);
        assert_eq!(names(&setting), ["app.log", "app.log.1.gz", "app.log.2.gz"], "{op:?}");
        assert_eq!(lines(&setting), ["old one", "new one"], "{op:?}");
    }
}

#[test]
fn a_failure_is_made_good_by_the_same_handler() {
    let setting = Setting::new();
    let handler = builder(&setting).build().unwrap();
    setting.fs.hold(Op::Read);
    write(&handler, "rec", 3);
    setting.fs.wait_until_held(Op::Read);
    setting.fs.fail_times(Op::Read, 1, ErrorKind::PermissionDenied);
    setting.fs.release(Op::Read);
    write(&handler, "more", 2);
    close(&handler);
    assert_eq!(names(&setting), ["app.log", "app.log.1.gz", "app.log.2.gz"]);
    assert_eq!(unpacked_lines(&setting.beside("app.log.2.gz")), ["rec 000", "rec 001"]);
    assert_eq!(setting.failures.len(), 1, "{:?}", setting.failures.texts());
}

/// Somebody else has the file, and its archives.
#[cfg(unix)]
#[test]
fn a_second_handler_leaves_the_files_of_the_first_alone() {
    let setting = Setting::new();
    let _first = RotatingFileHandler::builder(&setting.path).backup_count(3).build().unwrap();
    fs::write(setting.beside("app.log.1"), "of the first\n").unwrap();
    let second = builder(&setting).build().unwrap();
    second.close(Deadline::never()).unwrap();
    assert!(setting.beside("app.log.1").exists());
    assert!(!setting.beside("app.log.1.gz").exists());
}
