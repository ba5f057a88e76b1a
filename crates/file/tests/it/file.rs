//! `FileHandler`: the cases of CPython's `FileHandlerTest`, `EncodingTest` and `HandlerTest`, and what ours does beyond.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::tempdir;
use tracing_handlers_core::{Deadline, Handler, Record};
use tracing_handlers_file::FileHandler;
use tracing_handlers_testing::{MessageOnly, handle, record};

#[test]
fn test_delay() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    let handler = FileHandler::builder(&path).delay(true).format(MessageOnly).build().unwrap();
    assert!(!path.exists(), "made before the first record");
    handle(&handler, "1");
    assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
}

/// CPython reopens a closed file only in mode 'a'; here a closed handler stays closed, so the file of mode 'w' holds only the '1'.
#[test]
fn test_emit_after_closing_in_write_mode() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    fs::write(&path, "old\n").unwrap();
    let handler = FileHandler::builder(&path).truncate(true).format(MessageOnly).build().unwrap();
    handle(&handler, "1");
    handler.close(Deadline::never()).unwrap();
    assert!(handler.handle(&record("2").as_record()).unwrap_err().is_closed());
    assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
    assert!(handler.stats().is_balanced());
}

#[test]
fn test_pathlike_objects() {
    let directory = tempdir().unwrap();
    let paths: [PathBuf; 3] = ["a", "b", "c"].map(|name| directory.path().join(name));
    let [a, b, c] = &paths;
    let by_path: &Path = a;
    let by_os_string = OsString::from(b);
    let by_str = c.to_str().unwrap();
    FileHandler::builder(by_path).build().unwrap();
    FileHandler::builder(by_os_string).build().unwrap();
    FileHandler::builder(by_str).build().unwrap();
    assert!(paths.iter().all(|path| path.exists()));
}

/// `EncodingTest.test_encoding_plain_file`.
#[test]
fn test_encoding_plain_file() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    let handler =
        FileHandler::builder(&path).format(|record: &Record<'_>, out: &mut Vec<u8>| out.extend(record.message().bytes()));
    handle(&handler.build().unwrap(), "foo\u{80}");
    assert_eq!(fs::read(&path).unwrap(), "foo\u{80}\n".as_bytes());
}

/// `EncodingTest.test_encoding_cyrillic_unicode`: text is UTF-8, and a format of one's own writes any other encoding.
#[test]
fn test_encoding_cyrillic_unicode() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    let cp1251 = |record: &Record<'_>, out: &mut Vec<u8>| {
        out.extend(record.message().chars().map(|char| match char as u32 {
            code @ 0..0x80 => code as u8,
            code @ 0x410..0x450 => (code - 0x410 + 0xc0) as u8,
            _ => b'?',
        }));
    };
    handle(&FileHandler::builder(&path).format(cp1251).build().unwrap(), "до свидания");
    assert_eq!(fs::read(&path).unwrap(), b"\xe4\xee \xf1\xe2\xe8\xe4\xe0\xed\xe8\xff\n");
}

#[test]
fn a_file_is_appended_to_unless_it_is_to_be_truncated() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    handle(&FileHandler::builder(&path).format(MessageOnly).build().unwrap(), "1");
    handle(&FileHandler::builder(&path).format(MessageOnly).build().unwrap(), "2");
    assert_eq!(fs::read_to_string(&path).unwrap(), "1\n2\n");
    handle(&FileHandler::builder(&path).format(MessageOnly).truncate(true).build().unwrap(), "3");
    assert_eq!(fs::read_to_string(&path).unwrap(), "3\n");
    handle(&FileHandler::builder(&path).format(MessageOnly).truncate(true).delay(true).build().unwrap(), "4");
    assert_eq!(fs::read_to_string(&path).unwrap(), "4\n", "a delayed file is truncated when it is opened");
}

#[test]
fn missing_directories_are_made() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("a/b/c/app.log");
    handle(&FileHandler::builder(&path).format(MessageOnly).build().unwrap(), "1");
    assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
}

#[test]
fn the_terminator_is_the_users() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    let handler = FileHandler::builder(&path).format(MessageOnly).terminator("\r\n\0").build().unwrap();
    handle(&handler, "1");
    assert_eq!(fs::read(&path).unwrap(), b"1\r\n\0");
}

#[test]
fn a_path_that_names_no_file_is_refused_with_its_name() {
    for path in ["", "/", "logs/", "/tmp/.."] {
        let error = FileHandler::builder(path).build().unwrap_err();
        assert!(error.is_config(), "{path:?}: {error:?}");
        assert!(error.to_string().contains(&format!("`path` = {path:?}")), "{error}");
    }
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error_of_build_that_names_it() {
    let directory = tempdir().unwrap();
    let error = FileHandler::builder(directory.path()).build().unwrap_err();
    assert!(error.is_io());
    assert!(error.to_string().contains(&directory.path().display().to_string()), "{error}");
}

#[test]
fn reopen_moves_on_to_the_file_that_stands_at_the_path_now() {
    let directory = tempdir().unwrap();
    let (path, moved) = (directory.path().join("app.log"), directory.path().join("app.log.old"));
    let handler = FileHandler::builder(&path).format(MessageOnly).build().unwrap();
    handle(&handler, "1");
    fs::rename(&path, &moved).unwrap();
    handle(&handler, "2");
    handler.reopen().unwrap();
    handle(&handler, "3");
    assert_eq!(fs::read_to_string(&moved).unwrap(), "1\n2\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "3\n");
}

/// A relative path is fixed at `build()`. The working directory belongs to the whole process, so a process of its own changes it.
#[test]
fn a_change_of_the_working_directory_moves_no_log() {
    const CHILD: &str = "TRACING_HANDLERS_CWD_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let handler = FileHandler::builder("app.log").delay(true).format(MessageOnly).build().unwrap();
        std::env::set_current_dir("elsewhere").unwrap();
        handle(&handler, "1");
        return;
    }
    let directory = tempdir().unwrap();
    fs::create_dir(directory.path().join("elsewhere")).unwrap();
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "file::a_change_of_the_working_directory_moves_no_log"])
        .env(CHILD, "1")
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert_eq!(fs::read_to_string(directory.path().join("app.log")).unwrap(), "1\n");
}
