//! The format of the contract suite: the escaped message, so that a line says exactly which record it is.

use tracing_handlers_core::format::escape;
use tracing_handlers_core::{Format, Record};

/// A record of this message makes [`MessageOnly`] panic, as a user's format may.
pub const PANIC: &str = "the format panics over this message";

/// Writes the message, escaped, and nothing else.
///
/// ```
/// use tracing_handlers_core::Format;
/// use tracing_handlers_testing::{MessageOnly, record};
///
/// let mut line = Vec::new();
/// MessageOnly.format(&record("two\nlines").as_record(), &mut line);
/// assert_eq!(line, br"two\nlines");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MessageOnly;

impl Format for MessageOnly {
    fn format(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        assert_ne!(record.message(), PANIC, "deliberate mistake of a format");
        escape::text(record.message(), out);
    }
}

/// What [`MessageOnly`] makes of a message.
pub fn line_of(message: &str) -> String {
    let mut line = Vec::with_capacity(message.len());
    escape::text(message, &mut line);
    String::from_utf8(line).expect("text stays text when it is escaped")
}
