//! `tracing-handlers`: the rotating file written to at once, buffered, shared and behind a queue, the one rolled by the clock, the plain file, and
//! the rotating file in JSON.

use std::time::Duration;

use tracing_handlers::format::Json;
use tracing_handlers::{
    Buffering, FileHandler, Handler, HandlerExt, HandlerLayer, Overflow, QueueHandler, QueueListener, RotatingFileHandler,
    TimedRotatingFileHandler, When,
};

use super::{Place, Running, install};
use crate::{Failed, workload};

/// How long the flush at the end may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn direct(place: &Place) -> Result<Running, Failed> {
    let builder = RotatingFileHandler::builder(place.file());
    start(builder.max_bytes(place.max_bytes).backup_count(place.backups).layer()?)
}

pub(super) fn shared(place: &Place) -> Result<Running, Failed> {
    let builder = RotatingFileHandler::builder(place.file()).shared(true);
    start(builder.max_bytes(place.max_bytes).backup_count(place.backups).layer()?)
}

pub(super) fn shared_buffered(place: &Place) -> Result<Running, Failed> {
    let builder = RotatingFileHandler::builder(place.file()).shared(true).buffered(Buffering::new());
    start(builder.max_bytes(place.max_bytes).backup_count(place.backups).layer()?)
}

pub(super) fn timed(place: &Place) -> Result<Running, Failed> {
    let builder = TimedRotatingFileHandler::builder(place.file()).when(When::Midnight);
    start(builder.max_bytes(place.max_bytes).backup_count(place.backups).layer()?)
}

pub(super) fn buffered(place: &Place) -> Result<Running, Failed> {
    let builder = RotatingFileHandler::builder(place.file()).buffered(Buffering::new());
    start(builder.max_bytes(place.max_bytes).backup_count(place.backups).layer()?)
}

pub(super) fn queued(place: &Place) -> Result<Running, Failed> {
    let file = RotatingFileHandler::builder(place.file()).max_bytes(place.max_bytes).backup_count(place.backups).build()?;
    // Who must lose nothing waits for room; the peer is told the same.
    start(file.queued().overflow(Overflow::Block(PATIENCE)).layer()?)
}

/// Five plain files, each behind a queue of its own.
pub(super) fn five(place: &Place) -> Result<Running, Failed> {
    let file = |number: u64| FileHandler::builder(place.directory.join(format!("bench.{number}.log"))).build();
    let queued = |number| file(number)?.queued().overflow(Overflow::Block(PATIENCE)).layer();
    let layers = (0..5).map(queued).collect::<Result<Vec<_>, _>>()?;
    let handles: Vec<_> = layers.iter().map(HandlerLayer::handle).collect();
    install(layers)?;
    Ok(Running::new(workload::by_tracing, move || {
        handles.iter().try_for_each(|handle| handle.flush(PATIENCE))?;
        Ok(())
    }))
}

/// The same five behind one queue.
pub(super) fn five_behind_one(place: &Place) -> Result<Running, Failed> {
    let queue = QueueHandler::builder().overflow(Overflow::Block(PATIENCE)).build()?;
    let mut listener = QueueListener::builder(&queue);
    for number in 0..5 {
        listener = listener.handler(FileHandler::builder(place.directory.join(format!("bench.{number}.log"))).build()?);
    }
    let listener = listener.start()?;
    let layer = HandlerLayer::new(queue);
    let handle = layer.handle();
    install(layer)?;
    Ok(Running::new(workload::by_tracing, move || {
        handle.flush(PATIENCE)?;
        drop(listener);
        Ok(())
    }))
}

pub(super) fn file(place: &Place) -> Result<Running, Failed> {
    start(FileHandler::builder(place.file()).layer()?)
}

pub(super) fn json(place: &Place) -> Result<Running, Failed> {
    let builder = RotatingFileHandler::builder(place.file()).format(Json::new());
    start(builder.max_bytes(place.max_bytes).backup_count(place.backups).layer()?)
}

fn start(layer: HandlerLayer<impl Handler>) -> Result<Running, Failed> {
    let handle = layer.handle();
    install(layer)?;
    Ok(Running::new(workload::by_tracing, move || {
        handle.flush(PATIENCE)?;
        let dropped = handle.stats().dropped();
        if dropped > 0 {
            return Err(format!("{dropped} events were dropped").into());
        }
        Ok(())
    }))
}
