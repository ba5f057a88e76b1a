//! Queues that drop what finds no room, each before a file: ours as it comes, and the writer of `tracing_appender`.

use std::time::Duration;

use tracing_appender::non_blocking::NonBlockingBuilder;
use tracing_appender::rolling;
use tracing_handlers::{HandlerExt, RotatingFileHandler};
use tracing_subscriber::fmt;

use super::{Counts, Place, Running, install};
use crate::{Failed, workload};

/// How long the flush at the end may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn ours(place: &Place) -> Result<Running, Failed> {
    let file = RotatingFileHandler::builder(place.file()).max_bytes(place.max_bytes).backup_count(place.backups).build()?;
    let layer = file.queued().layer()?;
    let (handle, counts) = (layer.handle(), layer.handle());
    install(layer)?;
    let running = Running::new(workload::by_tracing, move || Ok(handle.flush(PATIENCE)?));
    Ok(running.with_counts(move || super::counts(counts.stats())))
}

pub(super) fn tracing_appender(place: &Place) -> Result<Running, Failed> {
    let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(super::QUEUE_RECORDS);
    let (writer, guard) = builder.finish(rolling::never(&place.directory, "bench.log"));
    let dropped = writer.error_counter();
    install(fmt::layer().with_ansi(false).with_writer(writer))?;
    let running = Running::new(workload::by_tracing, || {
        drop(guard);
        Ok(())
    });
    Ok(running.with_counts(move || Counts::from([("dropped".to_owned(), super::as_f64(dropped.dropped_lines() as u64))])))
}
