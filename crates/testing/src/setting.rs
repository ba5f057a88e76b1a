//! Where a file handler is tested: a log in a folder of its own, a file system with faults, a clock to move, and what was told.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tracing_handlers_core::Timestamp;

use crate::capture::FailureLog;
use crate::clock::ManualClock;
use crate::fault_fs::FaultFs;
use crate::file_subject::{lines_of, logs_oldest_first};

/// A log that a handler is built for. A builder takes of it what its test is about.
pub struct Setting {
    directory: TempDir,
    /// `app.log`, not there yet.
    pub path: PathBuf,
    /// Without faults.
    pub fs: FaultFs,
    /// At a thousand seconds.
    pub clock: ManualClock,
    /// Of the handler's failures.
    pub failures: FailureLog,
}

impl Setting {
    /// One with nothing in it.
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.log");
        let clock = ManualClock::new(Timestamp::from_unix_seconds(1_000));
        Self { directory, path, fs: FaultFs::new(), clock, failures: FailureLog::new() }
    }

    /// The folder.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Its name, as the journal of [`FaultFs`] has it.
    pub fn directory_name(&self) -> String {
        self.directory().file_name().unwrap().to_string_lossy().into_owned()
    }

    /// What lies beside the log.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    /// `app.log.<number>`
    pub fn backup(&self, number: usize) -> PathBuf {
        self.beside(&format!("app.log.{number}"))
    }

    /// The text of the log.
    pub fn content(&self) -> String {
        std::fs::read_to_string(&self.path).unwrap()
    }

    /// The lines of the log and of its rolled files, oldest first, each file's by itself.
    pub fn files(&self) -> Vec<Vec<String>> {
        logs_oldest_first(&self.path).iter().map(|path| lines_of(path)).collect()
    }

    /// The lines of all of them.
    pub fn lines(&self) -> Vec<String> {
        self.files().concat()
    }

    /// What was told of failures.
    pub fn told(&self) -> Vec<String> {
        self.failures.texts()
    }
}
