//! The lock that is shared and kept: what a record costs, who lets go of it and when, and what happens where nobody does.

use std::fs::{self, File, TryLockError};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tracing_handlers_core::sync::attempt_before;
use tracing_handlers_core::{Deadline, Handler};
use tracing_handlers_file::Buffering;
use tracing_handlers_rotating_file::{RotatingFileHandler, RotatingFileHandlerBuilder};
use tracing_handlers_testing::file_subject::{lines_of, logs_oldest_first};
use tracing_handlers_testing::{MessageOnly, Op, Setting, comes_true, gate, handle, record, wait_until};

/// Until the end of the test.
const FOR_LONG: Duration = Duration::from_secs(3_600);
const LIMIT: u64 = 200_000;

fn builder(setting: &Setting) -> RotatingFileHandlerBuilder {
    let builder = RotatingFileHandler::builder(&setting.path).max_bytes(LIMIT).backup_count(10_000).format(MessageOnly);
    builder.shared(true).fs(setting.fs.clone()).clock(setting.clock.clone()).on_failure(setting.failures.clone())
}

/// A handler that keeps the lock, as one whose process was stopped.
fn that_keeps_the_lock(setting: &Setting) -> RotatingFileHandler {
    let handler = builder(setting).lease(FOR_LONG).build().unwrap();
    (0..4).for_each(|number| handle(&handler, &format!("kept {number}")));
    assert!(!is_free(setting), "the lock is kept");
    handler
}

/// Whether nobody has the lock of the file at the path.
fn is_free(setting: &Setting) -> bool {
    let file = File::options().append(true).open(&setting.path).unwrap();
    match file.try_lock() {
        // A test beside this one may have forked, and its child would keep the lock for a moment more.
        Ok(()) => file.unlock().is_ok(),
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(error)) => panic!("{error}"),
    }
}

fn becomes_free(setting: &Setting) -> bool {
    comes_true(|| is_free(setting))
}

/// A message that makes a line of so many bytes.
fn long(bytes: usize) -> String {
    "-".repeat(bytes - 1)
}

#[test]
fn in_a_stream_a_record_costs_its_write_and_one_call() {
    let setting = Setting::new();
    let handler = that_keeps_the_lock(&setting);
    let before = setting.fs.calls();
    (0..100).for_each(|number| handle(&handler, &format!("rec {number}")));
    assert_eq!(setting.fs.calls() - before, 200);
}

#[test]
fn a_record_by_itself_keeps_nothing() {
    let setting = Setting::new();
    let handler = builder(&setting).lease(FOR_LONG).build().unwrap();
    for number in 0..5 {
        setting.clock.advance(Duration::from_millis(1));
        handle(&handler, &format!("rec {number}"));
        assert!(is_free(&setting));
    }
}

#[test]
fn an_idle_handler_lets_go_and_keeps_the_lock_again_when_records_come() {
    let setting = Setting::new();
    let handler = builder(&setting).lease(Duration::from_millis(20)).build().unwrap();
    for _ in 0..3 {
        // Whether the thread was faster shows in no single attempt.
        let keeps = || {
            (0..3).for_each(|number| handle(&handler, &format!("rec {number}")));
            !is_free(&setting)
        };
        assert!(comes_true(keeps), "nothing is kept");
        assert!(becomes_free(&setting), "it is kept for good");
    }
}

#[test]
fn a_lease_of_nothing_locks_each_write_alone() {
    let setting = Setting::new();
    let one = builder(&setting).lease(Duration::ZERO).build().unwrap();
    handle(&one, "rec 0");
    for number in 1..10 {
        let before = setting.fs.calls();
        handle(&one, &format!("rec {number}"));
        assert_eq!(setting.fs.calls() - before, 4, "lock, look, write, unlock");
        assert!(is_free(&setting));
    }
}

#[test]
fn who_comes_near_the_limit_has_the_lock_alone_and_the_limit_is_exact() {
    let setting = Setting::new();
    let (one, two) = (builder(&setting).build().unwrap(), builder(&setting).build().unwrap());
    for number in 0..120 {
        handle(if number % 3 == 0 { &one } else { &two }, &long(5_000));
    }
    let sizes: Vec<_> = logs_oldest_first(&setting.path).iter().map(|path| fs::metadata(path).unwrap().len()).collect();
    assert_eq!(sizes, [195_000, 195_000, 195_000, 15_000]);
    assert_eq!(setting.told(), [""; 0]);
}

#[test]
fn a_rollover_on_request_waits_for_those_who_write_all_the_time_but_not_for_good() {
    let setting = Setting::new();
    let build = || builder(&setting).max_bytes(0).build().unwrap();
    let (handlers, roller) = ([build(), build(), build()], build());
    let is_over = AtomicBool::new(false);
    let write_on = |handler: &RotatingFileHandler| {
        let mut count = 0;
        while !is_over.load(Ordering::SeqCst) {
            handle(handler, &format!("rec {count}"));
            count += 1;
        }
        count
    };
    let write_on = &write_on;
    let written: usize = thread::scope(|scope| {
        let writers: Vec<_> = handlers.iter().map(|handler| scope.spawn(move || write_on(handler))).collect();
        let rolled: Vec<_> = (0..10).map(|_| roller.roll_over()).collect();
        is_over.store(true, Ordering::SeqCst);
        rolled.into_iter().for_each(|rolled| rolled.unwrap());
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    assert_eq!((setting.files().len(), setting.lines().len()), (11, written));
    assert_eq!(setting.told(), [""; 0]);
}

#[test]
fn who_waits_for_a_rollover_closes_the_gate_and_opens_it_again() {
    let setting = Setting::new();
    let _stopped = that_keeps_the_lock(&setting);
    let roller = builder(&setting).build().unwrap();
    let directory = File::open(setting.directory()).unwrap();
    let is_closed = || directory.try_lock_shared().is_err() || directory.unlock().is_err();
    thread::scope(|scope| {
        let rolled = scope.spawn(|| roller.roll_over());
        let was_closed = attempt_before(Deadline::after(gate::PATIENCE), || {
            if rolled.is_finished() { Err("the gate was never closed") } else { Ok(is_closed()) }
        });
        assert_eq!(was_closed, Ok(true));
        rolled.join().unwrap().unwrap_err();
    });
    assert!(!is_closed());
}

#[test]
fn without_a_gate_the_file_is_rolled_as_well() {
    let setting = Setting::new();
    setting.fs.fail(Op::Read, std::io::ErrorKind::PermissionDenied);
    let (one, two) = (builder(&setting).build().unwrap(), builder(&setting).build().unwrap());
    for _ in 0..60 {
        handle(&one, &long(5_000));
        handle(&two, &long(5_000));
    }
    two.roll_over().unwrap();
    assert_eq!((setting.files().len(), setting.lines().len(), setting.told()), (5, 120, vec![]));
}

#[test]
fn who_has_let_go_looks_whether_the_file_was_rolled() {
    let setting = Setting::new();
    let (one, two) = (builder(&setting).build().unwrap(), builder(&setting).build().unwrap());
    (0..4).for_each(|_| handle(&one, "before"));
    assert!(becomes_free(&setting));
    two.roll_over().unwrap();
    (0..4).for_each(|_| handle(&one, "behind"));
    assert_eq!(lines_of(&setting.path), ["behind"; 4]);
}

#[test]
fn who_never_lets_go_stops_the_rollover_but_nobody_who_writes() {
    let setting = Setting::new();
    let stopped = that_keeps_the_lock(&setting);
    let handler = builder(&setting).lease(FOR_LONG).build().unwrap();
    (0..50).for_each(|_| handle(&handler, &long(5_000)));
    assert_eq!(setting.files().len(), 1, "nothing is rolled");
    let told = setting.told();
    assert!(told.len() == 1 && told[0].contains("another writer keeps it"), "{told:?}");
    let before = setting.fs.calls();
    (0..100).for_each(|_| handle(&handler, "beyond the limit"));
    assert_eq!(setting.fs.calls() - before, 200, "it is not asked for with each record");

    drop(stopped);
    setting.clock.advance(Duration::from_secs(1));
    handle(&handler, "first");
    assert_eq!(setting.files().len(), 2);
    assert_eq!((lines_of(&setting.path), setting.failures.lost()), (vec!["first".to_owned()], 0));
}

#[test]
fn a_rollover_on_request_is_refused_when_somebody_never_lets_go() {
    let setting = Setting::new();
    let _stopped = that_keeps_the_lock(&setting);
    let handler = builder(&setting).build().unwrap();
    let refused = handler.roll_over().unwrap_err();
    assert!(refused.to_string().contains("another handler or process has it"), "{refused}");
    handle(&handler, "goes on");
    assert_eq!((setting.files().len(), setting.lines().len()), (1, 5));
}

#[test]
fn a_gate_that_somebody_closed_for_good_costs_no_record_and_no_rollover() {
    let setting = Setting::new();
    let directory = File::open(setting.directory()).unwrap();
    directory.lock().unwrap();
    let handler = builder(&setting).lease(FOR_LONG).build().unwrap();
    for _ in 0..100 {
        handle(&handler, &long(5_000));
        assert!(is_free(&setting), "nothing is kept while somebody waits");
    }
    assert_eq!((setting.files().len(), setting.told()), (3, vec![]));
}

#[test]
fn a_block_is_written_beside_somebody_who_keeps_the_lock() {
    let setting = Setting::new();
    let _keeper = that_keeps_the_lock(&setting);
    let buffered = builder(&setting).buffered(Buffering::new()).build().unwrap();
    (0..100).for_each(|_| handle(&buffered, &long(1_000)));
    buffered.flush(Deadline::never()).unwrap();
    assert_eq!((setting.lines().len(), setting.told()), (104, vec![]));
    let largest_write = setting.fs.journal().iter().filter_map(|step| step.split(' ').nth(2)?.parse::<u64>().ok()).max();
    assert_eq!(largest_write, Some(32_000), "no more than two fit into the reserve");
}

#[test]
fn a_block_that_nobody_disturbs_is_one_write() {
    let setting = Setting::new();
    let buffered = builder(&setting).buffered(Buffering::new()).build().unwrap();
    handle(&buffered, "first");
    buffered.flush(Deadline::never()).unwrap();
    (0..100).for_each(|_| handle(&buffered, &long(1_000)));
    buffered.flush(Deadline::never()).unwrap();
    assert_eq!(setting.fs.journal().last().unwrap(), "write app.log 100000 bytes");
}

#[test]
fn a_record_that_the_system_takes_in_pieces_is_written_again_alone() {
    let setting = Setting::new();
    let handler = that_keeps_the_lock(&setting);
    setting.fs.short_writes(3);
    handle(&handler, "in pieces");
    setting.fs.heal(Op::Write);
    handle(&handler, "whole");
    assert_eq!(setting.lines()[4..], ["in pieces", "whole"]);
    let taken_back = setting.fs.journal().iter().filter(|step| step.starts_with("truncate")).count();
    assert_eq!((taken_back, setting.told()), (1, vec![]));
}

#[test]
fn a_block_that_the_system_takes_in_pieces_is_written_on_alone() {
    let setting = Setting::new();
    let handler = that_keeps_the_lock(&setting);
    setting.fs.short_writes(10);
    let records: Vec<_> = (0..5).map(|number| record(format!("block {number}"))).collect();
    handler.handle_batch(&mut records.iter().map(|record| record.as_record())).unwrap();
    assert_eq!(setting.lines()[4..], ["block 0", "block 1", "block 2", "block 3", "block 4"]);
}

#[test]
fn a_full_disk_leaves_no_half_line_of_who_keeps_the_lock() {
    let setting = Setting::new();
    let (one, two) = (that_keeps_the_lock(&setting), builder(&setting).build().unwrap());
    setting.fs.disk_full_after(3);
    assert!(one.handle(&record("lost").as_record()).is_err());
    setting.fs.heal(Op::Write);
    handle(&two, "kept 4");
    assert!(setting.lines().into_iter().eq((0..5).map(|number| format!("kept {number}"))));
}

#[test]
fn a_file_that_is_cut_while_the_lock_is_kept_counts_as_what_it_is() {
    let setting = Setting::new();
    let handler = that_keeps_the_lock(&setting);
    (0..20).for_each(|_| handle(&handler, &long(5_000)));
    File::options().write(true).open(&setting.path).unwrap().set_len(0).unwrap();
    (0..20).for_each(|_| handle(&handler, &long(5_000)));
    assert_eq!((setting.files().len(), setting.lines().len()), (1, 20));
}

#[test]
fn a_file_that_is_moved_by_hand_is_left_when_the_lease_ends() {
    let setting = Setting::new();
    let handler = builder(&setting).build().unwrap();
    (0..4).for_each(|number| handle(&handler, &format!("rec {number}")));
    fs::rename(&setting.path, setting.path.with_extension("log.1")).unwrap();
    wait_until("it is left", || {
        handle(&handler, "after");
        setting.path.exists()
    });
}

#[test]
fn a_size_that_cannot_be_asked_is_no_reason_to_lose_a_record() {
    let setting = Setting::new();
    let handler = that_keeps_the_lock(&setting);
    setting.fs.fail_times(Op::Stat, 1, std::io::ErrorKind::Other);
    handle(&handler, "rec");
    assert_eq!((setting.lines().len(), setting.failures.lost()), (5, 0));
}
