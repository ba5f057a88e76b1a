//! Builds a `RotatingFileHandler`.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing_handlers_core::Error;
use tracing_handlers_file::export::{Settings, Sink};
use tracing_handlers_file::rollover::{Compression, Endings, Forms, Hooks, Retention};

use crate::chain::Chain;
use crate::handler::{RotatingFileHandler, RotatingFileLayer, Rotation};
use crate::policy::SizePolicy;

/// What the handler is called in reports.
const KIND: &str = "rotating-file";

/// Builds a [`RotatingFileHandler`].
///
/// | setting | default |
/// |---|---|
/// | [`max_bytes`](Self::max_bytes) | 0: never rolled |
/// | [`backup_count`](Self::backup_count) | 0: never rolled |
/// | [`max_age`](Self::max_age), [`max_total_bytes`](Self::max_total_bytes) | no limit |
/// | [`roll_on_start`](Self::roll_on_start) | off: go on in the file that is there |
/// | [`namer`](Self::namer) or [`name_pattern`](Self::name_pattern), [`rotator`](Self::rotator) | the default name, a rename |
/// | `compress`, with feature `gzip` or `zstd` | off: rolled files stay as they are |
/// | [`format`](Self::format) | [`Text`](tracing_handlers_core::format::Text) |
/// | [`terminator`](Self::terminator) | line feed |
/// | [`truncate`](Self::truncate) | off: append |
/// | [`delay`](Self::delay) | off: open at `build()` |
/// | [`buffered`](Self::buffered) | off: one `write` a record |
/// | [`sync`](Self::sync) | `Never`: the system writes to the disk when it likes |
/// | [`mode`](Self::mode), [`directory_mode`](Self::directory_mode) | what the umask leaves of `0o666` and `0o777` |
/// | [`follow_symlinks`](Self::follow_symlinks) | on |
/// | [`on_open`](Self::on_open), [`on_close`](Self::on_close) | no header, no footer |
/// | [`shared`](Self::shared) | off: one handler a file; a second is reported |
/// | [`lease`](Self::lease) | 5 ms; without meaning unless shared |
/// | [`drain_on_exit`](Self::drain_on_exit) | on |
/// | [`on_failure`](Self::on_failure) | a rate-limited line on stderr |
#[must_use]
pub struct RotatingFileHandlerBuilder {
    settings: Settings,
    max_bytes: u64,
    backup_count: usize,
    retention: Retention,
    hooks: Hooks,
    compression: Option<Compression>,
}

impl RotatingFileHandlerBuilder {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            settings: Settings::new(path),
            max_bytes: 0,
            backup_count: 0,
            retention: Retention::default(),
            hooks: Hooks::default(),
            compression: None,
        }
    }

    tracing_handlers_file::file_settings!();

    /// The size, in bytes, that the file does not reach; 0 for no limit. A record above it stands in a file of its own.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// How many rolled files are kept. With 0 the file is never rolled and grows without limit, as in Python.
    pub fn backup_count(mut self, count: usize) -> Self {
        self.backup_count = count;
        self
    }

    /// How long a rolled file is kept after its last record. It is looked at when the file is rolled.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.retention.age = Some(age);
        self
    }

    /// How many bytes all rolled files together may have; the oldest go first.
    pub fn max_total_bytes(mut self, bytes: u64) -> Self {
        self.retention.bytes = Some(bytes);
        self
    }

    /// Whether the file is emptied at `build()`: Python's mode `'w'`. As there, a size limit overrules it.
    pub fn truncate(mut self, truncate: bool) -> Self {
        self.settings.set_truncate(truncate);
        self
    }

    /// What names a rolled file, given the default name (`/var/log/app.log.1`).
    ///
    /// ```
    /// # use tracing_handlers_rotating_file::RotatingFileHandler;
    /// let builder = RotatingFileHandler::builder("app.log").namer(|name| {
    ///     let mut name = name.as_os_str().to_owned();
    ///     name.push(".old");
    ///     name.into()
    /// });
    /// ```
    ///
    /// Each number must give another name. It runs while the file is locked: it must not log through this handler (what it logs is
    /// counted, not handled).
    pub fn namer(mut self, namer: impl Fn(&Path) -> PathBuf + Send + Sync + 'static) -> Self {
        self.hooks.set_namer(namer);
        self
    }

    /// A pattern for the names of rolled files, in the place of a namer: `"{stem}-{index}.{ext}"` makes `app-1.log` of `app.log`.
    ///
    /// | in the pattern | |
    /// |---|---|
    /// | `{index}` | 1 for the newest, as in Python's names |
    /// | `{stem}`, `{ext}` | the name of the file that is written, up to its last dot and behind it |
    /// | `{host}`, `{pid}` | the name of the system, the number of the process |
    /// | `{{`, `}}` | a brace |
    ///
    /// Files stay in the directory of the log. With `{host}` or `{pid}`, those of other systems and processes are neither counted nor deleted
    /// by this one.
    pub fn name_pattern(mut self, pattern: impl Into<String>) -> Self {
        self.hooks.set_pattern(pattern.into());
        self
    }

    /// What moves the file to the first backup's name, instead of a rename. Backups that exist are always renamed.
    ///
    /// It runs while the file is locked. Where it fails, the old file goes on being written and it is called again a second later, and then
    /// ever more seldom, up to half a minute.
    pub fn rotator(mut self, rotator: impl Fn(&Path, &Path) -> io::Result<()> + Send + Sync + 'static) -> Self {
        self.hooks.set_rotator(rotator);
        self
    }

    /// How rolled files are compressed; off by default. `app.log.1` becomes `app.log.1.gz` a moment after it was rolled.
    ///
    /// A thread of the process does that (`log-compress`); nobody who logs waits for it. The copy is written under a hidden temporary name, brought
    /// to the disk and renamed before the file itself goes, and keeps mode, owner (where that is allowed) and time. Limits on number,
    /// age and bytes count a rolled file once, in whichever form it is. Closing the handler waits for it until the deadline; what is
    /// not done then, or was cut off by the end of the process, is done by the next handler of this log once it has opened the file.
    /// What fails is reported, stays as it is and is tried again after the next rollover.
    ///
    /// The ending is put behind what a namer or a pattern makes; a namer is then called by that thread, too. It cannot go with a rotator, nor with
    /// [`shared`](Self::shared). When it is turned off again, files that are compressed are not counted and not deleted any more.
    #[cfg(any(feature = "gzip", feature = "zstd"))]
    pub fn compress(mut self, compression: tracing_handlers_file::Compression) -> Self {
        self.compression = Some(compression);
        self
    }

    /// Whether what an earlier process left in the file is rolled before anything is written: at `build()` or, delayed, before the first
    /// record. An empty file is left; [`truncate`](Self::truncate) has nothing to do then. Where it fails, records go into the old file,
    /// and it is tried again, after a second at first.
    pub fn roll_on_start(mut self, roll_on_start: bool) -> Self {
        self.settings.set_roll_on_start(roll_on_start);
        self
    }

    /// Whether several handlers, of this process or of others, write to this file and roll it together; off by default. All of them
    /// have to say so.
    ///
    /// Those who write have the lock of the file (`flock`) together, look whether the file is still the one at the path, and keep the lock for
    /// some milliseconds ([`lease`](Self::lease)): until then nobody can roll it, and a record costs its write and one more system call,
    /// for the size. Who rolls the file has the lock alone. So no record is lost, torn, or written into a file that was rolled, and sizes
    /// are those of all writers together. Within 64 KiB of `max_bytes` each writer has the lock alone, which costs three system
    /// calls a write; limits are exact as long as no more than that is written at the same moment. A process that is killed leaves no lock.
    /// For a lock that somebody holds, a caller waits for a second at most; then, and
    /// where the file system has no locks, records are written without, nothing is rolled, and that is reported once.
    ///
    /// The file is never emptied by [`truncate`](Self::truncate). A footer is written by the handler that rolls the file, and by none
    /// that closes. A rotator has to rename: what it copies, others may write to meanwhile. All writers need the same settings of
    /// names and limits. A process that forks has to make its handlers in the child: lock and file would be one for both.
    ///
    /// Without it, a second handler that rolls the same file is found out when it opens the file, on systems with such locks. It
    /// reports that once, and leaves the rolling to the first as long as that has the file.
    ///
    /// Unix only; elsewhere `build()` refuses it.
    pub fn shared(mut self, shared: bool) -> Self {
        self.settings.set_shared(shared);
        self
    }

    /// How long a handler that [shares](Self::shared) its file keeps the lock, at most; 5 ms by default.
    ///
    /// It lets go at once when it sees that the file has to be rolled. This is how long a rollover may have to wait for a handler that has
    /// written and has nothing more to write, and how long a file that was moved by hand is still written to. The thread `log-lease` lets go of what is kept.
    ///
    /// Zero: never longer than a write, and never together with others. For file systems of several machines, on which two cannot append at the
    /// same moment; then all writers need it.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.set_lease(lease);
        self
    }

    /// Opens the file.
    ///
    /// # Errors
    ///
    /// A path that names no file, a limit of 0, a namer that gives one name twice, buffering or compression that cannot be, a file that cannot be opened.
    pub fn build(self) -> Result<RotatingFileHandler, Error> {
        let Self { settings, max_bytes, backup_count, retention, mut hooks, compression } = self;
        let mut settings = settings.check()?;
        if max_bytes > 0 {
            settings.keep_contents();
        }
        hooks.read_pattern(settings.path(), Endings::Index)?;
        let policy = SizePolicy { max_bytes, backup_count };
        let chain = Chain { backup_count, hooks, forms: Forms::with(compression) };
        chain.check(settings.path())?;
        let compressor = chain.hooks.compressor(KIND, &settings, compression, chain.clone())?;
        let rotation = Rotation { policy, chain, retention: retention.check()?, compressor };
        Ok(RotatingFileHandler { sink: Sink::open(KIND, settings, rotation)? })
    }

    /// Opens the file and wraps the handler into a layer.
    ///
    /// # Errors
    ///
    /// Those of [`build`](Self::build).
    pub fn layer(self) -> Result<RotatingFileLayer, Error> {
        let (hook, clock) = self.settings.hook_and_clock();
        Ok(Settings::layer(hook, clock, self.build()?))
    }
}
