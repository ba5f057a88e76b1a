//! `FileHandler`: appends records to a file.

use std::path::Path;

use tracing_handlers_core::{Error, HandlerLayer};

use crate::settings::Settings;
use crate::sink::Sink;
use crate::upkeep::Plain;

/// Appends each record to a file: Python's `FileHandler`.
///
/// ```
/// use tracing_handlers_file::FileHandler;
/// use tracing_subscriber::prelude::*;
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("logs/app.log");
///
/// let subscriber = tracing_subscriber::registry().with(FileHandler::builder(&path).layer()?);
/// tracing::subscriber::with_default(subscriber, || tracing::info!(answer = 42, "hello"));
///
/// assert!(std::fs::read_to_string(&path)?.ends_with("hello answer=42\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It is also an `io::Write` and a `MakeWriter`: each `write` is one record, written as it is.
///
/// ```
/// use tracing_handlers_file::FileHandler;
///
/// let directory = tempfile::tempdir()?;
/// let file = FileHandler::builder(directory.path().join("app.log")).build()?;
/// let layer: tracing_subscriber::fmt::Layer<tracing_subscriber::Registry, _, _, _> =
///     tracing_subscriber::fmt::layer().with_writer(file);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileHandler {
    sink: Sink<Plain>,
}

/// A [`FileHandler`] as a layer.
pub type FileLayer = HandlerLayer<FileHandler>;

impl FileHandler {
    /// A handler for the file at `path`, made absolute at `build()`.
    pub fn builder(path: impl AsRef<Path>) -> FileHandlerBuilder {
        FileHandlerBuilder { settings: Settings::new(path.as_ref()) }
    }

    /// Closes the file and opens the path again, for a signal handler of yours (`SIGHUP` after logrotate).
    ///
    /// # Errors
    ///
    /// The path cannot be opened; records go on into the old file.
    pub fn reopen(&self) -> Result<(), Error> {
        self.sink.with_io(|io| io.reopen())
    }
}

crate::file_handler!(FileHandler);

/// Builds a [`FileHandler`].
///
/// | setting | default |
/// |---|---|
/// | [`format`](Self::format) | [`Text`](tracing_handlers_core::format::Text) |
/// | [`terminator`](Self::terminator) | line feed |
/// | [`truncate`](Self::truncate) | off: append |
/// | [`delay`](Self::delay) | off: open at `build()` |
/// | [`buffered`](Self::buffered) | off: one `write` a record |
/// | [`sync`](Self::sync) | `Never`: the system writes to the disk when it likes |
/// | [`mode`](Self::mode), [`directory_mode`](Self::directory_mode) | what the umask leaves of `0o666` and `0o777` |
/// | [`follow_symlinks`](Self::follow_symlinks) | on |
/// | [`on_open`](Self::on_open), [`on_close`](Self::on_close) | no header, no footer |
/// | [`drain_on_exit`](Self::drain_on_exit) | on |
/// | [`on_failure`](Self::on_failure) | a rate-limited line on stderr |
#[must_use]
pub struct FileHandlerBuilder {
    settings: Settings,
}

impl FileHandlerBuilder {
    crate::file_settings!();

    /// Whether the file is emptied at `build()`: Python's mode `'w'`. With [`delay`](Self::delay) it is emptied then, too.
    pub fn truncate(mut self, truncate: bool) -> Self {
        self.settings.set_truncate(truncate);
        self
    }

    /// The handler, its file opened.
    ///
    /// # Errors
    ///
    /// A path that names no file, buffering that cannot be, a file that cannot be opened.
    pub fn build(self) -> Result<FileHandler, Error> {
        Ok(FileHandler { sink: Sink::open("file", self.settings.check()?, Plain)? })
    }

    crate::file_layer!(FileLayer);
}
