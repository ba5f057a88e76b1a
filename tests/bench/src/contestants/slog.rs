//! `slog-async` in front of `slog-term`'s plain file: a thread of its own, and each line in one write.

use std::fs::File;
use std::io;

use slog::{Drain, Logger, o};
use slog_async::{Async, OverflowStrategy};
use slog_term::{FullFormat, PlainDecorator};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Counts, Place, Running};
use crate::{Failed, workload};

pub(super) fn lossless(place: &Place) -> Result<Running, Failed> {
    start(place, OverflowStrategy::Block)
}

/// Drops what finds no room, and says how many in a line of the file.
pub(super) fn lossy(place: &Place) -> Result<Running, Failed> {
    Ok(start(place, OverflowStrategy::DropAndReport)?.with_counts(Counts::new))
}

fn start(place: &Place, strategy: OverflowStrategy) -> Result<Running, Failed> {
    let lines = FullFormat::new(PlainDecorator::new(File::create(place.file())?)).use_custom_timestamp(timestamp).build();
    let builder = Async::new(lines.fuse()).chan_size(super::QUEUE_RECORDS).overflow_strategy(strategy);
    let (drain, guard) = builder.build_with_guard();
    workload::use_slog(Logger::root(drain.fuse(), o!()))?;
    Ok(Running::new(workload::by_slog, move || {
        drop(guard);
        Ok(())
    }))
}

fn timestamp(out: &mut dyn io::Write) -> io::Result<()> {
    let now = OffsetDateTime::now_utc();
    let now = now.replace_microsecond(now.microsecond()).unwrap_or(now);
    out.write_all(now.format(&Rfc3339).map_err(io::Error::other)?.as_bytes())
}
