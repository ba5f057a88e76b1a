//! Header and footer lines.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::{TempDir, tempdir};
use tracing_handlers_core::{Deadline, Handler, Timestamp};
use tracing_handlers_file::{Buffering, FileHandler, FileHandlerBuilder, WatchedFileHandler};
use tracing_handlers_testing::{FailureLog, FaultFs, ManualClock, MessageOnly, Op, handle, record};

fn setting() -> (TempDir, PathBuf) {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    (directory, path)
}

fn framed(path: &Path) -> FileHandlerBuilder {
    let builder = FileHandler::builder(path).format(MessageOnly);
    builder.on_open(|_, out| out.extend(b"# begin\n")).on_close(|_, out| out.extend(b"# end\n"))
}

fn content(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_file_has_its_header_when_it_is_opened_and_its_footer_when_it_is_closed() {
    let (_directory, path) = setting();
    let handler = framed(&path).build().unwrap();
    assert_eq!(content(&path), "# begin\n");
    handle(&handler, "1");
    assert_eq!(content(&path), "# begin\n1\n");
    handler.close(Deadline::never()).unwrap();
    handler.close(Deadline::never()).unwrap();
    assert_eq!(content(&path), "# begin\n1\n# end\n");
    assert_eq!((handler.stats().handled, handler.stats().delivered), (1, 1), "they are no records");
}

#[test]
fn a_dropped_handler_writes_its_footer() {
    let (_directory, path) = setting();
    let handler = framed(&path).build().unwrap();
    handle(&handler, "1");
    drop(handler);
    assert_eq!(content(&path), "# begin\n1\n# end\n");
}

#[test]
fn a_file_with_something_in_it_gets_no_second_header() {
    let (_directory, path) = setting();
    for message in ["1", "2"] {
        handle(&framed(&path).build().unwrap(), message);
    }
    drop(framed(&path).build().unwrap());
    assert_eq!(content(&path), "# begin\n1\n# end\n2\n# end\n", "and no footer where nothing was written");
    drop(framed(&path).truncate(true).build().unwrap());
    assert_eq!(content(&path), "# begin\n", "emptied, it begins anew");
}

#[test]
fn a_delayed_file_has_neither_before_its_first_record() {
    let (_directory, path) = setting();
    let handler = framed(&path).delay(true).build().unwrap();
    assert!(!path.exists());
    handle(&handler, "1");
    drop(handler);
    assert_eq!(content(&path), "# begin\n1\n# end\n");
    drop(framed(&path.with_extension("other")).delay(true).build().unwrap());
    assert!(!path.with_extension("other").exists());
}

#[test]
fn a_buffered_file_has_its_footer_behind_the_last_record() {
    let (_directory, path) = setting();
    let handler = framed(&path).buffered(Buffering::new().flush_interval(Duration::from_secs(3_600))).build().unwrap();
    handle(&handler, "1");
    drop(handler);
    assert_eq!(content(&path), "# begin\n1\n# end\n");
}

#[test]
fn a_hook_is_told_of_its_file() {
    let (_directory, path) = setting();
    let told = Arc::new(Mutex::new(Vec::new()));
    let (by_open, by_close) = (Arc::clone(&told), Arc::clone(&told));
    let clock = ManualClock::new(Timestamp::from_unix_seconds(1_000));
    let builder = || {
        let (by_open, by_close) = (Arc::clone(&by_open), Arc::clone(&by_close));
        let builder = FileHandler::builder(&path).format(MessageOnly).clock(clock.clone());
        let builder = builder.on_open(move |file, out| {
            by_open.lock().unwrap().push((file.path.to_owned(), file.len, file.was_made, file.at.unix_seconds()));
            out.push(b'#');
        });
        builder.on_close(move |file, _| {
            by_close.lock().unwrap().push((file.path.to_owned(), file.len, file.was_made, file.at.unix_seconds()));
        })
    };
    let handler = builder().build().unwrap();
    handle(&handler, "1");
    clock.advance(Duration::from_secs(5));
    drop(handler);
    fs::write(&path, "").unwrap();
    drop(builder().build().unwrap());
    let expected = [(path.clone(), 0, true, 1_000), (path.clone(), 3, true, 1_005), (path.clone(), 0, false, 1_005)];
    assert_eq!(*told.lock().unwrap(), expected);
}

#[test]
fn a_file_that_was_moved_away_gets_its_footer_and_the_next_its_header() {
    let (_directory, path) = setting();
    let handler = WatchedFileHandler::builder(&path).format(MessageOnly);
    let handler = handler.on_open(|_, out| out.extend(b"# begin\n")).on_close(|_, out| out.extend(b"# end\n")).build().unwrap();
    handle(&handler, "1");
    let moved = path.with_extension("old");
    fs::rename(&path, &moved).unwrap();
    handle(&handler, "2");
    assert_eq!((content(&moved).as_str(), content(&path).as_str()), ("# begin\n1\n# end\n", "# begin\n2\n"));
    // `copytruncate`: the same file, begun anew.
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    handle(&handler, "3");
    assert_eq!(content(&path), "# begin\n3\n");
}

#[test]
fn opening_the_same_file_again_frames_nothing() {
    let (_directory, path) = setting();
    let handler = framed(&path).build().unwrap();
    handle(&handler, "1");
    handler.reopen().unwrap();
    drop(handler);
    assert_eq!(content(&path), "# begin\n1\n# end\n", "the footer is for the record that was written before");
}

#[test]
fn a_reopening_that_fails_leaves_no_footer_in_the_middle() {
    let (_directory, path) = setting();
    let faults = FaultFs::new();
    let handler = framed(&path).fs(faults.clone()).build().unwrap();
    handle(&handler, "1");
    faults.fail(Op::Open, 24);
    handler.reopen().unwrap_err();
    handle(&handler, "2");
    drop(handler);
    assert_eq!(content(&path), "# begin\n1\n2\n# end\n");
}

#[test]
fn a_hook_that_panics_is_reported_and_costs_nothing_else() {
    let (_directory, path) = setting();
    let failures = FailureLog::new();
    let builder = FileHandler::builder(&path).format(MessageOnly).on_failure(failures.clone());
    let panicking = |_: &tracing_handlers_file::FileInfo<'_>, out: &mut Vec<u8>| {
        out.extend(b"half a line");
        panic!("deliberate mistake");
    };
    let handler = builder.on_open(panicking).on_close(panicking).build().unwrap();
    assert!(failures.texts()[0].contains("the hook on_open panicked"), "{:?}", failures.texts());
    handle(&handler, "1");
    drop(handler);
    assert_eq!(content(&path), "1\n");
    let texts = failures.texts();
    assert!(texts.last().unwrap().contains("the hook on_close panicked"), "{texts:?}");
    assert_eq!(failures.lost(), 0);
}

#[test]
fn a_header_that_meets_a_full_disk_is_written_when_there_is_room() {
    let (_directory, path) = setting();
    let (faults, failures) = (FaultFs::new(), FailureLog::new());
    faults.disk_full_after(3);
    let handler = framed(&path).fs(faults.clone()).on_failure(failures.clone()).build().unwrap();
    assert_eq!(content(&path), "", "what fitted was taken back");
    assert!(failures.texts()[0].contains("write the header of"), "{:?}", failures.texts());
    handler.handle(&record("does not fit either").as_record()).unwrap_err();
    assert_eq!(failures.lost(), 1);
    faults.heal_all();
    handle(&handler, "1");
    assert_eq!(content(&path), "# begin\n1\n");
    assert!(handler.stats().is_balanced());
}

#[test]
fn a_footer_that_meets_a_full_disk_is_reported_and_leaves_no_half_of_it() {
    let (_directory, path) = setting();
    let (faults, failures) = (FaultFs::new(), FailureLog::new());
    let handler = framed(&path).fs(faults.clone()).on_failure(failures.clone()).build().unwrap();
    handle(&handler, "1");
    faults.disk_full_after(3);
    drop(handler);
    assert_eq!(content(&path), "# begin\n1\n");
    assert!(failures.texts()[0].contains("write the footer of"), "{:?}", failures.texts());
}

#[test]
fn a_half_written_line_is_no_neighbour_of_a_footer() {
    let (_directory, path) = setting();
    let faults = FaultFs::new();
    let handler = framed(&path).fs(faults.clone()).on_failure(FailureLog::new());
    let handler = handler.buffered(Buffering::new().flush_interval(Duration::from_secs(3_600))).build().unwrap();
    handle(&handler, "1");
    handle(&handler, "cut by a full disk");
    faults.disk_full_after(8);
    handler.close(Deadline::never()).unwrap_err();
    assert_eq!(content(&path), "# begin\n1\n# end\n", "the half was taken back, which gave room for the footer");
    assert_eq!((handler.stats().delivered, handler.stats().dropped()), (1, 1));
    assert!(handler.stats().is_balanced());
}

#[test]
fn a_hook_that_logs_through_the_handler_does_not_lock_it_for_ever() {
    use tracing_subscriber::prelude::*;

    const CHILD: &str = "TRACING_HANDLERS_LOGGING_HEADER_PATH";
    if let Some(path) = std::env::var_os(CHILD) {
        let layer = FileHandler::builder(path).format(MessageOnly).delay(true).on_open(|_, out| {
            tracing::info!("opening");
            out.extend(b"# begin\n");
        });
        let layer = layer.layer().unwrap();
        let handle = layer.handle();
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
        tracing::info!("first");
        let stats = handle.stats();
        std::process::exit(if stats.delivered == 1 && stats.dropped() == 1 && stats.is_balanced() { 0 } else { 1 });
    }
    let (_directory, path) = setting();
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hooks::a_hook_that_logs_through_the_handler_does_not_lock_it_for_ever"])
        .env(CHILD, &path)
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    assert_eq!(content(&path), "# begin\nfirst\n");
}
