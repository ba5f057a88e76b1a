//! `slog-async` in front of `slog-term`'s plain file: a thread of its own, and each line in one write.

use std::fs::{self, File};
use std::io::{self, BufWriter};

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
    let file = place.file();
    let running = start(place, OverflowStrategy::DropAndReport)?;
    Ok(running.with_counts(move || told(&fs::read_to_string(&file).unwrap_or_default())))
}

fn start(place: &Place, strategy: OverflowStrategy) -> Result<Running, Failed> {
    // It writes a line in pieces, and flushes at its end.
    let lines = FullFormat::new(PlainDecorator::new(BufWriter::new(File::create(place.file())?)))
        .use_custom_timestamp(timestamp)
        .build();
    let builder = Async::new(lines.fuse()).chan_size(super::QUEUE_RECORDS).overflow_strategy(strategy);
    let (drain, guard) = builder.build_with_guard();
    workload::use_slog(Logger::root(drain.fuse(), o!()))?;
    Ok(Running::new(workload::by_slog, move || {
        drop(guard);
        Ok(())
    }))
}

/// What its lines say was dropped.
fn told(text: &str) -> Counts {
    let lines = text.lines().filter(|line| line.contains("logger dropped messages"));
    let dropped: u64 = lines.filter_map(|line| line.rsplit("count: ").next()?.trim().parse::<u64>().ok()).sum();
    Counts::from([("dropped".to_owned(), super::as_f64(dropped))])
}

fn timestamp(out: &mut dyn io::Write) -> io::Result<()> {
    let now = OffsetDateTime::now_utc();
    let now = now.replace_microsecond(now.microsecond()).unwrap_or(now);
    out.write_all(now.format(&Rfc3339).map_err(io::Error::other)?.as_bytes())
}
