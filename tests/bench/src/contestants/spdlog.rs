//! `spdlog-rs` with its rotating file sink, which buffers, also behind its thread; its own macros, the line of the `fmt` layer.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use spdlog::formatter::{PatternFormatter, pattern};
use spdlog::sink::{AsyncPoolSink, AsyncPoolSinkBuilder, OverflowPolicy, RotatingFileSink, RotationPolicy, Sink};
use spdlog::{ErrorHandler, Logger, ThreadPool};

use super::{Counts, Place, Running};
use crate::{Failed, workload};

pub(super) fn rotating(place: &Place) -> Result<Running, Failed> {
    start(Arc::new(file(place)?), ErrorHandler::default())
}

pub(super) fn queued(place: &Place) -> Result<Running, Failed> {
    start(Arc::new(behind_a_thread(place)?.build()?), ErrorHandler::default())
}

/// Tells of each that was dropped through the error handler.
pub(super) fn lossy(place: &Place) -> Result<Running, Failed> {
    let dropped = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&dropped);
    let sink = behind_a_thread(place)?.overflow_policy(OverflowPolicy::DropIncoming).build()?;
    let running = start(Arc::new(sink), move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    })?;
    Ok(running.with_counts(move || Counts::from([("dropped".to_owned(), super::as_f64(dropped.load(Ordering::Relaxed)))])))
}

fn behind_a_thread(place: &Place) -> Result<AsyncPoolSinkBuilder, Failed> {
    let capacity = NonZeroUsize::new(super::QUEUE_RECORDS).ok_or("there is no queue")?;
    let pool = ThreadPool::builder().capacity(capacity).build()?;
    Ok(AsyncPoolSink::builder().sink(Arc::new(file(place)?)).thread_pool(Arc::new(pool)))
}

fn file(place: &Place) -> Result<RotatingFileSink, Failed> {
    let builder = RotatingFileSink::builder()
        .base_path(place.file())
        .rotation_policy(RotationPolicy::FileSize(place.max_bytes))
        // The current file counts here.
        .max_files(place.backups + 1)
        .formatter(PatternFormatter::new(pattern!("{date}T{time}.{microsecond}Z  {level} {logger}: {payload}{eol}")));
    Ok(builder.build()?)
}

fn start(sink: Arc<dyn Sink>, on_error: impl Into<ErrorHandler>) -> Result<Running, Failed> {
    let logger = Arc::new(Logger::builder().name(workload::TARGET).sink(sink).error_handler(on_error).build()?);
    spdlog::set_default_logger(Arc::clone(&logger));
    Ok(Running::new(workload::by_spdlog, move || {
        logger.flush();
        Ok(())
    }))
}
