//! `flexi_logger` with a file rolled by size, writing each line, buffering, or behind its thread; the line of the `fmt` layer.

use std::io;

use flexi_logger::{Cleanup, Criterion, DeferredNow, FileSpec, Logger, Naming, WriteMode};
use log::Record;

use super::{Place, Running};
use crate::{Failed, workload};

pub(super) fn direct(place: &Place) -> Result<Running, Failed> {
    start(place, WriteMode::Direct)
}

pub(super) fn buffered(place: &Place) -> Result<Running, Failed> {
    start(place, WriteMode::BufferAndFlush)
}

pub(super) fn queued(place: &Place) -> Result<Running, Failed> {
    start(place, WriteMode::Async)
}

fn start(place: &Place, mode: WriteMode) -> Result<Running, Failed> {
    let handle = Logger::try_with_str("info")?
        .log_to_file(FileSpec::default().directory(&place.directory).basename("bench").suppress_timestamp())
        .rotate(Criterion::Size(place.max_bytes), Naming::Numbers, Cleanup::KeepLogFiles(place.backups))
        .write_mode(mode)
        .use_utc()
        .format(line)
        .start()?;
    Ok(Running::new(workload::by_log, move || {
        handle.flush();
        Ok(())
    }))
}

fn line(out: &mut dyn io::Write, now: &mut DeferredNow, record: &Record<'_>) -> io::Result<()> {
    write!(out, "{}  {} {}: {}", now.format("%Y-%m-%dT%H:%M:%S%.6fZ"), record.level(), record.target(), record.args())
}
