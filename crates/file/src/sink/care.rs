//! What is done for a file beside writing records: its rights, its header and footer, its way to the disk.

use std::path::Path;
use std::time::Duration;

use tracing_handlers_core::clock::ClockSource;
use tracing_handlers_core::{Error, Timestamp};

use crate::access::Wanted;
use crate::durability::Sync as SyncPolicy;
use crate::fs::{Access, FileOptions, Fs};
use crate::hooks::{FileInfo, Hooks};
use crate::log_file::LogFile;
use crate::settings::Settings;

pub(super) struct Care {
    options: FileOptions,
    hooks: Hooks,
    sync: SyncPolicy,
    /// What the file was like that is being rolled, for the next one.
    predecessor: Option<Access>,
    /// That rights were refused was said before.
    refusal_is_noted: bool,
    synced_at: Timestamp,
    /// A file was made or renamed since the directory was synced.
    directory_is_unsynced: bool,
    /// A sync failed since the last flush.
    sync_has_failed: bool,
}

impl Care {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            options: settings.options,
            hooks: settings.hooks.clone(),
            sync: settings.sync,
            predecessor: None,
            refusal_is_noted: false,
            synced_at: settings.clock.now(),
            directory_is_unsynced: false,
            sync_has_failed: false,
        }
    }

    /// Opens the file. One that opening made gets the rights of the one that was rolled, or the mode that was asked for.
    pub(super) fn open(&mut self, fs: &dyn Fs, path: &Path, truncate: bool, notes: &mut Vec<Error>) -> Result<LogFile, Error> {
        let wanted = Wanted { mode: self.options.mode, like: self.predecessor };
        let mut options = self.options;
        options.mode = wanted.mode_to_make_with();
        let file = LogFile::open(fs, path, truncate, &options)?;
        self.predecessor = None;
        self.directory_is_unsynced |= file.was_made();
        if let Err(error) = file.give_access(wanted) {
            self.note_refusal(Error::io(format!("give {} its owner, group and mode", path.display()), error), notes);
        }
        Ok(file)
    }

    fn note_refusal(&mut self, error: Error, notes: &mut Vec<Error>) {
        if !self.refusal_is_noted {
            notes.push(error);
        }
        self.refusal_is_noted = true;
    }

    /// Remembers what the file is like that is about to be rolled: the open one, or the one at the path.
    pub(super) fn remember(&mut self, fs: &dyn Fs, path: &Path, open: Option<&LogFile>) {
        let stat = open.map_or_else(|| fs.stat(path), LogFile::stat);
        self.predecessor = stat.ok().filter(|stat| stat.is_regular).and_then(|stat| stat.access);
    }

    #[inline]
    pub(super) fn has_header(&self) -> bool {
        self.hooks.on_open.is_some()
    }

    /// Writes the header. A file without one is as good as one with.
    pub(super) fn begin(&self, path: &Path, file: &mut LogFile, clock: &ClockSource, notes: &mut Vec<Error>) {
        if !self.has_header() {
            return;
        }
        let header = self.hooks.header(&info(path, file, clock));
        let written = header.and_then(|header| {
            file.append_header(&header).map_err(|error| Error::io(format!("write the header of {}", path.display()), error))
        });
        notes.extend(written.err());
    }

    /// Writes the footer, if the file has records and no footer yet.
    pub(super) fn end(&self, path: &Path, file: &mut LogFile, clock: &ClockSource, notes: &mut Vec<Error>) {
        if self.hooks.on_close.is_none() || !file.lacks_footer() {
            return;
        }
        let footer = self.hooks.footer(&info(path, file, clock));
        let written = footer.and_then(|footer| {
            file.append_footer(&footer).map_err(|error| Error::io(format!("write the footer of {}", path.display()), error))
        });
        notes.extend(written.err());
    }

    /// Whether files are synced at all.
    pub(super) fn is_durable(&self) -> bool {
        self.sync.is_on()
    }

    /// Whether the thread, which looks each `tick`, syncs now. Half a tick too early is better than a whole one too late.
    pub(super) fn is_sync_due(&self, interval: Duration, tick: Duration, now: Timestamp) -> bool {
        let elapsed = Duration::from_nanos(now.as_nanos().abs_diff(self.synced_at.as_nanos()));
        elapsed.saturating_add(tick / 2) >= interval
    }

    /// Brings to the disk what was written, and the name of a file that was made.
    pub(super) fn sync(
        &mut self,
        fs: &dyn Fs,
        path: &Path,
        file: Option<&mut LogFile>,
        clock: &ClockSource,
        notes: &mut Vec<Error>,
    ) {
        let file = file.filter(|file| file.is_unsynced());
        if file.is_none() && !self.directory_is_unsynced {
            return;
        }
        self.synced_at = clock.now();
        let synced = file.map_or(Ok(()), |file| file.sync());
        self.note_failed_sync(path, synced, notes);
        if let Some(directory) = path.parent().filter(|_| self.directory_is_unsynced) {
            // Tried once: a directory that may not be read cannot be synced the next time either.
            self.directory_is_unsynced = false;
            self.note_failed_sync(directory, fs.sync_directory(directory), notes);
        }
    }

    fn note_failed_sync(&mut self, path: &Path, synced: std::io::Result<()>, notes: &mut Vec<Error>) {
        if let Err(error) = synced {
            self.sync_has_failed = true;
            notes.push(Error::io(format!("sync {}", path.display()), error));
        }
    }

    /// Whether a sync failed since this was asked last.
    pub(super) fn take_sync_failure(&mut self) -> bool {
        std::mem::take(&mut self.sync_has_failed)
    }
}

fn info<'a>(path: &'a Path, file: &LogFile, clock: &ClockSource) -> FileInfo<'a> {
    FileInfo { path, len: file.len(), was_made: file.was_made(), at: clock.now() }
}
