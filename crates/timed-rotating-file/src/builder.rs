//! Builds a `TimedRotatingFileHandler`.

use std::path::{Path, PathBuf};

use time::Time;
use tracing_handlers_core::Error;
use tracing_handlers_file::export::{Settings, Sink};
use tracing_handlers_file::rollover::{Compression, Endings, Forms, Hooks, Retention};

use crate::handler::{TimedRotatingFileHandler, TimedRotatingFileLayer};
use crate::names::Dated;
use crate::rotation::Rotation;
use crate::{Schedule, When};

/// What the handler is called in reports.
const KIND: &str = "timed-rotating-file";

/// Builds a [`TimedRotatingFileHandler`].
///
/// | setting | default |
/// |---|---|
/// | [`when`](Self::when), [`interval`](Self::interval) | `Hours`, 1 |
/// | [`at_time`](Self::at_time) | midnight; for `Midnight` and `Weekday` |
/// | [`utc`](Self::utc) | off: the system's zone |
/// | [`aligned`](Self::aligned) | off: an interval begins when the file was begun |
/// | [`max_bytes`](Self::max_bytes) | 0: not rolled by size |
/// | [`backup_count`](Self::backup_count), [`max_age`](Self::max_age), [`max_total_bytes`](Self::max_total_bytes) | no limit: nothing is deleted |
/// | [`link_to_dated`](Self::link_to_dated) | off: the path is the file, and a rollover renames it |
/// | [`roll_idle`](Self::roll_idle) | off: a file is rolled when the next record comes |
/// | [`roll_on_start`](Self::roll_on_start) | off: go on in the file that is there |
/// | [`namer`](Self::namer) or [`name_pattern`](Self::name_pattern), [`rotator`](Self::rotator) | the default name, a rename |
/// | `compress`, with feature `gzip` or `zstd` | off: rolled files stay as they are |
/// | [`format`](Self::format) | [`Text`](tracing_handlers_core::format::Text) |
/// | [`terminator`](Self::terminator) | line feed |
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
pub struct TimedRotatingFileHandlerBuilder {
    settings: Settings,
    when: When,
    interval: u32,
    at_time: Option<Time>,
    utc: bool,
    aligned: bool,
    max_bytes: u64,
    retention: Retention,
    hooks: Hooks,
    compression: Option<Compression>,
    link_to_dated: bool,
}

impl TimedRotatingFileHandlerBuilder {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            settings: Settings::new(path),
            when: When::Hours,
            interval: 1,
            at_time: None,
            utc: false,
            aligned: false,
            max_bytes: 0,
            retention: Retention::default(),
            hooks: Hooks::default(),
            compression: None,
            link_to_dated: false,
        }
    }

    tracing_handlers_file::file_settings!();
    tracing_handlers_file::rolling_settings!();

    /// The unit of the period. `"midnight".parse()?` reads Python's names.
    pub fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// How many units a period has; at least one.
    pub fn interval(mut self, units: u32) -> Self {
        self.interval = units;
        self
    }

    /// The time of the day at which a period of `Midnight` or `Weekday` ends, to the second.
    pub fn at_time(mut self, at_time: Time) -> Self {
        self.at_time = Some(at_time);
        self
    }

    /// Whether periods and names follow UTC instead of the system's zone.
    pub fn utc(mut self, utc: bool) -> Self {
        self.utc = utc;
        self
    }

    /// Whether periods of `Seconds`, `Minutes`, `Hours` and `Days` end at round times of the clock: with `Minutes` and an interval of
    /// 15 on the quarter, with `Hours` and 6 at 0, 6, 12 and 18 o'clock. See [`Schedule::aligned`].
    pub fn aligned(mut self, aligned: bool) -> Self {
        self.aligned = aligned;
        self
    }

    /// The size, in bytes, that the file does not reach; 0 for no limit. Files of one period that were rolled by size are told
    /// apart by a number: `app.log.2024-01-31`, `app.log.2024-01-31.1`, `app.log.2024-01-31.2`, oldest first.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// How many rolled files are kept; 0 for any number.
    pub fn backup_count(mut self, count: usize) -> Self {
        self.retention.count = count;
        self
    }

    /// Whether a thread rolls the file at the end of its period, though no record comes. A file in which nothing stands is left.
    pub fn roll_idle(mut self, roll_idle: bool) -> Self {
        self.settings.set_timer(roll_idle);
        self
    }

    /// What names a rolled file, given the default name (`/var/log/app.log.2024-01-31`).
    ///
    /// The name must hold the date as it was given if old files are to be found and deleted. It runs while the file is locked: it must
    /// not log through this handler (what it logs is counted, not handled).
    pub fn namer(mut self, namer: impl Fn(&Path) -> PathBuf + Send + Sync + 'static) -> Self {
        self.hooks.set_namer(namer);
        self
    }

    /// A pattern for the names of rolled files, in the place of a namer: `"{stem}-{date}.{ext}"` makes `app-2024-01-31.log` of `app.log`.
    ///
    /// | in the pattern | |
    /// |---|---|
    /// | `{date}` | the date, and as much of the time as Python's names have |
    /// | `{index}` | 0 for the first file of a date, then 1, 2 …; without it these stand behind the name |
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

    /// Whether records go straight into a file with its date in its name, and the path is a symbolic link to it: `tail -F` and people find
    /// the current file, and no file ever changes its name. A rollover replaces the link in one step.
    ///
    /// A file that stands at the path, of a time before this was on, is moved to its date. Not for Windows, nor together with `shared`, a
    /// `rotator` or `follow_symlinks(false)`.
    pub fn link_to_dated(mut self, link: bool) -> Self {
        self.link_to_dated = link;
        self
    }

    /// The handler, its file opened. The first period is that of what stands in it: it began when the file was made or last written, whichever is
    /// earlier.
    ///
    /// # Errors
    ///
    /// A path that names no file, an interval or a limit of 0, a namer whose names could not be found again, buffering or compression that cannot be, a file
    /// that cannot be opened.
    pub fn build(self) -> Result<TimedRotatingFileHandler, Error> {
        let schedule = self.schedule().check()?;
        let settings = self.settings.check()?;
        let mut hooks = self.hooks;
        hooks.read_pattern(settings.path(), Endings::Date)?;
        if self.link_to_dated {
            settings.check_link("link_to_dated", &hooks)?;
        }
        let names = Dated { when: self.when, hooks, forms: Forms::with(self.compression), is_link: self.link_to_dated };
        let retention = self.retention.check()?;
        names.check(settings.path(), retention != Retention::default() || self.compression.is_some())?;
        let compressor = names.hooks.compressor(KIND, &settings, self.compression, names.clone())?;
        let rotation = Rotation::new(schedule, names, retention, self.max_bytes, compressor);
        Ok(TimedRotatingFileHandler { sink: Sink::open(KIND, settings, rotation)? })
    }

    fn schedule(&self) -> Schedule {
        let schedule = Schedule::new(self.when).interval(self.interval).utc(self.utc).aligned(self.aligned);
        match self.at_time {
            Some(at_time) => schedule.at_time(at_time),
            None => schedule,
        }
    }

    tracing_handlers_file::file_layer!(TimedRotatingFileLayer);
}
