//! Files that another program holds: Windows lets nobody rename what is open without `FILE_SHARE_DELETE` (WinError 32).

use std::fs::{self, File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::{TempDir, tempdir};
use tracing_handlers_core::{Handler, Timestamp};
use tracing_handlers_rotating_file::RotatingFileHandler;
use tracing_handlers_testing::file_subject::lines_of;
use tracing_handlers_testing::{MessageOnly, Setting, handle};

const FILE_SHARE_READ: u32 = 1;
const FILE_SHARE_WRITE: u32 = 2;

fn opened() -> (Setting, RotatingFileHandler) {
    let setting = Setting::new();
    let builder = RotatingFileHandler::builder(&setting.path).max_bytes(10).backup_count(2).format(MessageOnly);
    let handler = builder.clock(setting.clock.clone()).on_failure(setting.failures.clone()).build().unwrap();
    (setting, handler)
}

/// While `held` is open records go into the old file, and each refusal is counted and reported; afterwards it is rolled.
fn rolls_when_released(setting: &Setting, handler: &RotatingFileHandler, held: File) {
    for (second, tries) in [(0, 1), (1, 2), (2, 3)] {
        handle(handler, "too much");
        assert_eq!((handler.failed_rollovers(), setting.failures.len()), (tries, tries as usize));
        setting.clock.advance(Duration::from_secs(1 << second));
    }
    assert!(setting.failures.texts().iter().all(|text| text.contains("(os error 32)")), "{:?}", setting.failures.texts());
    assert_eq!(lines_of(&setting.path)[1..], ["too much"; 3]);
    drop(held);
    handle(handler, "rolled");
    assert_eq!(lines_of(&setting.path), ["rolled"]);
    assert_eq!(lines_of(&setting.backup(1))[1..], ["too much"; 3]);
    let stats = handler.stats();
    assert!(stats.is_balanced() && stats.dropped() == 0 && setting.failures.lost() == 0, "{stats}");
}

fn held(path: &Path, share: u32) -> File {
    OpenOptions::new().read(true).share_mode(share).open(path).unwrap()
}

/// As CPython, and most programs that show a file, open it.
#[test]
fn a_log_that_somebody_reads_without_letting_it_go_grows_is_counted_and_rolled_later() {
    let (setting, handler) = opened();
    handle(&handler, "first");
    rolls_when_released(&setting, &handler, held(&setting.path, FILE_SHARE_READ | FILE_SHARE_WRITE));
}

#[test]
fn a_backup_that_somebody_has_for_himself_stops_the_chain_and_no_record() {
    let (setting, handler) = opened();
    handle(&handler, "oldest");
    handle(&handler, "first");
    assert_eq!(lines_of(&setting.backup(1)), ["oldest"]);
    rolls_when_released(&setting, &handler, held(&setting.backup(1), 0));
    assert_eq!(lines_of(&setting.backup(2)), ["oldest"]);
}

#[test]
fn a_log_that_somebody_has_for_himself_is_an_error_of_build_that_names_it() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    fs::write(&path, "").unwrap();
    let held = held(&path, 0);
    let error = RotatingFileHandler::builder(&path).build().unwrap_err();
    assert_eq!(error.io_error().unwrap().raw_os_error(), Some(32));
    assert!(error.to_string().contains("app.log"), "{error}");
    drop(held);
    RotatingFileHandler::builder(&path).build().unwrap();
}

/// A lock on Windows would.
#[test]
fn anybody_may_read_a_log_that_is_written() {
    let (setting, handler) = opened();
    handle(&handler, "read me");
    assert_eq!(fs::read_to_string(&setting.path).unwrap(), "read me\n");
}
