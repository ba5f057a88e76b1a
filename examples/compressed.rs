//! Keeps an hourly log for 14 days within 1 GiB: `TimedRotatingFileHandler` with compression of rolled files.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example compressed
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tracing_handlers::timed_rotating_file::TimedRotatingFileHandlerBuilder;
use tracing_handlers::{Compression, TimedRotatingFileHandler, When};
use tracing_subscriber::prelude::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("app.log");
    let layer = hourly(&path).layer()?;
    let handler = Arc::clone(layer.handler());
    let handle = layer.handle();
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || {
        for number in 0..10_000 {
            tracing::info!(number, "working");
        }
        // At the full hour by itself; here the hour is over.
        handler.roll_over()?;
        tracing::info!("the next hour");
        Ok::<(), tracing_handlers::Error>(())
    })?;

    // Nobody who logs waits for the thread that compresses. Closing does; without it the next start of the program does what is left.
    handle.close(Duration::from_secs(60))?;
    let rolled = handler.existing_files()?;
    println!("10,000 records, then the hour was over; what was rolled is compressed by a thread:\n");
    show(&rolled)?;
    assert!((1..=2).contains(&rolled.len()), "two where the hour was over by the clock as well");
    for path in &rolled {
        assert!(path.extension().is_some_and(|ending| ending == "gz"));
        assert!(fs::metadata(path)?.len() < 100_000, "ten thousand lines are more than that");
    }
    assert!(fs::read_to_string(&path)?.ends_with("the next hour\n"));
    Ok(())
}

/// `app.log.2024-01-31_23.gz` and so on. What is older than 14 days goes, and what is above 1 GiB, the oldest first.
fn hourly(path: &Path) -> TimedRotatingFileHandlerBuilder {
    TimedRotatingFileHandler::builder(path)
        .when(When::Hours)
        .aligned(true)
        .compress(Compression::gzip())
        .max_age(14 * DAY)
        .max_total_bytes(1 << 30)
        // An hour without records ends as well.
        .roll_idle(true)
}

fn show(rolled: &[PathBuf]) -> io::Result<()> {
    for path in rolled {
        println!("{:>8} bytes  {}", fs::metadata(path)?.len(), path.file_name().unwrap_or_default().display());
    }
    Ok(())
}
