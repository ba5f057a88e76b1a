//! The settings that all file handlers share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tracing_handlers_core::clock::ClockSource;
use tracing_handlers_core::format::Text;
use tracing_handlers_core::{Error, Format, OnFailure};

use crate::durability::Sync as SyncPolicy;
use crate::fs::{self, FileOptions, Fs, SystemFs};
use crate::hooks::{FileInfo, Hooks};
use crate::rollover;
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
    pub(crate) options: FileOptions,
    pub(crate) sync: SyncPolicy,
    pub(crate) hooks: Hooks,
    pub(crate) roll_on_start: bool,
    /// Others write to the file, and roll it.
    pub(crate) shared: bool,
    /// How long the lock is kept that is shared with them.
    pub(crate) lease: Duration,
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
            options: FileOptions::default(),
            sync: SyncPolicy::default(),
            hooks: Hooks::default(),
            roll_on_start: false,
            shared: false,
            lease: Duration::from_millis(5),
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
    /// A path that names no file, permissions and a sync policy that cannot be.
    pub fn check(mut self) -> Result<Self, Error> {
        let refused = |path: &Path, why: &str| Error::config("path", format_args!("{:?}", path.display().to_string()), why);
        if self.path.as_os_str().is_empty() {
            return Err(refused(&self.path, "names no file"));
        }
        let ends_in_separator = self.path.as_os_str().to_string_lossy().ends_with(std::path::is_separator);
        if self.path.file_name().is_none() || ends_in_separator {
            return Err(refused(&self.path, "names a directory, not a file"));
        }
        // The sticky bit means nothing to a file; every usual mode that was written in decimal has it.
        check_mode("mode", self.options.mode, 0o6777, 0o200)?;
        check_mode("directory_mode", self.options.directory_mode, 0o7777, 0o300)?;
        if cfg!(not(unix)) && !self.options.follow_symlinks {
            return Err(Error::config("follow_symlinks", false, "cannot be promised on this system"));
        }
        if cfg!(not(unix)) && self.shared {
            return Err(Error::config("shared", true, "cannot be promised on this system"));
        }
        if self.shared {
            self.truncate = false;
        }
        self.sync.check()?;
        self.path =
            fs::absolute(&self.path).map_err(|error| refused(&self.path, "cannot be made absolute").with_source(error))?;
        Ok(self)
    }

    /// The absolute path, once checked.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses settings beside which the path cannot be a symbolic link of the handler's own.
    ///
    /// # Errors
    ///
    /// A configuration error.
    pub fn check_link(&self, setting: &str, hooks: &rollover::Hooks) -> Result<(), Error> {
        let why = if cfg!(not(unix)) {
            "cannot be promised on this system"
        } else if !self.options.follow_symlinks {
            "needs `follow_symlinks`: the path is a link then"
        } else if self.shared {
            "cannot be promised where several processes roll a file"
        } else if hooks.has_rotator() {
            "leaves nothing to a rotator: no file is moved"
        } else {
            return Ok(());
        };
        Err(Error::config(setting, true, why))
    }

    /// Never begin with an empty file.
    pub fn keep_contents(&mut self) {
        self.truncate = false;
    }
}

/// Refuses what are no permission bits, and those with which the process could not use what it made.
fn check_mode(setting: &str, mode: Option<u32>, possible: u32, needed: u32) -> Result<(), Error> {
    let Some(mode) = mode else { return Ok(()) };
    if mode & !possible != 0 {
        return Err(Error::config(
            setting,
            format_args!("{mode:#o}"),
            "has bits that are no permissions here; is it written in octal?",
        ));
    }
    if mode & needed != needed {
        let why = format!("must give its owner {needed:#o} at least");
        return Err(Error::config(setting, format_args!("{mode:#o}"), why));
    }
    Ok(())
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

        /// Whether a buffered handler is flushed when the process ends by returning from `main` or, but on Windows, by `process::exit`; on by default.
        pub fn drain_on_exit(mut self, drain: bool) -> Self {
            self.settings.set_drain_on_exit(drain);
            self
        }

        /// The permission bits of files that the handler makes: exactly these, whatever the umask. A file that is there is left alone.
        ///
        /// Where the system refuses them, that is reported once and the file is written all the same. Unix only; elsewhere without
        /// effect.
        pub fn mode(mut self, mode: u32) -> Self {
            self.settings.set_mode(mode);
            self
        }

        /// The permission bits of directories that the handler makes: exactly these, whatever the umask.
        ///
        /// Unix only; elsewhere without effect.
        pub fn directory_mode(mut self, mode: u32) -> Self {
            self.settings.set_directory_mode(mode);
            self
        }

        /// Whether a symbolic link at the path is followed; on by default. When it is off, a link there is refused when the file is
        /// opened (`O_NOFOLLOW`), so that nobody who may write to the directory can lead the log elsewhere. Links among the
        /// directories above are always followed.
        ///
        /// Unix only; elsewhere `build()` refuses to turn it off.
        pub fn follow_symlinks(mut self, follow: bool) -> Self {
            self.settings.set_follow_symlinks(follow);
            self
        }

        /// When records are brought from the kernel to the disk; by default the system does that when it likes. With any other policy
        /// `flush` brings everything to the disk, and a file is synced before it is let go of.
        pub fn sync(mut self, sync: $crate::Sync) -> Self {
            self.settings.set_sync(sync);
            self
        }

        /// Header lines: what the hook leaves in the buffer is written, as it is, at the beginning of each file in which nothing stands
        /// yet, when it is opened.
        ///
        /// ```
        /// # use tracing_handlers_file::FileHandler;
        /// let builder = FileHandler::builder("app.log")
        ///     .on_open(|file, out| out.extend(format!("# begun at {}\n", file.at.to_utc()).bytes()));
        /// ```
        ///
        /// It counts towards the size of the file, but not as a record. It runs while the file is locked: it must not log through
        /// this handler (what it logs is counted, not handled). One that panics writes nothing and is reported.
        pub fn on_open(
            mut self,
            hook: impl Fn(&$crate::FileInfo<'_>, &mut Vec<u8>) + ::core::marker::Send + ::core::marker::Sync + 'static,
        ) -> Self {
            self.settings.set_on_open(hook);
            self
        }

        /// Footer lines: what the hook leaves in the buffer is written, as it is, at the end of a file before it is rolled or let go of,
        /// if records were written to it since it was opened.
        ///
        /// A file of a process that was killed has none, and neither has that of a global subscriber unless it is closed, for example
        /// by `shutdown`. The size limit of a rotating handler is no limit for it. Otherwise as [`on_open`](Self::on_open).
        pub fn on_close(
            mut self,
            hook: impl Fn(&$crate::FileInfo<'_>, &mut Vec<u8>) + ::core::marker::Send + ::core::marker::Sync + 'static,
        ) -> Self {
            self.settings.set_on_close(hook);
            self
        }

        /// Who is told of failures; a rate-limited line on stderr by default.
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

/// The `layer()` of every builder in the file family: a layer with the hook and the clock that the handler has.
#[doc(hidden)]
#[macro_export]
macro_rules! file_layer {
    ($layer:ty) => {
        /// The handler as a layer.
        ///
        /// # Errors
        ///
        /// Those of [`build`](Self::build).
        pub fn layer(self) -> Result<$layer, $crate::export::core::Error> {
            let (hook, clock) = self.settings.hook_and_clock();
            Ok($crate::export::core::HandlerLayer::with_hook(self.build()?, hook).clock_source(clock))
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

    pub fn set_mode(&mut self, mode: u32) {
        self.options.mode = Some(mode);
    }

    pub fn set_directory_mode(&mut self, mode: u32) {
        self.options.directory_mode = Some(mode);
    }

    pub fn set_follow_symlinks(&mut self, follow: bool) {
        self.options.follow_symlinks = follow;
    }

    pub fn set_sync(&mut self, sync: SyncPolicy) {
        self.sync = sync;
    }

    pub fn set_on_open(&mut self, hook: impl Fn(&FileInfo<'_>, &mut Vec<u8>) + Send + Sync + 'static) {
        self.hooks.on_open = Some(Arc::new(hook));
    }

    pub fn set_on_close(&mut self, hook: impl Fn(&FileInfo<'_>, &mut Vec<u8>) + Send + Sync + 'static) {
        self.hooks.on_close = Some(Arc::new(hook));
    }

    /// What is rolled is not emptied before.
    pub fn set_roll_on_start(&mut self, roll_on_start: bool) {
        self.roll_on_start = roll_on_start;
    }

    pub fn set_shared(&mut self, shared: bool) {
        self.shared = shared;
    }

    pub fn set_lease(&mut self, lease: Duration) {
        self.lease = lease;
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

    /// For [`file_layer!`](crate::file_layer): who is told of failures, and what time it is.
    pub fn hook_and_clock(&self) -> (Option<Arc<dyn OnFailure>>, ClockSource) {
        (self.on_failure.clone(), self.clock.clone())
    }
}
