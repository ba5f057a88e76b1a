//! Buffering: nothing waits, nothing is lost, the order is kept.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tempfile::{TempDir, tempdir};
use tracing_handlers_core::{Deadline, DropReason, Handler, Level, Record};
use tracing_handlers_file::{Buffering, FileHandler};
use tracing_handlers_testing::{FailureLog, FaultFs, MessageOnly, Op, record};

const NEVER: Duration = Duration::from_secs(3_600);

struct Setting {
    _directory: TempDir,
    path: PathBuf,
    fs: FaultFs,
    failures: FailureLog,
    handler: Arc<FileHandler>,
}

fn setting(buffering: Buffering) -> Setting {
    let directory = tempdir().unwrap();
    let (path, fs, failures) = (directory.path().join("app.log"), FaultFs::new(), FailureLog::new());
    let builder = FileHandler::builder(&path).fs(fs.clone()).on_failure(failures.clone()).format(MessageOnly);
    let handler = Arc::new(builder.buffered(buffering).build().unwrap());
    Setting { _directory: directory, path, fs, failures, handler }
}

impl Setting {
    fn content(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    fn handle(&self, message: &str) -> Result<(), tracing_handlers_core::Error> {
        self.handler.handle(&record(message).as_record())
    }
}

#[test]
fn a_record_is_pending_until_a_flush() {
    let setting = setting(Buffering::new().flush_interval(NEVER));
    setting.handle("1").unwrap();
    assert_eq!((setting.content().as_str(), setting.handler.stats().pending), ("", 1));
    setting.handler.flush(Deadline::never()).unwrap();
    assert_eq!((setting.content().as_str(), setting.handler.stats().pending), ("1\n", 0));
    assert!(setting.handler.stats().is_balanced());
}

#[test]
fn the_interval_brings_a_record_out_without_a_flush() {
    let setting = setting(Buffering::new().flush_interval(Duration::from_millis(1)));
    // The writer stands before its write, so it came there by itself.
    setting.fs.hold(Op::Write);
    setting.handle("1").unwrap();
    setting.fs.wait_until_held(Op::Write);
    setting.fs.release(Op::Write);
    setting.handler.flush(Deadline::never()).unwrap();
    assert_eq!(setting.content(), "1\n");
}

#[test]
fn a_half_full_buffer_wakes_the_writer() {
    let setting = setting(Buffering::new().capacity(100).flush_interval(NEVER));
    setting.fs.hold(Op::Write);
    setting.handle(&"x".repeat(60)).unwrap();
    setting.fs.wait_until_held(Op::Write);
    setting.fs.release(Op::Write);
}

#[test]
fn a_caller_does_not_wait_for_a_slow_disk() {
    let setting = setting(Buffering::new().flush_interval(Duration::from_millis(1)));
    setting.fs.hold(Op::Write);
    setting.handle("held").unwrap();
    setting.fs.wait_until_held(Op::Write);
    for number in 0..1_000 {
        setting.handle(&number.to_string()).unwrap();
    }
    assert!(setting.handler.flush(Deadline::after(Duration::from_millis(5))).unwrap_err().is_timed_out());
    setting.fs.release(Op::Write);
    setting.handler.flush(Deadline::never()).unwrap();
    assert_eq!(setting.content().lines().count(), 1_001);
}

#[test]
fn a_full_buffer_is_written_by_the_caller() {
    let setting = setting(Buffering::new().capacity(40).flush_interval(NEVER));
    for number in 0..1_000 {
        setting.handle(&format!("record number {number}")).unwrap();
    }
    setting.handler.flush(Deadline::never()).unwrap();
    let expected: String = (0..1_000).map(|number| format!("record number {number}\n")).collect();
    assert_eq!(setting.content(), expected);
    assert!(setting.failures.is_empty());
}

#[test]
fn a_record_larger_than_the_buffer_is_taken_whole() {
    let setting = setting(Buffering::new().capacity(10).flush_interval(NEVER));
    let large = "x".repeat(10_000);
    setting.handle("small").unwrap();
    setting.handle(&large).unwrap();
    setting.handler.flush(Deadline::never()).unwrap();
    assert_eq!(setting.content(), format!("small\n{large}\n"));
}

#[test]
fn a_fault_loses_nothing_while_there_is_room() {
    let setting = setting(Buffering::new().flush_interval(NEVER));
    setting.fs.disk_full_after(6);
    for word in ["one", "two", "three"] {
        setting.handle(word).unwrap();
    }
    let error = setting.handler.flush(Deadline::never()).unwrap_err();
    assert!(error.is_io(), "{error:?}");
    let stats = setting.handler.stats();
    assert_eq!((stats.delivered, stats.pending, stats.dropped()), (1, 2, 0));
    assert!(stats.is_balanced());

    setting.fs.heal_all();
    setting.handle("four").unwrap();
    setting.handler.flush(Deadline::never()).unwrap();
    assert_eq!(setting.content(), "one\ntwo\nthree\nfour\n", "the half-written record was completed");
    assert_eq!(setting.handler.stats().delivered, 4);
}

#[test]
fn without_room_the_newest_is_dropped_counted_and_reported() {
    let setting = setting(Buffering::new().capacity(8).flush_interval(NEVER));
    setting.fs.fail(Op::Write, 28);
    // Two lines of four bytes wait in the half that is being written, two in the other.
    for word in ["one", "two", "six", "ten"] {
        setting.handle(word).unwrap();
    }
    assert!(setting.handle("end").unwrap_err().is_full());
    assert_eq!(setting.failures.lost_for(DropReason::Full), 1);
    let stats = setting.handler.stats();
    assert_eq!((stats.handled, stats.pending, stats.dropped_for(DropReason::Full)), (5, 4, 1));

    setting.fs.heal_all();
    setting.handler.flush(Deadline::never()).unwrap();
    assert_eq!(setting.content(), "one\ntwo\nsix\nten\n");
    assert!(setting.handler.stats().is_balanced());
}

#[test]
fn what_a_close_cannot_write_is_counted_as_lost() {
    let setting = setting(Buffering::new().flush_interval(NEVER));
    setting.fs.fail(Op::Write, 28);
    setting.handle("1").unwrap();
    setting.handler.close(Deadline::after(Duration::from_secs(1))).unwrap_err();
    assert_eq!(setting.failures.lost_for(DropReason::Failed), 1);
    let stats = setting.handler.stats();
    assert_eq!((stats.pending, stats.dropped()), (0, 1));
    assert!(stats.is_balanced());
}

#[test]
fn a_dropped_handler_writes_what_it_holds() {
    let setting = setting(Buffering::new().flush_interval(NEVER));
    setting.handle("1").unwrap();
    let Setting { path, handler, _directory, .. } = setting;
    drop(handler);
    assert_eq!(fs::read_to_string(path).unwrap(), "1\n");
}

#[test]
fn threads_keep_their_order_while_the_buffer_overflows() {
    let setting = setting(Buffering::new().capacity(200).flush_interval(Duration::from_millis(1)));
    thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            let setting = &setting;
            scope.spawn(move || (0..2_000).for_each(|number| setting.handle(&format!("{name}{number:05}")).unwrap()));
        }
    });
    setting.handler.flush(Deadline::never()).unwrap();
    let content = setting.content();
    for name in ["a", "b", "c", "d"] {
        let of_one: Vec<_> = content.lines().filter(|line| line.starts_with(name)).collect();
        assert_eq!(of_one.len(), 2_000);
        assert!(of_one.is_sorted(), "thread {name}");
    }
}

#[test]
fn a_caller_whose_room_is_taken_by_another_makes_room_again() {
    let setting = setting(Buffering::new().capacity(40).flush_interval(NEVER));
    setting.handle(&"a".repeat(14)).unwrap();
    setting.fs.hold(Op::Write);
    thread::scope(|scope| {
        let large = scope.spawn(|| setting.handle(&"b".repeat(29)));
        // The buffer was taken out to be written, so this one has room, and leaves too little for the other.
        setting.fs.wait_until_held(Op::Write);
        setting.handle(&"c".repeat(14)).unwrap();
        setting.fs.release(Op::Write);
        large.join().unwrap().unwrap();
    });
    setting.handler.flush(Deadline::never()).unwrap();
    assert_eq!(setting.content().lines().count(), 3);
    assert_eq!(setting.handler.stats().dropped(), 0);
}

impl Setting {
    fn handle_at(&self, level: Level, message: &str) {
        self.handler.handle(&Record::builder().level(level).message(message).build().as_record()).unwrap();
    }
}

#[test]
fn a_record_at_the_flush_level_is_written_at_once_with_those_before_it() {
    let setting = setting(Buffering::new().flush_interval(NEVER).flush_level(Level::WARN));
    setting.handle_at(Level::INFO, "1");
    assert_eq!(setting.content(), "");
    setting.handle_at(Level::WARN, "2");
    assert_eq!(setting.content(), "1\n2\n");
    setting.handle_at(Level::DEBUG, "3");
    setting.handle_at(Level::ERROR, "4");
    assert_eq!((setting.content().as_str(), setting.handler.stats().pending), ("1\n2\n3\n4\n", 0));
    (&*setting.handler).write_all(b"without a level\n").unwrap();
    assert_eq!(setting.handler.stats().pending, 1);
}

#[test]
fn a_record_at_the_flush_level_stays_in_memory_while_it_cannot_be_written() {
    let setting = setting(Buffering::new().flush_interval(NEVER).flush_level(Level::ERROR));
    setting.fs.fail(Op::Write, 28);
    setting.handle_at(Level::ERROR, "1");
    assert_eq!((setting.handler.stats().pending, setting.failures.len(), setting.failures.lost()), (1, 1, 0));
    setting.fs.heal_all();
    setting.handle_at(Level::ERROR, "2");
    assert_eq!(setting.content(), "1\n2\n");
}

#[test]
fn the_flush_level_holds_for_records_that_come_together() {
    let setting = setting(Buffering::new().flush_interval(NEVER).flush_level(Level::ERROR));
    let records = [Level::INFO, Level::ERROR, Level::INFO].map(|level| Record::builder().level(level).message("x").build());
    setting.handler.handle_batch(&mut records.iter().map(|record| record.as_record())).unwrap();
    assert_eq!((setting.content().as_str(), setting.handler.stats().pending), ("x\nx\n", 1));
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
