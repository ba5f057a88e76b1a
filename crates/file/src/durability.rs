//! When what was written is brought to the disk.

use std::time::Duration;

use tracing_handlers_core::{Error, Level};

/// When a file handler syncs (`fdatasync`): what is in the kernel outlives the process, what is on the disk a power cut.
///
/// A sync takes from a tenth of a millisecond (SSD with a capacitor) to tens of milliseconds (everything else), and whoever logs
/// meanwhile waits, unless the handler is [buffered](crate::Buffering).
///
/// With every policy but `Never`, `flush` and `close` return `Ok` only when everything is on the disk, and a file that is rolled or
/// opened again is synced before it is let go of. The names of new files are synced with their directory. A sync that fails is
/// reported, and tried again with the next one; the records stay counted as delivered: they are in the kernel. The next `flush`
/// says so, even if a later sync worked, since the system may have given up what the failed one was to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sync {
    /// Never: the system writes when it likes, on Linux after up to 30 seconds.
    #[default]
    Never,
    /// After each record; with buffering, or many records handled at once, after each block of them.
    Each,
    /// After each record at this level or above; with buffering, after the block that has it (see
    /// [`flush_level`](crate::Buffering::flush_level)). A record that came through `io::Write` has no level and causes none.
    At(Level),
    /// At most so often, and only when something was written. The thread `log-writer` does it, whether or not a record comes.
    Every(Duration),
}

impl Sync {
    pub(crate) fn check(self) -> Result<(), Error> {
        match self {
            Self::Every(Duration::ZERO) => {
                Err(Error::config("sync", "Every(0)", "must be positive; `Each` syncs every record"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn is_on(self) -> bool {
        self != Self::Never
    }

    /// Whether a record of this level is synced at once.
    #[inline]
    pub(crate) fn is_due_after(self, level: Option<Level>) -> bool {
        match self {
            Self::Never | Self::Every(_) => false,
            Self::Each => true,
            Self::At(threshold) => is_at_or_above(level, threshold),
        }
    }

    /// How often the thread syncs.
    pub(crate) fn interval(self) -> Option<Duration> {
        if let Self::Every(interval) = self { Some(interval) } else { None }
    }
}

/// Whether a record is as severe as `threshold` or more; one without a level never is.
#[inline]
pub(crate) fn is_at_or_above(level: Option<Level>, threshold: Level) -> bool {
    // To `tracing` the more verbose level is the greater one.
    level.is_some_and(|level| level <= threshold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_due_from_the_threshold_upwards() {
        let sync = Sync::At(Level::WARN);
        let due = |level| sync.is_due_after(Some(level));
        assert!(due(Level::ERROR) && due(Level::WARN) && !due(Level::INFO) && !due(Level::TRACE));
        assert!(!sync.is_due_after(None));
        assert!(Sync::Each.is_due_after(None));
    }
}
