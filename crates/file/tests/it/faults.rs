//! What the file system can do to a writer, and what may not come of it.

use std::fs;
use std::io::ErrorKind;
use std::thread;

use tempfile::tempdir;
use tracing_handlers_core::{DropReason, Error, Handler, Record};
use tracing_handlers_file::FileHandler;
use tracing_handlers_testing::{FailureLog, FaultFs, MessageOnly, Op, Setting, handle, record};

/// A handler in a setting of its own.
fn opened() -> (Setting, FileHandler) {
    let setting = Setting::new();
    let builder = FileHandler::builder(&setting.path).fs(setting.fs.clone()).on_failure(setting.failures.clone());
    let handler = builder.format(MessageOnly).build().unwrap();
    (setting, handler)
}

fn refused(handler: &FileHandler, message: &str) -> Error {
    handler.handle(&record(message).as_record()).unwrap_err()
}

#[test]
fn a_record_cut_by_a_full_disk_is_taken_back_and_counted() {
    let (setting, handler) = opened();
    handle(&handler, "1");
    setting.fs.disk_full_after(5);
    let error = refused(&handler, "does not fit");
    assert!(error.is_io() && error.is_reported());
    assert_eq!(error.io_error().unwrap().kind(), ErrorKind::StorageFull);
    assert_eq!(setting.content(), "1\n");
    assert_eq!(setting.failures.lost_for(DropReason::Failed), 1);

    setting.fs.heal_all();
    handle(&handler, "2");
    assert_eq!(setting.content(), "1\n2\n");
    assert_eq!(handler.stats().delivered, 2);
    assert!(handler.stats().is_balanced());
}

#[test]
fn a_torn_record_that_cannot_be_taken_back_does_not_touch_the_next_one() {
    let (setting, handler) = opened();
    setting.fs.disk_full_after(5);
    setting.fs.fail(Op::Truncate, ErrorKind::PermissionDenied);
    refused(&handler, "does not fit");
    setting.fs.heal_all();
    handle(&handler, "2");
    assert_eq!(setting.content(), "does \n2\n");
}

#[test]
fn what_another_process_wrote_behind_a_torn_record_is_not_cut_off() {
    let (setting, handler) = opened();
    setting.fs.disk_full_after(5);
    setting.fs.hold(Op::Truncate);
    thread::scope(|scope| {
        // Between the torn write and the look at the size somebody else appends: simulated by a size that does not fit.
        fs::write(&setting.path, "theirs\n").unwrap();
        scope.spawn(|| refused(&handler, "does not fit"));
        setting.fs.release(Op::Truncate);
    });
    setting.fs.heal_all();
    handle(&handler, "2");
    assert!(setting.content().starts_with("theirs\n"), "{}", setting.content());
    assert!(setting.content().ends_with("\n2\n"), "{}", setting.content());
}

#[test]
fn short_and_interrupted_writes_are_completed() {
    let (setting, handler) = opened();
    setting.fs.short_writes(3);
    setting.fs.fail_times(Op::Write, 2, ErrorKind::Interrupted);
    handle(&handler, "written in many small pieces");
    assert_eq!(setting.content(), "written in many small pieces\n");
    assert!(setting.failures.is_empty());
}

#[test]
fn a_delayed_file_that_cannot_be_opened_costs_records_only_until_it_can() {
    let directory = tempdir().unwrap();
    let (path, faults, failures) = (directory.path().join("app.log"), FaultFs::new(), FailureLog::new());
    let handler = FileHandler::builder(&path).delay(true).fs(faults.clone()).on_failure(failures.clone()).format(MessageOnly);
    let handler = handler.build().unwrap();
    faults.fail(Op::Open, ErrorKind::PermissionDenied);
    handler.handle(&record("1").as_record()).unwrap_err();
    faults.heal_all();
    handler.handle(&record("2").as_record()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "2\n");
    assert_eq!(failures.lost(), 1);
    assert!(handler.stats().is_balanced());
}

#[test]
fn a_batch_that_fails_in_the_middle_counts_what_was_written_and_what_was_lost() {
    let (setting, handler) = opened();
    setting.fs.disk_full_after(6);
    let records: Vec<_> = ["one", "two", "three", "four"].map(record).into();
    handler.handle_batch(&mut records.iter().map(|record| record.as_record())).unwrap_err();
    assert_eq!(setting.content(), "one\n", "whole records only");
    let stats = handler.stats();
    assert_eq!((stats.delivered, stats.dropped()), (1, 3));
    assert_eq!(setting.failures.lost(), 3);
    assert!(stats.is_balanced());
}

#[test]
fn a_batch_of_several_blocks_that_fails_in_one_of_them_counts_all_of_it() {
    let (setting, handler) = opened();
    setting.fs.disk_full_after(200_000);
    let records: Vec<_> = (0..4_000).map(|index| record(format!("{index:0>99}"))).collect();
    let all = || records.iter().map(|record| record.as_record());
    handler.handle_batch(&mut all()).unwrap_err();
    assert_eq!(setting.content().len(), 200_000);
    let stats = handler.stats();
    assert_eq!((stats.delivered, stats.dropped(), setting.failures.lost()), (2_000, 2_000, 2_000));

    setting.fs.heal_all();
    handler.handle_batch(&mut all()).unwrap();
    let written: Vec<_> = setting.content().lines().skip(2_000).map(str::to_owned).collect();
    assert_eq!(written, (0..4_000).map(|index| format!("{index:0>99}")).collect::<Vec<_>>());
    assert!(handler.stats().is_balanced());
}

#[test]
fn a_format_that_does_more_than_append_spoils_no_line_of_others() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    let greedy = |record: &Record<'_>, out: &mut Vec<u8>| *out = record.message().as_bytes().to_vec();
    let handler = FileHandler::builder(&path).format(greedy).build().unwrap();
    let records: Vec<_> = ["one", "two", "three"].map(record).into();
    handler.handle_batch(&mut records.iter().map(|record| record.as_record())).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\nthree\n");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_written_like_a_file() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let reader = thread::spawn({
        let path = path.clone();
        move || fs::read_to_string(path).unwrap()
    });
    let handler = FileHandler::builder(&path).format(MessageOnly).build().unwrap();
    handler.handle(&record("through the pipe").as_record()).unwrap();
    drop(handler);
    assert_eq!(reader.join().unwrap(), "through the pipe\n");
}

/// `/dev/full` is the real thing: every write to it fails with "no space left on device".
#[cfg(target_os = "linux")]
#[test]
fn a_device_without_space_is_counted_and_reported() {
    let failures = FailureLog::new();
    let handler = FileHandler::builder("/dev/full").on_failure(failures.clone()).build().unwrap();
    let error = handler.handle(&record("1").as_record()).unwrap_err();
    assert_eq!(error.io_error().unwrap().kind(), ErrorKind::StorageFull);
    assert_eq!(failures.lost(), 1);
    assert!(handler.stats().is_balanced());
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_hook_failures_go_to_stderr_as_one_line() {
    const CHILD: &str = "TRACING_HANDLERS_STDERR_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let handler = FileHandler::builder("/dev/full").build().unwrap();
        for _ in 0..1_000 {
            handler.handle(&record("lost").as_record()).unwrap_err();
        }
        return;
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "faults::without_a_hook_failures_go_to_stderr_as_one_line", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let stderr = String::from_utf8(child.stderr).unwrap();
    let lines: Vec<_> = stderr.lines().filter(|line| line.starts_with("tracing-handlers: ")).collect();
    let [first, rest] = lines[..] else { panic!("two lines, not {stderr}") };
    assert!(first.starts_with("tracing-handlers: file: write /dev/full: ") && first.ends_with("; 1 record lost"), "{first}");
    assert!(rest.ends_with("(999 failures since the last line); 999 records lost"), "{rest}");
}
