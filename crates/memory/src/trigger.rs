//! When the target gets what is held: at a level, or where a function says so.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::{Error, Level, Record, reentry};

/// A function of the user that says of a record whether the target should have it, and all before it, now.
pub(crate) type FlushWhen = Box<dyn Fn(&Record<'_>) -> bool + Send + Sync>;

pub(crate) enum Trigger {
    /// This level or a more severe one.
    Level(Level),
    When(FlushWhen),
}

impl Trigger {
    /// Whether this record is a reason to flush. A function that panics is taken for a yes: rather too early than too late.
    #[inline]
    pub(crate) fn is_pulled_by(&self, record: &Record<'_>, reporter: &Reporter) -> bool {
        match self {
            Self::Level(level) => record.level() <= *level,
            Self::When(function) => {
                let _own_work = reentry::enter();
                catch_unwind(AssertUnwindSafe(|| function(record))).unwrap_or_else(|_| {
                    reporter.note(Error::panicked("the function of `flush_when` panicked"));
                    true
                })
            }
        }
    }
}
