//! `WatchedFileHandler`: follows a path whose file is moved away or cut by logrotate.

use std::path::Path;

use tracing_handlers_core::{Error, HandlerLayer};

use crate::settings::Settings;
use crate::sink::Sink;
use crate::upkeep::Watch;

/// Appends to a file, and opens it again when somebody moved, removed or replaced it: Python's `WatchedFileHandler`.
///
/// Before each record it compares device and inode of the path with those of the open file (one `stat`, about 0.3 µs).
/// A removed directory is made again. Where the path cannot be opened, the record goes into the old file, the failure is
/// reported, and opening is tried again a second later. A file cut in place (`copytruncate`) is noticed too.
///
/// ```
/// use tracing_handlers_core::{Handler, Record};
/// use tracing_handlers_file::WatchedFileHandler;
///
/// let directory = tempfile::tempdir()?;
/// let (path, rotated) = (directory.path().join("app.log"), directory.path().join("app.log.old"));
/// let handler = WatchedFileHandler::builder(&path).build()?;
///
/// handler.handle(&Record::builder().message("before").build().as_record())?;
/// std::fs::rename(&path, &rotated)?; // logrotate at work
/// handler.handle(&Record::builder().message("after").build().as_record())?;
///
/// assert!(std::fs::read_to_string(&rotated)?.ends_with("before\n"));
/// assert!(std::fs::read_to_string(&path)?.ends_with("after\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With [`buffered`](WatchedFileHandlerBuilder::buffered) it looks once before each block of records.
#[derive(Debug)]
pub struct WatchedFileHandler {
    sink: Sink<Watch>,
}

/// A [`WatchedFileHandler`] as a layer.
pub type WatchedFileLayer = HandlerLayer<WatchedFileHandler>;

impl WatchedFileHandler {
    /// A handler for the file at `path`, made absolute at `build()`.
    pub fn builder(path: impl AsRef<Path>) -> WatchedFileHandlerBuilder {
        WatchedFileHandlerBuilder { settings: Settings::new(path.as_ref()) }
    }

    /// Looks now instead of at the next record; says whether the file was opened again. Python's `reopenIfNeeded`.
    ///
    /// # Errors
    ///
    /// The path cannot be opened; records go on into the old file.
    pub fn reopen_if_moved(&self) -> Result<bool, Error> {
        self.sink.with_io(|io| io.reopen_if_moved())
    }
}

crate::file_handler!(WatchedFileHandler);

/// Builds a [`WatchedFileHandler`].
///
/// | setting | default |
/// |---|---|
/// | [`format`](Self::format) | [`Text`](tracing_handlers_core::format::Text) |
/// | [`terminator`](Self::terminator) | line feed |
/// | [`truncate`](Self::truncate) | off: append |
/// | [`delay`](Self::delay) | off: open at `build()` |
/// | [`buffered`](Self::buffered) | off: one `stat` and one `write` a record |
/// | [`sync`](Self::sync) | `Never`: the system writes to the disk when it likes |
/// | [`mode`](Self::mode), [`directory_mode`](Self::directory_mode) | what the umask leaves of `0o666` and `0o777` |
/// | [`follow_symlinks`](Self::follow_symlinks) | on |
/// | [`on_open`](Self::on_open), [`on_close`](Self::on_close) | no header, no footer |
/// | [`drain_on_exit`](Self::drain_on_exit) | on |
/// | [`on_failure`](Self::on_failure) | a rate-limited line on stderr |
#[must_use]
pub struct WatchedFileHandlerBuilder {
    settings: Settings,
}

impl WatchedFileHandlerBuilder {
    crate::file_settings!();

    /// Whether the file is emptied at `build()`; one that is opened again later is appended to.
    pub fn truncate(mut self, truncate: bool) -> Self {
        self.settings.set_truncate(truncate);
        self
    }

    /// The handler, its file opened.
    ///
    /// # Errors
    ///
    /// A path that names no file, buffering that cannot be, a file that cannot be opened.
    pub fn build(self) -> Result<WatchedFileHandler, Error> {
        Ok(WatchedFileHandler { sink: Sink::open("watched-file", self.settings.check()?, Watch)? })
    }

    crate::file_layer!(WatchedFileLayer);
}
