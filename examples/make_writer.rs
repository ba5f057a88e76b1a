//! A file that rotates behind somebody else's formatting: `RotatingFileHandler` as the writer of `tracing_subscriber::fmt`, and
//! behind `tracing_appender::non_blocking`, which also takes any writer.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example make_writer
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use tracing_handlers::{Handler as _, RotatingFileHandler};
use tracing_subscriber::{fmt, prelude::*};

const EVENTS: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (direct_path, queued_path) = (folder.path().join("direct/app.log"), folder.path().join("queued/app.log"));

    // In an `Arc`, so that its counters can be read afterwards; without one it is a `MakeWriter` as well.
    let direct = Arc::new(rotating(&direct_path)?);
    let direct_layer = fmt::layer().with_ansi(false).with_writer(Arc::clone(&direct));

    // Another crate's queue in front of it. Its guard must live until the last event.
    let (queue, guard) = tracing_appender::non_blocking(rotating(&queued_path)?);
    let queued_layer = fmt::layer().compact().with_ansi(false).with_writer(queue);

    let subscriber = tracing_subscriber::registry().with(direct_layer).with(queued_layer);
    tracing::subscriber::with_default(subscriber, || {
        for number in 0..EVENTS {
            tracing::info!(number, "working");
        }
    });
    // Writes what is still in the queue.
    drop(guard);

    println!("fmt::layer().with_writer(handler): {}", direct.stats());
    show(&direct_path)?;
    println!("fmt::layer().with_writer(non_blocking(handler)):");
    show(&queued_path)?;
    assert_eq!(direct.stats().delivered, EVENTS as u64);
    Ok(())
}

fn rotating(path: &Path) -> Result<RotatingFileHandler, tracing_handlers::Error> {
    RotatingFileHandler::builder(path).max_bytes(4_000).backup_count(5).build()
}

/// Prints the files beside `path`, and sees to it that together they have every event, and none twice.
fn show(path: &Path) -> Result<(), Box<dyn Error>> {
    let folder = path.parent().unwrap_or(path);
    let mut files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    files.sort();
    let mut numbers = Vec::new();
    for file in files {
        let content = fs::read_to_string(&file)?;
        let (name, first) = (file.file_name().unwrap_or_default().display(), content.lines().next().unwrap_or_default());
        println!("  {name}, {} lines of {} bytes, the first: {first}", content.lines().count(), content.len());
        numbers.extend(content.lines().filter_map(|line| line.rsplit_once("number=")?.1.parse::<usize>().ok()));
        assert!(content.len() < 4_000);
    }
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..EVENTS), "every event once");
    println!();
    Ok(())
}
