//! A slow handler behind a queue: what the callers wait, what is dropped when it stalls, and how one sees that.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example queue
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, io};

use tracing_handlers::{
    HandlerExt, HandlerLayer, Level, Overflow, QueueHandler, QueueListener, RotatingFileHandler, StreamHandler,
};
use tracing_subscriber::prelude::*;

/// A terminal that somebody stopped with Ctrl-S: it takes nothing until it is told to go on.
struct Stopped {
    begun: Sender<()>,
    go_on: Mutex<Receiver<()>>,
}

impl io::Write for Stopped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begun.send(()).ok();
        self.go_on.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (app_path, errors_path) = (folder.path().join("app.log"), folder.path().join("errors.log"));

    // The common case: one handler, one queue, one line. A debug record makes room for one that matters.
    let file = RotatingFileHandler::builder(&app_path).max_bytes(1_000_000).backup_count(3).build()?;
    let file = file.queued().capacity(100_000).overflow(Overflow::DropBelow(Level::INFO)).layer()?;

    // The long form: one queue, several handlers. One of them is stuck.
    let (begun, has_begun) = mpsc::channel();
    let (go, go_on) = mpsc::channel();
    let stuck = StreamHandler::builder(Stopped { begun, go_on: Mutex::new(go_on) }).build()?;
    let errors = RotatingFileHandler::builder(&errors_path).build()?;
    let queue = QueueHandler::builder().capacity(1_000).on_failure(|_: &tracing_handlers::Failure<'_>| {}).build()?;
    let listener = QueueListener::builder(&queue).handler_at(Level::ERROR, errors).handler(stuck).start()?;
    let behind = HandlerLayer::new(queue);

    let (file_handle, stuck_handle) = (file.handle(), behind.handle());
    tracing_subscriber::registry().with(file).with(behind).init();

    tracing::error!(disk = "sda", "it begins");
    has_begun.recv()?;
    let before = Instant::now();
    for number in 0..10_000 {
        tracing::info!(number, "work goes on");
    }
    println!("10,000 events while a handler is stuck: {:.0?}, none of them waited for it", before.elapsed());

    file_handle.flush(Duration::from_secs(5))?;
    println!("app.log:  {}", file_handle.stats());
    println!("the other: {}", stuck_handle.stats());
    assert_eq!(file_handle.stats().delivered, 10_001);
    assert!(stuck_handle.stats().is_balanced() && stuck_handle.stats().dropped() > 8_000);

    // The terminal goes on. What was in comes out, with a record that says how many others there were.
    drop(go);
    listener.stop(Duration::from_secs(5))?;
    println!("… goes on: {}", stuck_handle.stats());
    println!("errors.log: {}", fs::read_to_string(&errors_path)?.trim_end());
    assert_eq!(stuck_handle.stats().pending, 0);
    Ok(())
}
