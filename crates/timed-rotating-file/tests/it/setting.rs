//! A log in a folder of its own, with a clock to move and faults to order.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::{TempDir, tempdir};
use time::OffsetDateTime;
use time::macros::datetime;
use tracing_handlers_core::{Clock as _, Handler, Timestamp};
use tracing_handlers_testing::file_subject::{lines_of, logs_oldest_first};
use tracing_handlers_testing::{FailureLog, FaultFs, ManualClock, MessageOnly, record};
use tracing_handlers_timed_rotating_file::{TimedRotatingFileHandler, TimedRotatingFileHandlerBuilder, When};

pub(crate) const NOON: OffsetDateTime = datetime!(2024-01-31 12:00 UTC);
pub(crate) const NEXT_DAY: OffsetDateTime = datetime!(2024-02-01 00:00 UTC);
pub(crate) const JANUARY_31: &str = "app.log.2024-01-31";

pub(crate) struct Setting {
    _directory: TempDir,
    pub(crate) path: PathBuf,
    pub(crate) fs: FaultFs,
    pub(crate) clock: ManualClock,
    pub(crate) failures: FailureLog,
}

impl Setting {
    /// No file yet. Moments of tests lie before those at which they run, so that files are never younger than the test says.
    pub(crate) fn new(now: OffsetDateTime) -> Self {
        let directory = tempdir().unwrap();
        let path = directory.path().join("logs/app.log");
        fs::create_dir(directory.path().join("logs")).unwrap();
        let clock = ManualClock::new(now.into());
        Self { _directory: directory, path, fs: FaultFs::new(), clock, failures: FailureLog::new() }
    }

    /// Rolls by UTC.
    pub(crate) fn builder(&self, when: When) -> TimedRotatingFileHandlerBuilder {
        let builder = TimedRotatingFileHandler::builder(&self.path).when(when).utc(true).format(MessageOnly);
        builder.fs(self.fs.clone()).clock(self.clock.clone()).on_failure(self.failures.clone())
    }

    pub(crate) fn set(&self, now: OffsetDateTime) {
        self.clock.set(now.into());
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// What the file family cannot fake: the file was last written when the clock says.
    pub(crate) fn mark_as_written_now(&self) {
        mark_as_written(&self.path, self.clock.now());
    }

    /// A file beside the log.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.path.with_file_name(name)
    }

    /// The log files, oldest first.
    pub(crate) fn names(&self) -> Vec<String> {
        logs_oldest_first(&self.path).iter().map(|path| name_of(path)).collect()
    }

    /// The lines of all log files, oldest first.
    pub(crate) fn lines(&self) -> Vec<String> {
        logs_oldest_first(&self.path).iter().flat_map(|path| lines_of(path)).collect()
    }

    /// The lines of one file.
    pub(crate) fn lines_in(&self, name: &str) -> Vec<String> {
        lines_of(&self.beside(name))
    }

    /// Every record that was offered is in a file.
    pub(crate) fn lost_nothing(&self, handler: &TimedRotatingFileHandler) {
        assert_eq!(self.failures.lost(), 0);
        let stats = handler.stats();
        assert!(stats.is_balanced() && stats.dropped() == 0, "{stats}");
    }

    /// How many entries the folder has, whatever they are.
    pub(crate) fn entries(&self) -> usize {
        fs::read_dir(self.path.parent().unwrap()).unwrap().count()
    }
}

/// Open since noon, with one record in it; every night a rollover, three files are kept.
pub(crate) fn since_noon() -> (Setting, TimedRotatingFileHandler) {
    let setting = Setting::new(NOON);
    let handler = setting.builder(When::Midnight).backup_count(3).build().unwrap();
    handle(&handler, "first");
    (setting, handler)
}

pub(crate) fn handle(handler: &impl Handler, message: &str) {
    handler.handle(&record(message).as_record()).unwrap();
}

pub(crate) fn mark_as_written(path: &Path, at: Timestamp) {
    let written = system_time(at);
    File::options().append(true).open(path).unwrap().set_times(FileTimes::new().set_modified(written)).unwrap();
}

fn system_time(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(at.as_nanos().try_into().unwrap())
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}
