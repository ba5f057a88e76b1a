//! What a log says of records that are missing in it.

use std::process;

use crate::clock::ClockSource;
use crate::{DropReason, Level, Record, RecordBuf, Stats};

/// The record that says how many others are missing.
pub fn summary(drops: &Stats) -> RecordBuf {
    let count = drops.dropped();
    let noun = if count == 1 { "record was" } else { "records were" };
    let mut builder = Record::builder()
        .timestamp(ClockSource::System.now())
        .level(Level::WARN)
        .target("tracing_handlers")
        .name("records dropped")
        .process_id(process::id())
        .message(format!("{count} {noun} dropped by a full queue"));
    for reason in DropReason::ALL {
        let count = drops.dropped_for(reason);
        if count > 0 {
            builder = builder.field(reason.as_str(), count);
        }
    }
    builder.build()
}
