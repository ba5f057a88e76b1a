//! Files that another program holds: Windows lets nobody rename what is open without `FILE_SHARE_DELETE` (WinError 32).

use std::fs::{self, File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::{TempDir, tempdir};
use tracing_handlers_core::{Handler, Timestamp};
use tracing_handlers_rotating_file::RotatingFileHandler;
use tracing_handlers_testing::file_subject::lines_of;
use tracing_handlers_testing::{FailureLog, ManualClock, MessageOnly, record};

const FILE_SHARE_READ: u32 = 1;
const FILE_SHARE_WRITE: u32 = 2;

struct Setting {
    _directory: TempDir,
    path: PathBuf,
    clock: ManualClock,
    failures: FailureLog,
    handler: RotatingFileHandler,
}

fn setting() -> Setting {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    let (clock, failures) = (ManualClock::new(Timestamp::from_unix_seconds(1_000)), FailureLog::new());
    let builder = RotatingFileHandler::builder(&path).max_bytes(10).backup_count(2).format(MessageOnly);
    let handler = builder.clock(clock.clone()).on_failure(failures.clone()).build().unwrap();
    Setting { _directory: directory, path, clock, failures, handler }
}

impl Setting {
    fn handle(&self, message: &str) {
        self.handler.handle(&record(message).as_record()).unwrap();
    }

    fn backup(&self, number: usize) -> PathBuf {
        self.path.with_extension(format!("log.{number}"))
    }

    /// While `held` is open records go into the old file, and each refusal is counted and reported; afterwards it is rolled.
    fn rolls_when_released(&self, held: File) {
        for (second, tries) in [(0, 1), (1, 2), (2, 3)] {
            self.handle("too much");
            assert_eq!((self.handler.failed_rollovers(), self.failures.len()), (tries, tries as usize));
            self.clock.advance(Duration::from_secs(1 << second));
        }
        assert!(self.failures.texts().iter().all(|text| text.contains("(os error 32)")), "{:?}", self.failures.texts());
        assert_eq!(lines_of(&self.path)[1..], ["too much"; 3]);
        drop(held);
        self.handle("rolled");
        assert_eq!(lines_of(&self.path), ["rolled"]);
        assert_eq!(lines_of(&self.backup(1))[1..], ["too much"; 3]);
        let stats = self.handler.stats();
        assert!(stats.is_balanced() && stats.dropped() == 0 && self.failures.lost() == 0, "{stats}");
    }
}

fn held(path: &Path, share: u32) -> File {
    OpenOptions::new().read(true).share_mode(share).open(path).unwrap()
}

/// As CPython, and most programs that show a file, open it.
#[test]
fn a_log_that_somebody_reads_without_letting_it_go_grows_is_counted_and_rolled_later() {
    let setting = setting();
    setting.handle("first");
    setting.rolls_when_released(held(&setting.path, FILE_SHARE_READ | FILE_SHARE_WRITE));
}

#[test]
fn a_backup_that_somebody_has_for_himself_stops_the_chain_and_no_record() {
    let setting = setting();
    setting.handle("oldest");
    setting.handle("first");
    assert_eq!(lines_of(&setting.backup(1)), ["oldest"]);
    setting.rolls_when_released(held(&setting.backup(1), 0));
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
    let setting = setting();
    setting.handle("read me");
    assert_eq!(fs::read_to_string(&setting.path).unwrap(), "read me\n");
}
