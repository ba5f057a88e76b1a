//! The [`Subject`] of every handler of the file family: a temporary folder, a file system with faults, a clock to move.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tracing_handlers_core::{Handler, Timestamp};

use crate::capture::FailureLog;
use crate::clock::ManualClock;
use crate::contract::Subject;
use crate::fault_fs::{FaultFs, Op};

/// What a file handler is opened with.
#[derive(Clone, Debug)]
pub struct FileParts {
    /// The file to write.
    pub path: PathBuf,
    /// The file system to write it on.
    pub fs: FaultFs,
    /// The clock to use.
    pub clock: ManualClock,
    /// The failure hook to tell.
    pub failures: FailureLog,
}

type Open = Box<dyn Fn(FileParts) -> Arc<dyn Handler> + Send + Sync>;

/// A file handler under test.
pub struct FileSubject {
    directory: TempDir,
    fs: FaultFs,
    clock: ManualClock,
    open: Open,
}

impl FileSubject {
    /// A subject that opens its handler with `open`.
    pub fn new<H: Handler>(open: impl Fn(FileParts) -> H + Send + Sync + 'static) -> Self {
        Self {
            directory: tempfile::tempdir().expect("a temporary folder"),
            fs: FaultFs::new(),
            clock: ManualClock::new(Timestamp::from_unix_seconds(1_700_000_000)),
            open: Box::new(move |parts| Arc::new(open(parts))),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("app.log")
    }
}

impl Subject for FileSubject {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        (self.open)(FileParts { path: self.path(), fs: self.fs.clone(), clock: self.clock.clone(), failures })
    }

    fn lines(&self) -> Vec<String> {
        logs_oldest_first(&self.path()).iter().flat_map(|path| lines_of(path)).collect()
    }

    fn break_destination(&self) -> bool {
        self.fs.fail(Op::Write, 28);
        true
    }

    fn mend(&self) {
        self.fs.heal_all();
        self.clock.advance(Duration::from_secs(60));
    }
}

/// The files of a log that is rolled into `<name>.1`, `<name>.2`, … or `<name>.<date>`, `<name>.<date>.1`, …, oldest first; those
/// that exist.
pub fn logs_oldest_first(path: &Path) -> Vec<PathBuf> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return Vec::new() };
    let prefix = format!("{}.", name.to_string_lossy());
    let names = std::fs::read_dir(directory).expect("the folder").map(|entry| entry.expect("an entry").file_name());
    let suffixes = names.filter_map(|name| name.to_string_lossy().strip_prefix(&prefix).map(str::to_owned));
    let (mut numbered, mut dated): (Vec<_>, Vec<_>) = suffixes.partition(|suffix| suffix.parse::<u64>().is_ok());
    numbered.sort_by_key(|number| std::cmp::Reverse(number.parse::<u64>().ok()));
    dated.sort_by_cached_key(|suffix| date_and_number(suffix));
    let rolled = dated.into_iter().chain(numbered).map(|suffix| directory.join(format!("{prefix}{suffix}")));
    rolled.chain(Some(path.to_path_buf())).filter(|path| path.is_file()).collect()
}

/// Numbers behind a date count upwards, the other way than those without one.
fn date_and_number(suffix: &str) -> (String, u64) {
    let numbered = suffix.rsplit_once('.').and_then(|(date, number)| Some((date, number.parse().ok()?)));
    let (date, number) = numbered.unwrap_or((suffix, 0));
    (date.to_owned(), number)
}

/// The lines of a file. What is behind the last line end counts as a line, so that a torn one is seen.
pub fn lines_of(path: &Path) -> Vec<String> {
    let bytes = std::fs::read(path).expect("a log that can be read");
    let text = String::from_utf8(bytes).expect("a log in UTF-8");
    let mut lines: Vec<_> = text.split('\n').map(str::to_owned).collect();
    if lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// Every file of a folder with its text, by name.
pub fn contents(directory: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())).collect()
}

/// Whether a file that is open can be removed or replaced, and its name is free at once: on Unix, and on Windows where it does that as
/// POSIX has it. Wine 8 does not; a test that needs it says so there and ends.
#[expect(clippy::print_stdout, reason = "tests/windows/run shows what was left out")]
pub fn names_of_open_files_go() -> bool {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let [path, other] = ["open", "other"].map(|name| directory.path().join(name));
    std::fs::write(&path, "").expect("a file");
    std::fs::write(&other, "").expect("a file");
    let held = std::fs::File::open(&path).expect("what was made");
    let goes = std::fs::rename(&other, &path).is_ok() && std::fs::remove_file(&path).is_ok() && !path.exists();
    drop(held);
    if !goes {
        println!("{:?} ... not on Windows where a file that is open keeps its name", std::thread::current().name());
    }
    goes
}
