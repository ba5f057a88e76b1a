//! A log that is rolled every hour and compressed, kept for fourteen days within one gibibyte.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example compressed
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tracing_handlers::{Clock, Compression, Handler, HandlerLayer, SystemClock, TimedRotatingFileHandler, Timestamp, When};
use tracing_subscriber::prelude::*;

const HOUR: i64 = 3_600;

/// A clock that the example moves, so that a day takes no day.
#[derive(Clone)]
struct Moved(Arc<AtomicI64>);

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.0.load(Ordering::Relaxed))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let clock = Moved(Arc::new(AtomicI64::new(SystemClock.now().unix_seconds())));

    // The part to copy, but for the clock.
    let log = TimedRotatingFileHandler::builder(folder.path().join("service.log"))
        .when(When::Hours)
        .aligned(true)
        .compress(Compression::gzip())
        .max_age(Duration::from_secs(14 * 24 * 3_600))
        .max_total_bytes(1 << 30)
        .clock(clock.clone())
        .build()?;
    let layer = HandlerLayer::new(log).clock(clock.clone());
    let (log, handle) = (Arc::clone(layer.handler()), layer.handle());
    tracing_subscriber::registry().with(layer).init();

    for hour in 0..6 {
        for request in 0..2_000 {
            tracing::info!(request, path = "/api/v1/orders", status = 200, "answered");
        }
        println!("hour {hour}: {} rolled files", log.existing_files()?.len());
        clock.0.fetch_add(HOUR, Ordering::Relaxed);
    }

    // A service that ends need not wait: what is not compressed is compressed by the next one. Here we want to see it.
    handle.close(Duration::from_secs(30))?;
    let mut sizes = Vec::new();
    for path in log.existing_files()? {
        let size = fs::metadata(&path)?.len();
        println!("{:>8} bytes  {}", size, path.file_name().unwrap_or_default().display());
        sizes.push(size);
    }
    assert_eq!(sizes.len(), 5);
    let plain = fs::metadata(folder.path().join("service.log"))?.len();
    println!("{plain:>8} bytes  service.log, which is written to");
    assert!(sizes.iter().all(|size| size * 5 < plain), "a log is mostly the same again and again");
    assert_eq!(log.stats().delivered, 12_000);
    Ok(())
}
