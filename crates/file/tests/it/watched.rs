//! `WatchedFileHandler`: what logrotate and people with `rm` do to a log.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tempfile::{TempDir, tempdir};
use tracing_handlers_core::{Handler, Timestamp};
use tracing_handlers_file::{Buffering, WatchedFileHandler};
use tracing_handlers_testing::{FailureLog, FaultFs, ManualClock, MessageOnly, Op, handle, record};

fn setting() -> (TempDir, PathBuf) {
    let directory = tempdir().unwrap();
    let path = directory.path().join("logs/app.log");
    (directory, path)
}

/// The part of `HandlerTest.test_builtin_handlers` about watched files: a deleted file is there again after a record.
///
/// Not under Wine: it keeps the name of a removed file as long as that is open, as Windows did before version 10.
#[cfg(unix)]
#[test]
fn test_builtin_handlers() {
    for delay in [false, true] {
        let (_directory, path) = setting();
        let handler = WatchedFileHandler::builder(&path).delay(delay).format(MessageOnly).build().unwrap();
        handle(&handler, "1");
        fs::remove_file(&path).unwrap();
        handle(&handler, "2");
        assert_eq!(fs::read_to_string(&path).unwrap(), "2\n");
    }
}

/// `HandlerTest.test_race`: somebody removes the file while records are written. Each record is handled without an error.
#[test]
fn test_race() {
    for delay in [false, true] {
        let (_directory, path) = setting();
        let handler = Arc::new(WatchedFileHandler::builder(&path).delay(delay).format(MessageOnly).build().unwrap());
        let is_over = Arc::new(AtomicBool::new(false));
        let remover = {
            let (path, is_over) = (path.clone(), Arc::clone(&is_over));
            thread::spawn(move || {
                let mut removed = 0;
                while !is_over.load(Ordering::Relaxed) || removed == 0 {
                    removed += usize::from(fs::remove_file(&path).is_ok());
                    thread::yield_now();
                }
            })
        };
        for number in 0..5_000 {
            handle(&*handler, &number.to_string());
        }
        is_over.store(true, Ordering::Relaxed);
        handle(&*handler, "so that there is a file to remove");
        remover.join().unwrap();
        assert_eq!(handler.stats().delivered, 5_001);
        assert!(handler.stats().is_balanced());
    }
}

#[test]
fn a_renamed_file_is_left_and_the_path_opened_again() {
    let (_directory, path) = setting();
    let handler = WatchedFileHandler::builder(&path).format(MessageOnly).build().unwrap();
    handle(&handler, "1");
    fs::rename(&path, path.with_extension("old")).unwrap();
    fs::write(&path, "made by logrotate\n").unwrap();
    handle(&handler, "2");
    assert_eq!(fs::read_to_string(path.with_extension("old")).unwrap(), "1\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "made by logrotate\n2\n");
}

/// Not under Wine: it keeps the name of a removed file as long as that is open, as Windows did before version 10.
#[cfg(unix)]
#[test]
fn reopen_if_moved_says_whether_it_did() {
    let (_directory, path) = setting();
    let handler = WatchedFileHandler::builder(&path).format(MessageOnly).build().unwrap();
    assert!(!handler.reopen_if_moved().unwrap());
    fs::remove_file(&path).unwrap();
    assert!(handler.reopen_if_moved().unwrap());
    assert!(path.exists());
}

/// Not under Wine: it keeps the name of a removed file as long as that is open, as Windows did before version 10.
#[cfg(unix)]
#[test]
fn a_deleted_directory_is_made_again() {
    let (_directory, path) = setting();
    let handler = WatchedFileHandler::builder(&path).format(MessageOnly).build().unwrap();
    handle(&handler, "1");
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
    handle(&handler, "2");
    assert_eq!(fs::read_to_string(&path).unwrap(), "2\n");
}

#[test]
fn a_file_cut_in_place_goes_on_at_its_new_end() {
    let (_directory, path) = setting();
    let handler = WatchedFileHandler::builder(&path).format(MessageOnly).build().unwrap();
    handle(&handler, "a long line before copytruncate");
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    assert!(!handler.reopen_if_moved().unwrap(), "it is the same file");
    handle(&handler, "2");
    assert_eq!(fs::read(&path).unwrap(), b"2\n", "neither a hole nor the old text");
}

/// The size is known again after a cut: a record that is then torn is taken back to where it began, not to where the file ended before.
#[test]
fn a_record_torn_after_a_cut_is_taken_back() {
    let (_directory, path) = setting();
    let fs_with_faults = FaultFs::new();
    let handler = WatchedFileHandler::builder(&path).fs(fs_with_faults.clone()).format(MessageOnly);
    let handler = handler.on_failure(FailureLog::new()).build().unwrap();
    handle(&handler, "a long line before copytruncate");
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    fs_with_faults.disk_full_after(3);
    handler.handle(&record("does not fit").as_record()).unwrap_err();
    fs_with_faults.heal_all();
    handle(&handler, "2");
    assert_eq!(fs::read_to_string(&path).unwrap(), "2\n");
}

#[test]
fn a_failed_reopen_keeps_the_record_in_the_old_file() {
    let (_directory, path) = setting();
    let (fs_with_faults, failures) = (FaultFs::new(), FailureLog::new());
    let clock = ManualClock::new(Timestamp::from_unix_seconds(1_000));
    let handler = WatchedFileHandler::builder(&path).fs(fs_with_faults.clone()).clock(clock.clone());
    let handler = handler.on_failure(failures.clone()).format(MessageOnly).build().unwrap();
    handle(&handler, "1");
    let moved = path.with_extension("old");
    fs::rename(&path, &moved).unwrap();

    fs_with_faults.fail(Op::Open, ErrorKind::PermissionDenied);
    handle(&handler, "2");
    handle(&handler, "3");
    assert_eq!(fs::read_to_string(&moved).unwrap(), "1\n2\n3\n");
    assert_eq!(failures.len(), 1, "tried once, then left alone for a second: {:?}", failures.texts());
    assert_eq!(failures.lost(), 0);

    fs_with_faults.heal_all();
    clock.advance(Duration::from_secs(1));
    handle(&handler, "4");
    assert_eq!(fs::read_to_string(&path).unwrap(), "4\n");
    assert_eq!(handler.stats().delivered, 4);
}

#[test]
fn a_file_replaced_by_a_directory_keeps_the_old_file() {
    let (_directory, path) = setting();
    let failures = FailureLog::new();
    let handler = WatchedFileHandler::builder(&path).on_failure(failures.clone()).format(MessageOnly).build().unwrap();
    let moved = path.with_extension("old");
    fs::rename(&path, &moved).unwrap();
    fs::create_dir(&path).unwrap();
    handle(&handler, "1");
    assert_eq!(fs::read_to_string(&moved).unwrap(), "1\n");
    assert_eq!(failures.lost(), 0);
    assert!(!failures.is_empty());
}

#[test]
fn a_buffered_handler_looks_before_each_block() {
    let (_directory, path) = setting();
    let handler = WatchedFileHandler::builder(&path).format(MessageOnly);
    let handler = handler.buffered(Buffering::new().flush_interval(Duration::from_secs(3_600))).build().unwrap();
    handle(&handler, "1");
    handler.flush(tracing_handlers_core::Deadline::never()).unwrap();
    fs::rename(&path, path.with_extension("old")).unwrap();
    handle(&handler, "2");
    handler.flush(tracing_handlers_core::Deadline::never()).unwrap();
    assert_eq!(fs::read_to_string(path.with_extension("old")).unwrap(), "1\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "2\n");
}
