//! Builds a `RotatingFileHandler`.

use std::path::{Path, PathBuf};

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
    tracing_handlers_file::rolling_settings!();

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

    /// Whether the file is emptied at `build()`: Python's mode `'w'`. As there, a size limit overrules it; so do
    /// [`roll_on_start`](Self::roll_on_start) and [`shared`](Self::shared).
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

    /// The handler, its file opened.
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

    tracing_handlers_file::file_layer!(RotatingFileLayer);
}
