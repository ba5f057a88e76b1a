//! The settings that all file handlers share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing_handlers_core::clock::ClockSource;
use tracing_handlers_core::format::Text;
use tracing_handlers_core::{Error, Format, OnFailure};

use crate::fs::{self, Fs, SystemFs};
use crate::sink::Buffering;

/// What a file handler is built from. Builders fill it in; users see their setters.
pub struct Settings {
    pub(crate) path: PathBuf,
    pub(crate) format: Arc<dyn Format>,
    pub(crate) terminator: Vec<u8>,
    pub(crate) truncate: bool,
    pub(crate) delay: bool,
    pub(crate) buffering: Option<Buffering>,
    pub(crate) timer: bool,
    pub(crate) drain_on_exit: bool,
    pub(crate) on_failure: Option<Arc<dyn OnFailure>>,
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) clock: ClockSource,
}

impl Settings {
    /// The defaults for a file at `path`.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            format: Arc::new(Text::new()),
            terminator: b"\n".to_vec(),
            truncate: false,
            delay: false,
            buffering: None,
            timer: false,
            drain_on_exit: true,
            on_failure: None,
            fs: Arc::new(SystemFs),
            clock: ClockSource::System,
        }
    }

    /// Fixes the path, so that a later change of the working directory moves no log.
    ///
    /// # Errors
    ///
    /// A path that names no file.
    pub fn check(mut self) -> Result<Self, Error> {
        let refused = |path: &Path, why: &str| Error::config("path", format_args!("{:?}", path.display().to_string()), why);
        if self.path.as_os_str().is_empty() {
            return Err(refused(&self.path, "names no file"));
        }
        let ends_in_separator = self.path.as_os_str().to_string_lossy().ends_with(std::path::is_separator);
        if self.path.file_name().is_none() || ends_in_separator {
            return Err(refused(&self.path, "names a directory, not a file"));
        }
        self.path =
            fs::absolute(&self.path).map_err(|error| refused(&self.path, "cannot be made absolute").with_source(error))?;
        Ok(self)
    }

    /// The absolute path, once checked.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Never begin with an empty file.
    pub fn keep_contents(&mut self) {
        self.truncate = false;
    }
}

/// The setters of every builder in the file family; the builder has a field `settings: Settings`.
#[doc(hidden)]
#[macro_export]
macro_rules! file_settings {
    () => {
        /// How records are written; [`Text`]($crate::export::core::format::Text) by default.
        pub fn format(mut self, format: impl $crate::export::core::Format) -> Self {
            self.settings.set_format(format);
            self
        }

        /// What ends each record; a line feed by default.
        pub fn terminator(mut self, terminator: impl Into<Vec<u8>>) -> Self {
            self.settings.set_terminator(terminator.into());
            self
        }

        /// Whether the file is opened with the first record instead of at `build()`; off by default.
        pub fn delay(mut self, delay: bool) -> Self {
            self.settings.set_delay(delay);
            self
        }

        /// Whether callers write into memory and a thread writes the file; off by default, so that a record is in the kernel
        /// when `handle` returns.
        pub fn buffered(mut self, buffering: $crate::Buffering) -> Self {
            self.settings.set_buffering(buffering);
            self
        }

        /// Whether a buffered handler is flushed when the process ends by returning from `main` or by `process::exit`; on by default.
        pub fn drain_on_exit(mut self, drain: bool) -> Self {
            self.settings.set_drain_on_exit(drain);
            self
        }

        /// Who is told of failures; by default a rate-limited line goes to stderr.
        pub fn on_failure(mut self, hook: impl $crate::export::core::OnFailure) -> Self {
            self.settings.set_on_failure(hook);
            self
        }

        /// Another file system, for tests that need faults.
        pub fn fs(mut self, fs: impl $crate::fs::Fs) -> Self {
            self.settings.set_fs(fs);
            self
        }

        /// Another clock, for tests.
        pub fn clock(mut self, clock: impl $crate::export::core::Clock) -> Self {
            self.settings.set_clock(clock);
            self
        }
    };
}

/// Called by the setters that [`file_settings!`](crate::file_settings) makes.
#[doc(hidden)]
impl Settings {
    pub fn set_format(&mut self, format: impl Format) {
        self.format = Arc::new(format);
    }

    pub fn set_terminator(&mut self, terminator: Vec<u8>) {
        self.terminator = terminator;
    }

    pub fn set_truncate(&mut self, truncate: bool) {
        self.truncate = truncate;
    }

    pub fn set_delay(&mut self, delay: bool) {
        self.delay = delay;
    }

    pub fn set_buffering(&mut self, buffering: Buffering) {
        self.buffering = Some(buffering);
    }

    pub fn set_timer(&mut self, timer: bool) {
        self.timer = timer;
    }

    pub fn set_drain_on_exit(&mut self, drain: bool) {
        self.drain_on_exit = drain;
    }

    pub fn set_on_failure(&mut self, hook: impl OnFailure) {
        self.on_failure = Some(Arc::new(hook));
    }

    pub fn set_fs(&mut self, fs: impl Fs) {
        self.fs = Arc::new(fs);
    }

    pub fn set_clock(&mut self, clock: impl tracing_handlers_core::Clock) {
        self.clock = ClockSource::Other(Arc::new(clock));
    }

    /// Gives a layer the hook and the clock of its handler.
    pub fn layer<H: tracing_handlers_core::Handler>(
        hook: Option<Arc<dyn OnFailure>>,
        clock: ClockSource,
        handler: H,
    ) -> tracing_handlers_core::HandlerLayer<H> {
        let mut layer = tracing_handlers_core::HandlerLayer::new(handler);
        if let Some(hook) = hook {
            layer = layer.on_failure(hook);
        }
        match clock {
            ClockSource::System => layer,
            ClockSource::Other(clock) => layer.clock(clock),
        }
    }

    pub fn hook_and_clock(&self) -> (Option<Arc<dyn OnFailure>>, ClockSource) {
        (self.on_failure.clone(), self.clock.clone())
    }
}
