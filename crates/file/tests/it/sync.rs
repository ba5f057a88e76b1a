//! When what was written comes to the disk.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::sync::Arc;
use std::time::Duration;

use tracing_handlers_core::{Deadline, Handler, Level, Record, RecordBuf};
use tracing_handlers_file::{Buffering, FileHandler, FileHandlerBuilder, Sync, WatchedFileHandler};
use tracing_handlers_testing::{FaultFs, MessageOnly, Op, Setting, record};

const NEVER: Duration = Duration::from_secs(3_600);

fn builder(setting: &Setting, sync: Sync) -> FileHandlerBuilder {
    let builder = FileHandler::builder(&setting.path).fs(setting.fs.clone()).clock(setting.clock.clone());
    builder.on_failure(setting.failures.clone()).format(MessageOnly).sync(sync)
}

/// How often the file was synced.
fn count(setting: &Setting) -> usize {
    setting.fs.syncs().iter().filter(|name| *name == "app.log").count()
}

fn at(level: Level) -> RecordBuf {
    Record::builder().level(level).message("x").build()
}

fn flush(handler: &impl Handler) -> Result<(), tracing_handlers_core::Error> {
    handler.flush(Deadline::never())
}

#[test]
fn by_default_nothing_is_ever_synced() {
    let setting = Setting::new();
    let handler = builder(&setting, Sync::default()).build().unwrap();
    handler.handle(&record("1").as_record()).unwrap();
    flush(&handler).unwrap();
    handler.reopen().unwrap();
    handler.close(Deadline::never()).unwrap();
    assert!(setting.fs.syncs().is_empty());
}

#[test]
fn each_syncs_after_each_record_and_the_name_of_a_new_file_once() {
    let setting = Setting::new();
    let handler = builder(&setting, Sync::Each).build().unwrap();
    for message in ["1", "2"] {
        handler.handle(&record(message).as_record()).unwrap();
    }
    assert_eq!(setting.fs.syncs(), ["app.log".to_owned(), setting.directory_name(), "app.log".to_owned()]);
    let mut writer = &handler;
    writer.write_all(b"bytes\n").unwrap();
    assert_eq!(count(&setting), 3, "bytes that came through `io::Write`, too");
    flush(&handler).unwrap();
    handler.close(Deadline::never()).unwrap();
    assert_eq!(count(&setting), 3, "nothing was left to do");
}

#[test]
fn a_block_of_records_is_synced_once() {
    let setting = Setting::new();
    let handler = builder(&setting, Sync::Each).build().unwrap();
    let records: Vec<_> = ["1", "2", "3"].map(record).into();
    handler.handle_batch(&mut records.iter().map(|record| record.as_record())).unwrap();
    assert_eq!(count(&setting), 1);

    let setting = Setting::new();
    let handler = builder(&setting, Sync::Each).buffered(Buffering::new().flush_interval(NEVER)).build().unwrap();
    records.iter().for_each(|record| handler.handle(&record.as_record()).unwrap());
    assert_eq!(count(&setting), 0, "nothing is written yet");
    flush(&handler).unwrap();
    assert_eq!(count(&setting), 1);
}

#[test]
fn at_a_level_syncs_records_of_that_level_and_above() {
    let setting = Setting::new();
    let handler = builder(&setting, Sync::At(Level::WARN)).build().unwrap();
    for (level, expected) in [(Level::INFO, 0), (Level::WARN, 1), (Level::TRACE, 1), (Level::DEBUG, 1), (Level::ERROR, 2)] {
        handler.handle(&at(level).as_record()).unwrap();
        assert_eq!(count(&setting), expected, "{level}");
    }
    (&handler).write_all(b"without a level\n").unwrap();
    assert_eq!(count(&setting), 2);
    let block = [at(Level::INFO), at(Level::DEBUG)];
    handler.handle_batch(&mut block.iter().map(|record| record.as_record())).unwrap();
    assert_eq!(count(&setting), 2);
    let block = [at(Level::ERROR), at(Level::DEBUG)];
    handler.handle_batch(&mut block.iter().map(|record| record.as_record())).unwrap();
    assert_eq!(count(&setting), 3);
}

#[test]
fn a_buffered_record_at_the_level_is_synced_when_it_is_written() {
    let setting = Setting::new();
    let buffering = Buffering::new().flush_interval(NEVER).flush_level(Level::ERROR);
    let handler = builder(&setting, Sync::At(Level::ERROR)).buffered(buffering).build().unwrap();
    handler.handle(&at(Level::INFO).as_record()).unwrap();
    assert_eq!(count(&setting), 0);
    handler.handle(&at(Level::ERROR).as_record()).unwrap();
    assert_eq!((count(&setting), fs::read_to_string(&setting.path).unwrap().as_str()), (1, "x\nx\n"));
}

#[test]
fn a_buffered_record_that_could_not_be_written_is_synced_once_it_is() {
    let setting = Setting::new();
    let buffering = Buffering::new().flush_interval(NEVER).flush_level(Level::ERROR);
    let handler = builder(&setting, Sync::At(Level::ERROR)).buffered(buffering).build().unwrap();
    setting.fs.fail(Op::Write, 28);
    handler.handle(&at(Level::ERROR).as_record()).unwrap();
    assert_eq!((count(&setting), handler.stats().pending), (0, 1));
    setting.fs.heal_all();
    handler.handle(&at(Level::ERROR).as_record()).unwrap();
    assert_eq!((count(&setting), handler.stats().delivered), (2, 2), "each of the two blocks");
}

#[test]
fn the_thread_syncs_by_itself_where_something_was_written() {
    let setting = Setting::new();
    let handler = builder(&setting, Sync::Every(Duration::from_millis(1))).build().unwrap();
    setting.fs.hold(Op::Sync);
    handler.handle(&record("1").as_record()).unwrap();
    setting.clock.advance(Duration::from_secs(1));
    // The thread stands before its sync, so it came there by itself.
    setting.fs.wait_until_held(Op::Sync);
    setting.fs.release(Op::Sync);
    flush(&handler).unwrap();
    assert_eq!(count(&setting), 1, "by the thread; the flush found nothing to do");
}

#[test]
fn the_thread_syncs_no_more_often_than_was_said() {
    let setting = Setting::new();
    // The thread looks each millisecond, by the clock of the handler it is not due.
    let buffering = Buffering::new().flush_interval(Duration::from_millis(1));
    let handler = builder(&setting, Sync::Every(Duration::from_secs(10))).buffered(buffering).build().unwrap();
    for number in 1..=3 {
        // Held before the write, then let go: when the next write is held, a whole look of the thread has passed.
        for _ in 0..2 {
            setting.fs.hold(Op::Write);
            handler.handle(&record("x").as_record()).unwrap();
            setting.fs.wait_until_held(Op::Write);
            setting.fs.release(Op::Write);
        }
        assert_eq!(count(&setting), number - 1);
        setting.fs.hold(Op::Sync);
        setting.clock.advance(Duration::from_secs(10));
        setting.fs.wait_until_held(Op::Sync);
        setting.fs.release(Op::Sync);
        flush(&handler).unwrap();
        assert_eq!(count(&setting), number);
    }
}

#[test]
fn a_flush_brings_everything_to_the_disk_whatever_the_policy() {
    for sync in [Sync::Each, Sync::At(Level::ERROR), Sync::Every(NEVER)] {
        for buffering in [None, Some(Buffering::new().flush_interval(NEVER))] {
            let setting = Setting::new();
            let builder = builder(&setting, sync);
            let handler = match buffering {
                Some(buffering) => builder.buffered(buffering).build().unwrap(),
                None => builder.build().unwrap(),
            };
            handler.handle(&record("1").as_record()).unwrap();
            flush(&handler).unwrap();
            assert_eq!(count(&setting), 1, "{sync:?}, {buffering:?}");
            flush(&handler).unwrap();
            assert_eq!(count(&setting), 1, "there was nothing new");
        }
    }
}

#[test]
fn a_file_is_synced_before_it_is_let_go_of() {
    let setting = Setting::new();
    let builder = WatchedFileHandler::builder(&setting.path).fs(setting.fs.clone()).format(MessageOnly);
    let handler = builder.sync(Sync::Every(NEVER)).build().unwrap();
    handler.handle(&record("1").as_record()).unwrap();
    fs::rename(&setting.path, setting.path.with_extension("old")).unwrap();
    handler.handle(&record("2").as_record()).unwrap();
    assert_eq!(count(&setting), 1, "the one that was moved away");
    drop(handler);
    assert_eq!(count(&setting), 2, "the other when the handler was dropped");
}

#[test]
fn reopening_the_same_file_forgets_nothing_that_is_to_be_synced() {
    let setting = Setting::new();
    let handler = builder(&setting, Sync::Every(NEVER)).build().unwrap();
    handler.handle(&record("1").as_record()).unwrap();
    handler.reopen().unwrap();
    flush(&handler).unwrap();
    assert_eq!(count(&setting), 1);
}

#[test]
fn a_failed_sync_is_reported_and_costs_no_record() {
    let setting = Setting::new();
    let handler = builder(&setting, Sync::Each).build().unwrap();
    setting.fs.fail(Op::Sync, 5);
    handler.handle(&record("1").as_record()).unwrap();
    assert!(setting.failures.texts()[0].contains("sync "), "{:?}", setting.failures.texts());
    assert_eq!(setting.failures.lost(), 0);
    assert_eq!(handler.stats().delivered, 1, "it is in the kernel");
    let error = flush(&handler).unwrap_err();
    assert!(error.is_io() && error.is_reported(), "{error:?}");

    setting.fs.heal_all();
    handler.handle(&record("2").as_record()).unwrap();
    flush(&handler).unwrap();
    assert_eq!(fs::read_to_string(&setting.path).unwrap(), "1\n2\n");
    assert!(handler.stats().is_balanced());
}

/// A system that failed to write a page may take it for written afterwards, so a sync that works later proves nothing.
#[test]
fn a_flush_says_that_an_earlier_sync_failed_though_a_later_one_worked() {
    let setting = Setting::new();
    let handler = builder(&setting, Sync::Each).build().unwrap();
    setting.fs.fail_times(Op::Sync, 1, 5);
    handler.handle(&record("1").as_record()).unwrap();
    handler.handle(&record("2").as_record()).unwrap();
    flush(&handler).unwrap_err();
    flush(&handler).unwrap();
}

#[test]
fn a_sync_that_hangs_ends_a_flush_with_a_deadline() {
    let setting = Setting::new();
    let handler = Arc::new(builder(&setting, Sync::Every(Duration::from_millis(1))).build().unwrap());
    setting.fs.hold(Op::Sync);
    handler.handle(&record("1").as_record()).unwrap();
    setting.clock.advance(Duration::from_secs(1));
    setting.fs.wait_until_held(Op::Sync);
    let error = handler.flush(Deadline::after(Duration::from_millis(5))).unwrap_err();
    assert!(error.is_timed_out());
    setting.fs.release(Op::Sync);
    flush(&*handler).unwrap();
}

#[test]
fn a_directory_that_cannot_be_synced_is_tried_once_a_file() {
    let setting = Setting::new();
    let folder = setting.directory().to_owned();
    setting.fs.fail_on(Op::Sync, move |path| path == folder, ErrorKind::PermissionDenied);
    let handler = builder(&setting, Sync::Each).build().unwrap();
    for message in ["1", "2"] {
        handler.handle(&record(message).as_record()).unwrap();
    }
    assert_eq!((setting.failures.len(), count(&setting)), (1, 2));
}

/// What cannot be synced is no reason to complain all the time.
#[cfg(unix)]
#[test]
fn devices_are_not_synced() {
    let fs = FaultFs::new();
    let handler = FileHandler::builder("/dev/null").fs(fs.clone()).sync(Sync::Each).build().unwrap();
    handler.handle(&record("1").as_record()).unwrap();
    flush(&handler).unwrap();
    assert!(fs.syncs().is_empty());
}

#[test]
fn an_interval_of_nothing_is_refused() {
    let setting = Setting::new();
    let error = builder(&setting, Sync::Every(Duration::ZERO)).build().unwrap_err();
    assert!(error.is_config() && error.to_string().contains("`sync`"), "{error}");
}

#[test]
fn the_real_disk_takes_it_too() {
    let setting = Setting::new();
    let handler = FileHandler::builder(&setting.path).sync(Sync::Each).format(MessageOnly).build().unwrap();
    handler.handle(&record("1").as_record()).unwrap();
    flush(&handler).unwrap();
    handler.close(Deadline::never()).unwrap();
    assert_eq!(fs::read_to_string(&setting.path).unwrap(), "1\n");
}
