//! Records as JSON: with a length before each, or one a line (pure).

use tracing_handlers_core::format::{Format, Json};
use tracing_handlers_core::{Error, Record};

use super::length;

/// The layout of `tracing_subscriber`, with all that is known of where an event comes from.
pub(crate) fn layout() -> Json {
    Json::new().source_location(true).thread_name(true).thread_id(true)
}

pub(crate) fn prefixed(format: &dyn Format, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    length::prefixed(out, |out| {
        format.format(record, out);
        Ok(())
    })
}

pub(crate) fn line(format: &dyn Format, record: &Record<'_>, out: &mut Vec<u8>) {
    format.format(record, out);
    out.push(b'\n');
}
