//! A handler of your own: it keeps the newest records in memory, for a debug page or for the report of a crash. Then records
//! made by hand, which did not come from `tracing`.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example own_handler
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_handlers::format::{Format, Text};
use tracing_handlers::{
    Clock as _, Counters, Deadline, DropReason, Error, Handler, HandlerLayer, Level, Record, RecordBuf, Stats, SystemClock,
};
use tracing_subscriber::prelude::*;

/// Keeps the newest records.
struct Recent {
    capacity: usize,
    /// `None` once closed.
    records: Mutex<Option<VecDeque<RecordBuf>>>,
    counters: Counters,
}

impl Recent {
    fn new(capacity: usize) -> Self {
        Self { capacity, records: Mutex::new(Some(VecDeque::with_capacity(capacity))), counters: Counters::default() }
    }

    /// What it holds, oldest first, one line each.
    fn lines(&self, format: &impl Format) -> Vec<String> {
        let records = self.lock();
        let line = |record: &RecordBuf| {
            let mut line = Vec::new();
            format.format(&record.as_record(), &mut line);
            String::from_utf8_lossy(&line).into_owned()
        };
        records.iter().flatten().map(line).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Option<VecDeque<RecordBuf>>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handler for Recent {
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        // A record borrows from the event; its copy is one block of bytes. Made before the lock is taken.
        let copy = record.to_buf();
        let mut records = self.lock();
        let Some(records) = records.as_mut() else {
            // Taken and not delivered: counted, so that the account stays balanced. The layer reports the error.
            self.counters.dropped(DropReason::Closed);
            return Err(Error::closed("recent"));
        };
        if records.len() == self.capacity {
            records.pop_front();
        }
        records.push_back(copy);
        self.counters.delivered();
        Ok(())
    }

    /// Memory is where records are meant to be: there is nothing to wait for.
    fn flush(&self, _: Deadline) -> Result<(), Error> {
        Ok(())
    }

    fn close(&self, _: Deadline) -> Result<(), Error> {
        *self.lock() = None;
        Ok(())
    }

    fn stats(&self) -> Stats {
        self.counters.snapshot()
    }
}

fn main() -> Result<(), Error> {
    // An `Arc` of a handler is a handler: one goes behind the layer, the other stays here.
    let recent = Arc::new(Recent::new(3));
    tracing_subscriber::registry().with(HandlerLayer::new(Arc::clone(&recent))).init();

    let _connection = tracing::info_span!("connection", peer = "10.0.0.7").entered();
    for attempt in 1..=4 {
        tracing::info!(attempt, "connecting");
    }

    // From somewhere else: another program's line, a test, a queue. The handler sees no difference.
    let by_hand = Record::builder()
        .timestamp(SystemClock.now())
        .level(Level::WARN)
        .target("kernel")
        .message("temperature above threshold")
        .field("cpu", 3_u64)
        .span("boot", "kernel", [("id", "7f3a".into())])
        .build();
    recent.handle(&by_hand.as_record())?;

    let format = Text::new().time(false);
    let lines = recent.lines(&format);
    lines.iter().for_each(|line| println!("{line}"));
    println!("\n{}", recent.stats());

    assert_eq!(
        lines,
        [
            " INFO connection{peer=\"10.0.0.7\"}: own_handler: connecting attempt=3",
            " INFO connection{peer=\"10.0.0.7\"}: own_handler: connecting attempt=4",
            " WARN boot{id=\"7f3a\"}: kernel: temperature above threshold cpu=3",
        ]
    );
    assert!(recent.stats().delivered == 5 && recent.stats().is_balanced());

    recent.close(Deadline::never())?;
    assert!(recent.handle(&by_hand.as_record()).is_err_and(|error| error.is_closed()));
    assert_eq!(recent.stats().dropped_for(DropReason::Closed), 1);
    Ok(())
}
