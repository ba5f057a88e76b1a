//! Formats: a record becomes the bytes that a person or a tool reads. All of them are pure: what they write
//! depends on the record and their settings alone.
//!
//! | format | looks like |
//! |---|---|
//! | [`Text`] | `2023-11-14T22:13:20.250000Z  INFO request{id="7f3a"}: app::db: slow query millis=812` |
//! | [`Json`] | `{"timestamp":"2023-11-14T22:13:20.250000Z","level":"INFO","fields":{"message":"slow query"},…}` |
//! | [`Pattern`] | what Python's format string says: `2023-11-14 22:13:20,250 INFO app::db slow query` |
//!
//! A closure `Fn(&Record<'_>, &mut Vec<u8>)` is a format too.

/// Setters that switch a part of a layout on or off.
macro_rules! switches {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, on: bool) -> Self {
            self.$name = on;
            self
        }
    )*};
}

mod again;
pub mod escape;
pub mod hex;
mod json;
mod number;
mod pattern;
pub mod python;
mod sites;
mod text;
mod time;
mod value;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub use self::json::Json;
pub use self::pattern::Pattern;
pub use self::text::Text;
pub use self::time::Zone;

use crate::{Error, Record};

/// Writes a record as bytes, without a line end: the handler adds its terminator.
pub trait Format: Send + Sync + 'static {
    /// Appends the record to `out`.
    fn format(&self, record: &Record<'_>, out: &mut Vec<u8>);
}

impl<F: Fn(&Record<'_>, &mut Vec<u8>) + Send + Sync + 'static> Format for F {
    fn format(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        self(record, out);
    }
}

impl Format for Arc<dyn Format> {
    fn format(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        (**self).format(record, out);
    }
}

impl Format for Box<dyn Format> {
    fn format(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        (**self).format(record, out);
    }
}

/// Buffers above this size are given back after use.
const KEEP_BYTES: usize = 64 * 1024;

thread_local! {
    static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Formats into a buffer that the thread reuses, adds the terminator and hands the bytes to `then`: no allocation in the steady
/// state, and no lock held while the format (user code) runs.
///
/// # Errors
///
/// [`Error::is_panicked`] where the format panicked, and the errors of `then`.
#[inline]
pub fn with_line<R>(
    format: &dyn Format,
    record: &Record<'_>,
    terminator: &[u8],
    then: impl FnOnce(&[u8]) -> R,
) -> Result<R, Error> {
    // Taken, not borrowed: a format that handles a record of its own finds an empty buffer, not a locked one.
    let mut line = LINE.try_with(Cell::take).unwrap_or_default();
    line.clear();
    let formatted = catch_unwind(AssertUnwindSafe(|| format.format(record, &mut line)));
    let result = match formatted {
        Ok(()) => {
            match terminator {
                // Without a call to copy it.
                [end] => line.push(*end),
                _ => line.extend_from_slice(terminator),
            }
            Ok(then(&line))
        }
        Err(_) => Err(Error::panicked("the format panicked")),
    };
    if line.capacity() <= KEEP_BYTES {
        LINE.try_with(|place| place.set(line)).ok();
    }
    result
}
