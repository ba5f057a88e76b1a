//! The compression of rolled files, on a thread of its own: `log-compress`.
//!
//! A file is compressed under a temporary name, brought to the disk, renamed, and only then is what it was made of removed. So at every
//! moment each record stands in a complete file, and what a crash leaves is seen by the next handler: an unfinished temporary file is
//! removed, a file that stands in both forms was finished.

mod codec;
mod forms;

use std::collections::HashSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Deadline, Error};

use self::forms::with_ending;
use crate::access::Wanted;
use crate::cleanup;
use crate::fs::{FileId, FileOptions, Fs, FsFile, Opened, Stat, Unlinked};
use crate::upkeep::{self, Place};

pub use self::codec::Compression;
pub use self::forms::Forms;

static THREAD: cleanup::Background = cleanup::Background::new("log-compress");

/// What a temporary file's name ends in.
const TEMPORARY: &str = ".compressing";

/// Gives the names of the rolled files that stand in plain form, oldest first.
type Plain = Box<dyn Fn(Place<'_>) -> Result<Vec<PathBuf>, Error> + Send + Sync>;

/// Compresses the rolled files of one handler.
pub struct Compressor {
    compression: Compression,
    fs: Arc<dyn Fs>,
    path: PathBuf,
    plain: Plain,
    reporter: Reporter,
    /// Taken by whoever renames rolled files, for so long: a name means the same file meanwhile.
    names: Mutex<Names>,
    state: Mutex<State>,
    idle: Condvar,
}

/// Which rolled file may still be written to: the handler did not let go of it yet.
#[derive(Default)]
pub struct Names {
    held: Option<FileId>,
}

#[derive(Default)]
struct State {
    is_wanted: bool,
    is_working: bool,
    is_abandoned: bool,
}

impl Compressor {
    pub(crate) fn new(
        compression: Compression,
        fs: Arc<dyn Fs>,
        path: PathBuf,
        reporter: Reporter,
        plain: impl Fn(Place<'_>) -> Result<Vec<PathBuf>, Error> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let (names, state) = (Mutex::default(), Mutex::default());
        let plain: Plain = Box::new(plain);
        Arc::new(Self { compression, fs, path, plain, reporter, names, state, idle: Condvar::new() })
    }

    /// For a rollover: no name changes but by the holder. `rolled` is the file that is about to be renamed, which is left alone until
    /// [`released`](Self::released).
    pub fn hold(&self, rolled: Option<FileId>) -> MutexGuard<'_, Names> {
        let mut names = lock(&self.names);
        names.held = rolled.or(names.held);
        names
    }

    /// The handler writes to another file now: there may be something to compress.
    pub fn released(self: &Arc<Self>) {
        lock(&self.names).held = None;
        let mut state = lock(&self.state);
        state.is_wanted = true;
        if state.is_working || state.is_abandoned {
            return;
        }
        state.is_working = true;
        drop(state);
        let compressor = Arc::clone(self);
        if !THREAD.run(move || compressor.work()) {
            lock(&self.state).is_working = false;
            self.reporter.note(Error::new("start the thread that compresses"));
        }
    }

    fn work(&self) {
        let _working = Working(self);
        while self.is_wanted() {
            if let Err(error) = self.compress_all() {
                self.reporter.note(error);
            }
        }
    }

    fn is_wanted(&self) -> bool {
        let mut state = lock(&self.state);
        std::mem::take(&mut state.is_wanted) && !state.is_abandoned
    }

    fn goes_on(&self) -> bool {
        !lock(&self.state).is_abandoned
    }

    fn place(&self) -> Place<'_> {
        Place { fs: &*self.fs, path: &self.path }
    }

    /// Compresses what there is. A file that cannot be compressed is reported and left for the next time.
    fn compress_all(&self) -> Result<(), Error> {
        let mut failed = HashSet::new();
        while self.goes_on() {
            let (name, id) = match self.next(&failed)? {
                Next::Compress(name, id) => (name, id),
                // Its blocks are freed here, where nobody waits.
                Next::Removed(unlinked) => {
                    drop(unlinked);
                    continue;
                }
                Next::Nothing => return Ok(()),
            };
            if let Err(error) = self.compress(&name, id) {
                failed.insert(id);
                if self.goes_on() {
                    self.reporter.note(Error::io(format!("compress {}", name.display()), error));
                }
            }
        }
        Ok(())
    }

    /// What is to be done next, the oldest file first. What stands in both forms loses the plain one.
    fn next(&self, failed: &HashSet<FileId>) -> Result<Next, Error> {
        let names = lock(&self.names);
        for name in (self.plain)(self.place())? {
            let Ok(stat) = self.fs.stat_entry(&name) else { continue };
            if !stat.is_regular || names.held == Some(stat.id) || failed.contains(&stat.id) {
                continue;
            }
            let is_done = |form: PathBuf| form != name && self.fs.stat_entry(&form).is_ok_and(|stat| stat.is_regular);
            if !Forms::with_compressed().of(&name).any(is_done) {
                return Ok(Next::Compress(name, stat.id));
            }
            let unlinked = self.fs.unlink(&name);
            return unlinked.map(Next::Removed).map_err(|error| Error::io(format!("remove {}", name.display()), error));
        }
        Ok(Next::Nothing)
    }

    fn compress(&self, name: &Path, id: FileId) -> io::Result<()> {
        let mut source = self.fs.open_read(name, &FileOptions { follow_symlinks: false, ..FileOptions::default() })?;
        let stat = source.stat()?;
        if stat.id != id {
            // Moved up meanwhile: it is found under its new name.
            return Ok(());
        }
        let directory = name.parent().unwrap_or(Path::new(""));
        self.remove_leftovers(directory);
        let (temporary, mut target) = self.make_temporary(directory)?;
        let made = self.fill(&mut *source, &mut *target, &stat);
        let settled = made.and_then(|()| self.put_in_place(&temporary, id));
        if settled.is_err() && self.fs.stat_entry(&temporary).is_ok() {
            // Where that fails it goes with the next.
            drop(self.fs.unlink(&temporary));
        }
        settled
    }

    fn make_temporary(&self, directory: &Path) -> io::Result<(PathBuf, Box<dyn FsFile>)> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let mut name = self.temporary_prefix();
        name.push(format!("{}-{number}{TEMPORARY}", std::process::id()));
        let path = directory.join(name);
        // Its owner alone, until it has the mode of its source.
        let Opened { file, .. } = self.fs.create_new(&path, &FileOptions { mode: Some(0o600), ..FileOptions::default() })?;
        // The lock tells others that somebody is at work on it; a file system without locks has no others.
        file.try_lock().ok();
        Ok((path, file))
    }

    fn fill(&self, source: &mut dyn FsFile, target: &mut dyn FsFile, stat: &Stat) -> io::Result<()> {
        self.compression.compress(source, target, &|| self.goes_on())?;
        if let (Some(like), Some(has)) = (stat.access, target.stat()?.access) {
            // A refusal leaves less to others than they had.
            Wanted { mode: None, like: Some(like) }.give(target, has).ok();
        }
        if let Some(modified) = stat.modified {
            target.set_modified(modified)?;
        }
        target.sync()
    }

    /// Puts the finished file beside its source, whatever the name of that is by now. The source goes in the next step.
    fn put_in_place(&self, temporary: &Path, id: FileId) -> io::Result<()> {
        let names = lock(&self.names);
        let plain = (self.plain)(self.place()).map_err(io::Error::other)?;
        let is_it = |name: &PathBuf| self.fs.stat_entry(name).is_ok_and(|stat| stat.id == id);
        let Some(name) = plain.into_iter().find(is_it) else {
            // It was deleted meanwhile.
            return self.fs.unlink(temporary).map(drop);
        };
        self.fs.rename(temporary, &with_ending(&name, self.compression.ending()))?;
        drop(names);
        // A rollover does not wait for this.
        self.fs.sync_directory(name.parent().unwrap_or(Path::new("")))
    }

    /// Removes temporary files that nobody is at work on.
    fn remove_leftovers(&self, directory: &Path) {
        let (prefix, Ok(entries)) = (self.temporary_prefix(), self.fs.list(directory)) else { return };
        let prefix = prefix.as_encoded_bytes();
        let is_temporary = |entry: &OsString| {
            let rest = entry.as_encoded_bytes().strip_prefix(prefix);
            let made_by = rest.and_then(|rest| rest.strip_suffix(TEMPORARY.as_bytes()));
            made_by.is_some_and(|made_by| !made_by.is_empty() && made_by.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'-')))
        };
        for entry in entries.into_iter().filter(is_temporary) {
            let path = directory.join(entry);
            let options = FileOptions { follow_symlinks: false, ..FileOptions::default() };
            let is_left = self.fs.open_read(&path, &options).is_ok_and(|file| !matches!(file.try_lock(), Ok(false)));
            if is_left {
                drop(self.fs.unlink(&path));
            }
        }
    }

    /// What the names of this log's temporary files begin with.
    fn temporary_prefix(&self) -> OsString {
        let mut prefix = OsString::from(".");
        prefix.push(self.path.file_name().unwrap_or_default());
        prefix.push(".");
        prefix
    }
}

/// A step of the work.
enum Next {
    /// This file, if it is still that.
    Compress(PathBuf, FileId),
    /// A file that was compressed before is gone.
    Removed(Unlinked),
    Nothing,
}

/// Whatever happens, nobody waits for work that is not done.
struct Working<'a>(&'a Compressor);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).is_working = false;
        self.0.idle.notify_all();
    }
}

impl upkeep::Background for Compressor {
    fn finish(&self, deadline: Deadline) -> Result<(), Error> {
        let mut state = lock(&self.state);
        while state.is_working {
            if deadline.has_passed() {
                return Err(Error::timed_out(format!("compress the rolled files of {}", self.path.display())));
            }
            state = match deadline.remaining() {
                None => self.idle.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) => self.idle.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        Ok(())
    }

    fn abandon(&self) {
        lock(&self.state).is_abandoned = true;
    }
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compressor").field("path", &self.path).field("compression", &self.compression).finish_non_exhaustive()
    }
}
