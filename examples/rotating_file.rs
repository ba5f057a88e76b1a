//! Logs to files that roll over by size: `RotatingFileHandler` as it is, with names and moves of your own, on request, and
//! buffered.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example rotating_file
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing_handlers::{Buffering, RotatingFileHandler};
use tracing_subscriber::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    by_size(&folder.path().join("size"))?;
    own_names(&folder.path().join("names"))?;
    buffered(&folder.path().join("buffered"))
}

/// `app.log` never reaches 2,000 bytes; the last three of its predecessors are kept.
fn by_size(folder: &Path) -> Result<(), Box<dyn Error>> {
    let layer = RotatingFileHandler::builder(folder.join("app.log")).max_bytes(2_000).backup_count(3).layer()?;
    let handler = Arc::clone(layer.handler());
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || {
        for number in 0..200 {
            tracing::info!(number, "working");
        }
    });
    show("by size, the oldest records are gone", folder)?;
    assert_eq!(names(folder)?, ["app.log", "app.log.1", "app.log.2", "app.log.3"]);
    assert!(last_line(&folder.join("app.log"))?.ends_with("working number=199"));
    for name in names(folder)? {
        assert!(fs::metadata(folder.join(name))?.len() < 2_000);
    }

    // On request, whatever the size: before a deployment, at midnight, on a signal.
    handler.roll_over()?;
    show("rolled over on request", folder)?;
    assert_eq!(fs::metadata(folder.join("app.log"))?.len(), 0);
    assert!(last_line(&folder.join("app.log.1"))?.ends_with("working number=199"));
    Ok(())
}

/// A namer chooses the names of rolled files, a rotator moves the file that was written: here it also keeps a diary.
fn own_names(folder: &Path) -> Result<(), Box<dyn Error>> {
    let layer = RotatingFileHandler::builder(folder.join("app.log"))
        .max_bytes(2_000)
        .backup_count(3)
        .namer(extension_last)
        .rotator(move_and_note)
        .layer()?;
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || {
        for number in 0..100 {
            tracing::info!(number, "working");
        }
    });
    show("with names that keep their extension", folder)?;
    let diary = fs::read_to_string(folder.join("rolled.txt"))?;
    print!("rolled.txt:\n{diary}");
    assert_eq!(names(folder)?, ["app-1.log", "app-2.log", "app-3.log", "app.log", "rolled.txt"]);
    assert!(diary.lines().count() >= 3);
    Ok(())
}

/// `app.log.2` becomes `app-2.log`, so that whatever opens `*.log` opens it as well.
fn extension_last(default: &Path) -> PathBuf {
    let number = default.extension().unwrap_or_default().to_string_lossy();
    let log = default.with_extension("");
    let stem = log.file_stem().unwrap_or_default().to_string_lossy();
    log.with_file_name(format!("{stem}-{number}.log"))
}

/// Must move the file: if it fails, the old file goes on being written, nothing is lost, and it is tried again a second later.
fn move_and_note(log: &Path, to: &Path) -> io::Result<()> {
    let len = fs::metadata(log)?.len();
    fs::rename(log, to)?;
    let mut diary = File::options().create(true).append(true).open(to.with_file_name("rolled.txt"))?;
    writeln!(diary, "{len} bytes went to {}", to.file_name().unwrap_or_default().display())
}

/// A thread writes the file; who logs only copies into memory. What is pending when the process ends is written all the same.
fn buffered(folder: &Path) -> Result<(), Box<dyn Error>> {
    const RECORDS: u64 = 20_000;
    let layer = RotatingFileHandler::builder(folder.join("app.log"))
        .max_bytes(500_000)
        .backup_count(9)
        .buffered(Buffering::new().flush_interval(Duration::from_millis(200)))
        .layer()?;
    let handle = layer.handle();
    let subscriber = tracing_subscriber::registry().with(layer);
    let begun = Instant::now();
    tracing::subscriber::with_default(subscriber, || {
        for number in 0..RECORDS {
            tracing::info!(number, "working");
        }
    });
    println!("\n{RECORDS} buffered records in {:.1?}\n  before flush: {}", begun.elapsed(), handle.stats());
    handle.flush(Duration::from_secs(5))?;
    println!("  after flush:  {}", handle.stats());
    show("buffered", folder)?;

    let mut lines = 0;
    for name in names(folder)? {
        lines += fs::read_to_string(folder.join(name))?.lines().count() as u64;
    }
    assert_eq!((lines, handle.stats().delivered, handle.stats().pending), (RECORDS, RECORDS, 0));
    Ok(())
}

fn show(title: &str, folder: &Path) -> io::Result<()> {
    println!("\n{title}:");
    for name in names(folder)? {
        println!("  {name:<12} {:>7} bytes", fs::metadata(folder.join(&name))?.len());
    }
    Ok(())
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = entries.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

fn last_line(path: &Path) -> io::Result<String> {
    Ok(fs::read_to_string(path)?.lines().next_back().unwrap_or_default().to_owned())
}
