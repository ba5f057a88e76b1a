//! What the settings of the file family do at a rollover: rights that are kept, header and footer, syncs, rolling on start.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use tracing_handlers_core::{Deadline, Handler};
use tracing_handlers_file::{Buffering, Sync};
use tracing_handlers_rotating_file::{RotatingFileHandler, RotatingFileHandlerBuilder};
use tracing_handlers_testing::{MessageOnly, Op, Setting, handle, record};

mod on_start;
#[cfg(unix)]
mod rights;

fn builder(setting: &Setting) -> RotatingFileHandlerBuilder {
    let builder = RotatingFileHandler::builder(&setting.path).backup_count(3).format(MessageOnly);
    builder.fs(setting.fs.clone()).clock(setting.clock.clone()).on_failure(setting.failures.clone())
}

fn framed(setting: &Setting) -> RotatingFileHandlerBuilder {
    builder(setting).on_open(|_, out| out.extend(b"# begin\n")).on_close(|_, out| out.extend(b"# end\n"))
}

fn content(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn each_file_has_its_header_and_its_footer() {
    let setting = Setting::new();
    let handler = framed(&setting).max_bytes(20).build().unwrap();
    for message in ["the first", "the second", "the third"] {
        handle(&handler, message);
    }
    drop(handler);
    assert_eq!(setting.content(), "# begin\nthe third\n# end\n");
    assert_eq!(content(&setting.backup(1)), "# begin\nthe second\n# end\n");
    assert_eq!(content(&setting.backup(2)), "# begin\nthe first\n# end\n");
}

#[test]
fn a_header_counts_towards_the_size() {
    // 8 bytes of header and 6 of record: the second record would reach 20.
    let setting = Setting::new();
    let handler = framed(&setting).max_bytes(20).build().unwrap();
    handle(&handler, "12345");
    assert_eq!(setting.content(), "# begin\n12345\n");
    handle(&handler, "12345");
    assert_eq!(setting.content(), "# begin\n12345\n");
    assert!(setting.backup(1).exists());
}

#[test]
fn a_file_with_nothing_but_its_header_is_not_rolled_by_size() {
    let setting = Setting::new();
    let handler = framed(&setting).max_bytes(10).build().unwrap();
    for message in ["larger than the limit", "larger than that too"] {
        handle(&handler, message);
    }
    assert_eq!(content(&setting.backup(1)), "# begin\nlarger than the limit\n# end\n");
    assert!(!setting.backup(2).exists());
}

#[test]
fn a_rollover_that_fails_leaves_no_footer_in_the_middle() {
    let setting = Setting::new();
    let handler = framed(&setting).build().unwrap();
    handle(&handler, "1");
    setting.fs.fail(Op::Rename, ErrorKind::PermissionDenied);
    handler.roll_over().unwrap_err();
    assert_eq!(setting.content(), "# begin\n1\n");
    setting.fs.heal_all();
    setting.fs.fail(Op::Open, 24);
    handler.roll_over().unwrap_err();
    handle(&handler, "2");
    assert_eq!(content(&setting.backup(1)), "# begin\n1\n2\n", "moved, but it is the one that is written to");
    setting.fs.heal_all();
    setting.clock.advance(Duration::from_secs(1));
    handle(&handler, "3");
    assert_eq!(content(&setting.backup(1)), "# begin\n1\n2\n# end\n");
    assert_eq!(setting.content(), "# begin\n3\n");
}

#[test]
fn a_footer_stands_in_the_file_before_a_rotator_gets_it() {
    let setting = Setting::new();
    let rotator = |from: &Path, to: &Path| {
        fs::copy(from, to)?;
        fs::remove_file(from)
    };
    let handler = framed(&setting).rotator(rotator).build().unwrap();
    handle(&handler, "1");
    handler.roll_over().unwrap();
    assert_eq!(content(&setting.backup(1)), "# begin\n1\n# end\n");
}

#[test]
fn a_file_is_synced_before_it_is_let_go_of_and_the_directory_after() {
    let setting = Setting::new();
    let handler = builder(&setting).sync(Sync::Every(Duration::from_secs(3_600))).build().unwrap();
    let folder = setting.directory_name();
    handle(&handler, "1");
    handler.roll_over().unwrap();
    assert_eq!(setting.fs.syncs(), ["app.log".to_owned(), folder]);
    handle(&handler, "2");
    handler.flush(Deadline::never()).unwrap();
    assert_eq!(setting.fs.syncs().len(), 3);
}

#[test]
fn a_sync_that_fails_at_a_rollover_does_not_stop_it_but_the_next_flush_says_so() {
    let setting = Setting::new();
    let handler = builder(&setting).sync(Sync::Every(Duration::from_secs(3_600))).build().unwrap();
    handle(&handler, "1");
    setting.fs.fail(Op::Sync, 5);
    handler.roll_over().unwrap();
    setting.fs.heal_all();
    assert_eq!((content(&setting.backup(1)).as_str(), setting.failures.lost()), ("1\n", 0));
    handler.flush(Deadline::never()).unwrap_err();
    handler.flush(Deadline::never()).unwrap();
}

#[test]
fn what_is_buffered_is_written_before_a_rollover() {
    let setting = Setting::new();
    let buffering = Buffering::new().flush_interval(Duration::from_secs(3_600));
    let handler = builder(&setting).buffered(buffering).build().unwrap();
    for message in ["1", "2"] {
        handle(&handler, message);
    }
    handler.roll_over().unwrap();
    handle(&handler, "3");
    handler.flush(Deadline::never()).unwrap();
    assert_eq!((content(&setting.backup(1)).as_str(), setting.content().as_str()), ("1\n2\n", "3\n"));
}

#[test]
fn a_half_written_line_is_not_split_by_a_rollover_on_request() {
    let setting = Setting::new();
    let buffering = Buffering::new().flush_interval(Duration::from_secs(3_600));
    let handler = builder(&setting).buffered(buffering).build().unwrap();
    for message in ["1", "cut by a full disk"] {
        handle(&handler, message);
    }
    setting.fs.disk_full_after(8);
    handler.roll_over().unwrap();
    setting.fs.heal_all();
    handler.flush(Deadline::never()).unwrap();
    assert_eq!((content(&setting.backup(1)).as_str(), setting.content().as_str()), ("1\n", "cut by a full disk\n"));
    assert_eq!(handler.stats().delivered, 2);
    assert!(handler.stats().is_balanced());
}

#[test]
fn existing_files_are_the_backups_oldest_first_and_nothing_else() {
    let setting = Setting::new();
    let handler = builder(&setting).build().unwrap();
    assert!(handler.existing_files().unwrap().is_empty());
    for message in ["1", "2", "3", "4", "5"] {
        handle(&handler, message);
        handler.roll_over().unwrap();
    }
    fs::write(setting.backup(4), "a neighbour's: beyond the count\n").unwrap();
    fs::write(setting.path.with_extension("log.old"), "a neighbour's\n").unwrap();
    let existing = handler.existing_files().unwrap();
    assert_eq!(existing, [setting.backup(3), setting.backup(2), setting.backup(1)]);
    assert_eq!(existing.iter().map(|path| content(path)).collect::<String>(), "3\n4\n5\n");
}

#[test]
fn existing_files_are_found_behind_a_gap_too() {
    let setting = Setting::new();
    let handler = builder(&setting).build().unwrap();
    for number in [1, 3] {
        fs::write(setting.backup(number), "x\n").unwrap();
    }
    assert_eq!(handler.existing_files().unwrap(), [setting.backup(3), setting.backup(1)]);
}

#[test]
fn existing_files_have_the_names_of_the_namer() {
    let setting = Setting::new();
    let namer = |default: &Path| {
        let number = default.extension().unwrap().to_string_lossy().into_owned();
        default.with_file_name(format!("app-{number}.log"))
    };
    let handler = builder(&setting).namer(namer).build().unwrap();
    handler.roll_over().unwrap();
    assert_eq!(handler.existing_files().unwrap(), [setting.path.with_file_name("app-1.log")]);
}

#[test]
fn backups_that_cannot_be_looked_at_are_an_error() {
    let setting = Setting::new();
    let handler = builder(&setting).build().unwrap();
    setting.fs.fail(Op::Stat, ErrorKind::PermissionDenied);
    assert!(handler.existing_files().unwrap_err().is_io());
}

#[test]
fn a_pattern_names_the_chain() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let builder = RotatingFileHandler::builder(&path).format(MessageOnly).max_bytes(1).backup_count(2);
    let handler = builder.name_pattern("{stem}.{index}.{ext}").build().unwrap();
    for message in ["first", "second", "third", "fourth"] {
        handler.handle(&record(message).as_record()).unwrap();
    }
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
    assert_eq!([read("app.2.log"), read("app.1.log"), read("app.log")], ["second\n", "third\n", "fourth\n"]);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
    for (pattern, words) in [("{stem}.{ext}", "{index}"), ("{date}.{index}", "{date}")] {
        let refused =
            RotatingFileHandler::builder(&path).backup_count(2).name_pattern(pattern).build().unwrap_err().to_string();
        assert!(refused.contains("name_pattern") && refused.contains(words), "{refused}");
    }
}
