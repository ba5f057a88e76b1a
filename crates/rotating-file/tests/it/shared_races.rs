//! Writers in each other's way: who is always faster, who stands still with the lock, and what that does to limits.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tracing_handlers_core::{Error, Handler};
use tracing_handlers_rotating_file::{RotatingFileHandler, RotatingFileHandlerBuilder};
use tracing_handlers_testing::file_subject::lines_of;
use tracing_handlers_testing::{FaultFs, MessageOnly, Op, Setting, handle, record};

/// Until the end of the test.
const FOR_LONG: Duration = Duration::from_secs(3_600);

/// Two records of six bytes a file.
const LIMIT: u64 = 15;

/// So large that records are written beside others, but for the last 64 KiB.
const LARGE: u64 = 100_000;

fn builder(setting: &Setting) -> RotatingFileHandlerBuilder {
    let builder = RotatingFileHandler::builder(&setting.path).max_bytes(LIMIT).backup_count(100).format(MessageOnly);
    builder.shared(true).clock(setting.clock.clone()).on_failure(setting.failures.clone())
}

/// A file system on which `other` writes a record and rolls the log, `times` times, just before this one has its lock.
fn where_others_are_faster(setting: &Setting, times: usize, other: RotatingFileHandler) -> (FaultFs, Arc<AtomicUsize>) {
    let (fs, path, rolled) = (FaultFs::new(), setting.path.clone(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&rolled);
    let rolls = move |locked: &Path| {
        if locked == path && counted.load(Ordering::SeqCst) < times {
            counted.fetch_add(1, Ordering::SeqCst);
            other.roll_over().unwrap();
            (0..3).for_each(|_| handle(&other, "other"));
        }
        false
    };
    fs.fail_on(Op::Lock, rolls, ErrorKind::Other);
    (fs, rolled)
}

#[test]
fn a_record_is_in_the_file_of_now_however_often_others_are_faster() {
    let setting = Setting::new();
    let large = || builder(&setting).max_bytes(1_000);
    let (fs, rolled) = where_others_are_faster(&setting, 50, large().build().unwrap());
    let handler = large().fs(fs).build().unwrap();
    handle(&handler, "mine");
    assert_eq!(rolled.load(Ordering::SeqCst), 50);
    assert_eq!(lines_of(&setting.path).last().unwrap(), "mine");
    assert_eq!((setting.files().concat().len(), setting.told()), (3 * 50 + 1, vec![]));
}

#[test]
fn a_file_that_others_have_is_not_rolled_on_request_however_often_they_are_faster() {
    let setting = Setting::new();
    let large = || builder(&setting).max_bytes(LARGE).backup_count(3);
    // It keeps the lock of each file that it begins.
    let other = Arc::new(large().lease(FOR_LONG).build().unwrap());
    let (fs, path) = (FaultFs::new(), setting.path.clone());
    let its = Arc::clone(&other);
    let rolls = move |locked: &Path| {
        if locked == path {
            its.roll_over().unwrap();
            (0..4).for_each(|_| handle(&its, "other"));
        }
        false
    };
    fs.fail_on(Op::Lock, rolls, ErrorKind::Other);
    let refused = large().fs(fs).build().unwrap().roll_over().unwrap_err();
    assert!(refused.to_string().contains("another handler or process has it"), "{refused}");
    handle(&other, "behind");
    assert_eq!(lines_of(&setting.path), ["other", "other", "other", "other", "behind"], "nobody took its file away");
}

/// With a rotator that does nothing the file is due at once again.
#[test]
fn a_file_that_stays_too_large_is_rolled_a_few_times_and_written_to() {
    let setting = Setting::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let rotator = move |_: &Path, _: &Path| {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    };
    let handler = builder(&setting).rotator(rotator).build().unwrap();
    ["rec 1", "rec 2", "rec 3"].iter().for_each(|message| handle(&handler, message));
    assert!((1..20).contains(&calls.load(Ordering::SeqCst)), "{calls:?}");
    assert_eq!(setting.files(), [["rec 1", "rec 2", "rec 3"]]);
}

/// Runs `meanwhile` while `slow` stands still before its next `op`, with the lock.
fn while_held(fs: &FaultFs, op: Op, slow: impl FnOnce() -> Result<(), Error> + Send, meanwhile: impl FnOnce()) {
    fs.hold(op);
    thread::scope(|scope| {
        let slow = scope.spawn(slow);
        fs.wait_until_held(op);
        meanwhile();
        fs.release(op);
        slow.join().unwrap().unwrap();
    });
}

#[test]
fn beside_a_writer_that_stands_still_the_file_grows_by_what_is_written_meanwhile_and_no_longer() {
    let setting = Setting::new();
    let fs = FaultFs::new();
    let (slow, other) = (builder(&setting).fs(fs.clone()).build().unwrap(), builder(&setting).build().unwrap());
    handle(&slow, "rec 1");
    while_held(
        &fs,
        Op::Write,
        || slow.handle(&record("rec 2").as_record()),
        || {
            ["rec 3", "rec 4", "rec 5"].iter().for_each(|message| handle(&other, message));
        },
    );
    handle(&other, "rec 6");
    handle(&slow, "rec 7");
    assert_eq!(setting.files(), [vec!["rec 1", "rec 3", "rec 4", "rec 5", "rec 2"], vec!["rec 6", "rec 7"]]);
    let told = setting.told();
    assert!(told.len() == 1 && told[0].contains("another writer keeps it"), "{told:?}");
}

#[test]
fn beside_a_rollover_that_stands_still_records_go_into_the_file_that_is_rolled() {
    let setting = Setting::new();
    let fs = FaultFs::new();
    let (slow, other) = (builder(&setting).fs(fs.clone()).build().unwrap(), builder(&setting).build().unwrap());
    handle(&slow, "rec 1");
    handle(&other, "rec 2");
    while_held(&fs, Op::Rename, || slow.handle(&record("rec 3").as_record()), || handle(&other, "rec 4"));
    handle(&other, "rec 5");
    assert_eq!(setting.files(), [vec!["rec 1", "rec 2", "rec 4"], vec!["rec 3", "rec 5"]]);
    assert_eq!((setting.told().len(), setting.failures.lost()), (1, 0), "{:?}", setting.told());
}

/// Else several who gave up waiting would keep each other, and whoever rolls, from the file for good.
#[test]
fn who_gave_up_waiting_keeps_nothing_while_somebody_waits() {
    let setting = Setting::new();
    let long = || builder(&setting).lease(FOR_LONG).max_bytes(LARGE).build().unwrap();
    let keeper = long();
    (0..4).for_each(|_| handle(&keeper, "kept"));
    let waits = File::open(setting.directory()).unwrap();
    waits.lock().unwrap();
    let handler = long();
    (0..30).for_each(|_| handle(&handler, &"-".repeat(5_000)));
    assert_eq!(setting.told().len(), 1, "it gave up waiting");
    drop(keeper);
    let file = File::options().append(true).open(&setting.path).unwrap();
    assert!(file.try_lock().is_ok(), "the lock is kept");
}
