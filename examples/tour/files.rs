//! The handlers that write files.

use std::fs;
use std::io;
use std::path::Path;

use tracing_handlers::format::{Json, Pattern, Text, Zone};
use tracing_handlers::{
    Buffering, Clock, Error, FileHandler, HandlerExt, RotatingFileHandler, SystemClock, TimedRotatingFileHandler, Timestamp,
    WatchedFileHandler, When,
};
use tracing_subscriber::filter::LevelFilter;

use crate::{BoxedLayer, Output, Stop};

pub(crate) fn stops(folder: &Path) -> Result<Vec<(Stop, BoxedLayer)>, Error> {
    Ok(vec![
        plain(folder)?,
        buffered(folder)?,
        watched(folder)?,
        rotating_json(folder)?,
        rotating_text(folder)?,
        timed(folder)?,
        queued(folder)?,
    ])
}

fn plain(folder: &Path) -> Result<(Stop, BoxedLayer), Error> {
    let folder = folder.join("plain");
    let layer = FileHandler::builder(folder.join("app.log")).layer()?;
    Ok(Stop::new("FileHandler", "text, one write a record", LevelFilter::TRACE, layer, Output::Folder(folder)))
}

fn buffered(folder: &Path) -> Result<(Stop, BoxedLayer), Error> {
    let folder = folder.join("buffered");
    let layer = FileHandler::builder(folder.join("app.log")).buffered(Buffering::new()).layer()?;
    Ok(Stop::new("FileHandler, buffered", "text, written by a thread", LevelFilter::TRACE, layer, Output::Folder(folder)))
}

fn watched(folder: &Path) -> Result<(Stop, BoxedLayer), Error> {
    let folder = folder.join("watched");
    let pattern = Pattern::percent("%(asctime)s %(levelname)-7s [%(threadName)s] %(message)s number=%(number)d")?;
    let layer = WatchedFileHandler::builder(folder.join("app.log")).format(pattern).layer()?;
    let setting = "Python's format string, renamed by somebody else";
    Ok(Stop::new("WatchedFileHandler", setting, LevelFilter::INFO, layer, Output::Folder(folder)))
}

/// Renames the watched file while everybody writes into it.
pub(crate) fn rotate_as_logrotate_does(folder: &Path, round: u64) -> io::Result<()> {
    let path = folder.join("watched/app.log");
    fs::rename(&path, path.with_extension(format!("log.{round}")))
}

fn rotating_json(folder: &Path) -> Result<(Stop, BoxedLayer), Error> {
    let folder = folder.join("rotating-json");
    let builder = RotatingFileHandler::builder(folder.join("app.json")).max_bytes(1_000_000).backup_count(9);
    let layer = builder.format(Json::new()).buffered(Buffering::new()).layer()?;
    let setting = "buffered, rolled before 1,000,000 bytes";
    Ok(Stop::new("RotatingFileHandler, JSON", setting, LevelFilter::TRACE, layer, Output::Folder(folder)))
}

fn rotating_text(folder: &Path) -> Result<(Stop, BoxedLayer), Error> {
    let folder = folder.join("rotating-text");
    let builder = RotatingFileHandler::builder(folder.join("app.log")).max_bytes(250_000).backup_count(9);
    let layer = builder.format(Text::new().zone(Zone::Local).thread_name(true)).layer()?;
    let setting = "local time, rolled before 250,000 bytes";
    Ok(Stop::new("RotatingFileHandler, text", setting, LevelFilter::INFO, layer, Output::Folder(folder)))
}

fn timed(folder: &Path) -> Result<(Stop, BoxedLayer), Error> {
    let folder = folder.join("timed");
    let builder = TimedRotatingFileHandler::builder(folder.join("app.log")).when(When::Hours).clock(Hurry::new());
    let layer = builder.layer()?;
    let setting = "text, every hour, by a clock that is in a hurry";
    Ok(Stop::new("TimedRotatingFileHandler", setting, LevelFilter::INFO, layer, Output::Folder(folder)))
}

fn queued(folder: &Path) -> Result<(Stop, BoxedLayer), Error> {
    let folder = folder.join("queued");
    let file = RotatingFileHandler::builder(folder.join("app.log")).max_bytes(250_000).backup_count(9).build()?;
    let layer = file.queued().layer()?;
    let setting = "text, a rotating file behind a queue";
    Ok(Stop::new("… behind a queue", setting, LevelFilter::TRACE, layer, Output::Folder(folder)))
}

/// A clock on which an hour takes a fifth of a second, so that a short tour sees a few of them.
struct Hurry {
    since: Timestamp,
}

impl Hurry {
    const FACTOR: i64 = 5 * 3_600;

    fn new() -> Self {
        Self { since: SystemClock.now() }
    }
}

impl Clock for Hurry {
    fn now(&self) -> Timestamp {
        let since = self.since.as_nanos();
        Timestamp::from_nanos(since + (SystemClock.now().as_nanos() - since) * Self::FACTOR)
    }
}
