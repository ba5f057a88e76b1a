//! `logforth` with its file: written by the caller, and behind its thread.

use std::num::NonZeroUsize;

use logforth::append::asynchronous::AsyncBuilder;
use logforth::append::file::{File, FileBuilder};
use logforth::layout::TextLayout;
use logforth::{Append, starter_log};

use super::{Counts, Place, Running};
use crate::{Failed, workload};

pub(super) fn direct(place: &Place) -> Result<Running, Failed> {
    start(file(place)?)
}

pub(super) fn queued(place: &Place) -> Result<Running, Failed> {
    start(behind_a_thread().overflow_block().append(file(place)?).build())
}

/// Drops what finds no room, and tells nobody.
pub(super) fn lossy(place: &Place) -> Result<Running, Failed> {
    let running = start(behind_a_thread().overflow_drop_incoming().append(file(place)?).build())?;
    Ok(running.with_counts(Counts::new))
}

fn behind_a_thread() -> AsyncBuilder {
    AsyncBuilder::new("logforth").buffered_lines_limit(Some(super::QUEUE_RECORDS))
}

fn file(place: &Place) -> Result<File, Failed> {
    let max_bytes = NonZeroUsize::new(usize::try_from(place.max_bytes)?).ok_or("nothing fits into a file")?;
    let files = NonZeroUsize::new(place.backups + 1).ok_or("no file may be kept")?;
    let builder = FileBuilder::new(&place.directory, "bench").rollover_size(max_bytes).max_log_files(files);
    Ok(builder.layout(TextLayout::default().no_color()).build()?)
}

fn start(append: impl Append) -> Result<Running, Failed> {
    starter_log::builder().dispatch(|dispatch| dispatch.append(append)).try_apply()?;
    log::set_max_level(log::LevelFilter::Info);
    Ok(Running::new(workload::by_log, || {
        log::logger().flush();
        Ok(())
    }))
}
