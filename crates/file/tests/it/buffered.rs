//! Buffering: nothing waits, nothing is lost, the order is kept.

use std::io::Write as _;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tempfile::tempdir;
use tracing_handlers_core::{Deadline, DropReason, Handler, Level, Record};
use tracing_handlers_file::{Buffering, FileHandler};
use tracing_handlers_testing::{MessageOnly, Op, Setting, handle, record};

const NEVER: Duration = Duration::from_secs(3_600);

/// A buffered handler in a setting of its own.
fn opened(buffering: Buffering) -> (Setting, Arc<FileHandler>) {
    let setting = Setting::new();
    let builder = FileHandler::builder(&setting.path).fs(setting.fs.clone()).on_failure(setting.failures.clone());
    let handler = builder.format(MessageOnly).buffered(buffering).build().unwrap();
    (setting, Arc::new(handler))
}

#[test]
fn a_record_is_pending_until_a_flush() {
    let (setting, handler) = opened(Buffering::new().flush_interval(NEVER));
    handle(&handler, "1");
    assert_eq!((setting.content().as_str(), handler.stats().pending), ("", 1));
    handler.flush(Deadline::never()).unwrap();
    assert_eq!((setting.content().as_str(), handler.stats().pending), ("1\n", 0));
    assert!(handler.stats().is_balanced());
}

#[test]
fn the_interval_brings_a_record_out_without_a_flush() {
    let (setting, handler) = opened(Buffering::new().flush_interval(Duration::from_millis(1)));
    // The writer stands before its write, so it came there by itself.
    setting.fs.hold(Op::Write);
    handle(&handler, "1");
    setting.fs.wait_until_held(Op::Write);
    setting.fs.release(Op::Write);
    handler.flush(Deadline::never()).unwrap();
    assert_eq!(setting.content(), "1\n");
}

#[test]
fn a_half_full_buffer_wakes_the_writer() {
    let (setting, handler) = opened(Buffering::new().capacity(100).flush_interval(NEVER));
    setting.fs.hold(Op::Write);
    handle(&handler, &"x".repeat(60));
    setting.fs.wait_until_held(Op::Write);
    setting.fs.release(Op::Write);
}

#[test]
fn a_caller_does_not_wait_for_a_slow_disk() {
    let (setting, handler) = opened(Buffering::new().flush_interval(Duration::from_millis(1)));
    setting.fs.hold(Op::Write);
    handle(&handler, "held");
    setting.fs.wait_until_held(Op::Write);
    for number in 0..1_000 {
        handle(&handler, &number.to_string());
    }
    assert!(handler.flush(Deadline::after(Duration::from_millis(5))).unwrap_err().is_timed_out());
    setting.fs.release(Op::Write);
    handler.flush(Deadline::never()).unwrap();
    assert_eq!(setting.content().lines().count(), 1_001);
}

#[test]
fn a_full_buffer_is_written_by_the_caller() {
    let (setting, handler) = opened(Buffering::new().capacity(40).flush_interval(NEVER));
    for number in 0..1_000 {
        handle(&handler, &format!("record number {number}"));
    }
    handler.flush(Deadline::never()).unwrap();
    let expected: String = (0..1_000).map(|number| format!("record number {number}\n")).collect();
    assert_eq!(setting.content(), expected);
    assert!(setting.failures.is_empty());
}

#[test]
fn a_record_larger_than_the_buffer_is_taken_whole() {
    let (setting, handler) = opened(Buffering::new().capacity(10).flush_interval(NEVER));
    let large = "x".repeat(10_000);
    handle(&handler, "small");
    handle(&handler, &large);
    handler.flush(Deadline::never()).unwrap();
    assert_eq!(setting.content(), format!("small\n{large}\n"));
}

#[test]
fn a_fault_loses_nothing_while_there_is_room() {
    let (setting, handler) = opened(Buffering::new().flush_interval(NEVER));
    setting.fs.disk_full_after(6);
    for word in ["one", "two", "three"] {
        handle(&handler, word);
    }
    let error = handler.flush(Deadline::never()).unwrap_err();
    assert!(error.is_io(), "{error:?}");
    let stats = handler.stats();
    assert_eq!((stats.delivered, stats.pending, stats.dropped()), (1, 2, 0));
    assert!(stats.is_balanced());

    setting.fs.heal_all();
    handle(&handler, "four");
    handler.flush(Deadline::never()).unwrap();
    assert_eq!(setting.content(), "one\ntwo\nthree\nfour\n", "the half-written record was completed");
    assert_eq!(handler.stats().delivered, 4);
}

#[test]
fn without_room_the_newest_is_dropped_counted_and_reported() {
    let (setting, handler) = opened(Buffering::new().capacity(8).flush_interval(NEVER));
    setting.fs.fail(Op::Write, 28);
    // Two lines of four bytes wait in the half that is being written, two in the other.
    for word in ["one", "two", "six", "ten"] {
        handle(&handler, word);
    }
    assert!(handler.handle(&record("end").as_record()).unwrap_err().is_full());
    assert_eq!(setting.failures.lost_for(DropReason::Full), 1);
    let stats = handler.stats();
    assert_eq!((stats.handled, stats.pending, stats.dropped_for(DropReason::Full)), (5, 4, 1));

    setting.fs.heal_all();
    handler.flush(Deadline::never()).unwrap();
    assert_eq!(setting.content(), "one\ntwo\nsix\nten\n");
    assert!(handler.stats().is_balanced());
}

#[test]
fn what_a_close_cannot_write_is_counted_as_lost() {
    let (setting, handler) = opened(Buffering::new().flush_interval(NEVER));
    setting.fs.fail(Op::Write, 28);
    handle(&handler, "1");
    handler.close(Deadline::after(Duration::from_secs(1))).unwrap_err();
    assert_eq!(setting.failures.lost_for(DropReason::Failed), 1);
    let stats = handler.stats();
    assert_eq!((stats.pending, stats.dropped()), (0, 1));
    assert!(stats.is_balanced());
}

#[test]
fn a_dropped_handler_writes_what_it_holds() {
    let (setting, handler) = opened(Buffering::new().flush_interval(NEVER));
    handle(&handler, "1");
    drop(handler);
    assert_eq!(setting.content(), "1\n");
}

#[test]
fn threads_keep_their_order_while_the_buffer_overflows() {
    let (setting, handler) = opened(Buffering::new().capacity(200).flush_interval(Duration::from_millis(1)));
    thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            let handler = &handler;
            scope.spawn(move || (0..2_000).for_each(|number| handle(handler, &format!("{name}{number:05}"))));
        }
    });
    handler.flush(Deadline::never()).unwrap();
    let content = setting.content();
    for name in ["a", "b", "c", "d"] {
        let of_one: Vec<_> = content.lines().filter(|line| line.starts_with(name)).collect();
        assert_eq!(of_one.len(), 2_000);
        assert!(of_one.is_sorted(), "thread {name}");
    }
}

#[test]
fn a_caller_whose_room_is_taken_by_another_makes_room_again() {
    let (setting, handler) = opened(Buffering::new().capacity(40).flush_interval(NEVER));
    handle(&handler, &"a".repeat(14));
    setting.fs.hold(Op::Write);
    thread::scope(|scope| {
        let large = scope.spawn(|| handler.handle(&record("b".repeat(29)).as_record()));
        // The buffer was taken out to be written, so this one has room, and leaves too little for the other.
        setting.fs.wait_until_held(Op::Write);
        handle(&handler, &"c".repeat(14));
        setting.fs.release(Op::Write);
        large.join().unwrap().unwrap();
    });
    handler.flush(Deadline::never()).unwrap();
    assert_eq!(setting.content().lines().count(), 3);
    assert_eq!(handler.stats().dropped(), 0);
}

fn handle_at(handler: &FileHandler, level: Level, message: &str) {
    handler.handle(&Record::builder().level(level).message(message).build().as_record()).unwrap();
}

#[test]
fn a_record_at_the_flush_level_is_written_at_once_with_those_before_it() {
    let (setting, handler) = opened(Buffering::new().flush_interval(NEVER).flush_level(Level::WARN));
    handle_at(&handler, Level::INFO, "1");
    assert_eq!(setting.content(), "");
    handle_at(&handler, Level::WARN, "2");
    assert_eq!(setting.content(), "1\n2\n");
    handle_at(&handler, Level::DEBUG, "3");
    handle_at(&handler, Level::ERROR, "4");
    assert_eq!((setting.content().as_str(), handler.stats().pending), ("1\n2\n3\n4\n", 0));
    (&*handler).write_all(b"without a level\n").unwrap();
    assert_eq!(handler.stats().pending, 1);
}

#[test]
fn a_record_at_the_flush_level_stays_in_memory_while_it_cannot_be_written() {
    let (setting, handler) = opened(Buffering::new().flush_interval(NEVER).flush_level(Level::ERROR));
    setting.fs.fail(Op::Write, 28);
    handle_at(&handler, Level::ERROR, "1");
    assert_eq!((handler.stats().pending, setting.failures.len(), setting.failures.lost()), (1, 1, 0));
    setting.fs.heal_all();
    handle_at(&handler, Level::ERROR, "2");
    assert_eq!(setting.content(), "1\n2\n");
}

#[test]
fn the_flush_level_holds_for_records_that_come_together() {
    let (setting, handler) = opened(Buffering::new().flush_interval(NEVER).flush_level(Level::ERROR));
    let records = [Level::INFO, Level::ERROR, Level::INFO].map(|level| Record::builder().level(level).message("x").build());
    handler.handle_batch(&mut records.iter().map(|record| record.as_record())).unwrap();
    assert_eq!((setting.content().as_str(), handler.stats().pending), ("x\nx\n", 1));
}

#[test]
fn buffering_that_cannot_be_is_refused_at_build() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    for (buffering, setting) in [
        (Buffering::new().capacity(0), "buffered.capacity"),
        (Buffering::new().flush_interval(Duration::ZERO), "buffered.flush_interval"),
    ] {
        let error = FileHandler::builder(&path).buffered(buffering).build().unwrap_err();
        assert!(error.is_config() && error.to_string().contains(setting), "{error}");
    }
    assert!(!path.exists(), "refused before anything is opened");
}
