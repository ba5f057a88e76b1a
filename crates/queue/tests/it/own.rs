//! Queues of the user's own.

use std::sync::Mutex;
use std::sync::mpsc::{channel, sync_channel};
use std::time::Duration;

use tracing_handlers_core::{Deadline, DropReason, Handler};
use tracing_handlers_queue::{Queue, QueueHandler, QueueListener};
use tracing_handlers_testing::{CollectingHandler, FailureLog, record};

const LONG: Duration = Duration::from_secs(30);

/// Three records into a queue with room for two, whose reader then goes away.
fn fill(queue: impl Queue, forget_reader: impl FnOnce()) -> Vec<Option<DropReason>> {
    let failures = FailureLog::new();
    let handler = QueueHandler::builder().queue(queue).on_failure(failures.clone()).build().unwrap();
    let put = || handler.handle(&record("one").as_record()).err().map(|error| DropReason::of(&error));
    let mut results = vec![put(), put(), put()];
    forget_reader();
    results.push(put());
    handler.close(Deadline::after(LONG)).unwrap();
    assert_eq!(put(), Some(DropReason::Closed));
    let stats = handler.stats();
    assert!(stats.is_balanced() && stats.pending == 0, "{stats}");
    assert_eq!(failures.lost(), stats.dropped());
    results
}

const BOUNDED: [Option<DropReason>; 4] = [None, None, Some(DropReason::Full), Some(DropReason::Closed)];
const UNBOUNDED: [Option<DropReason>; 4] = [None, None, None, Some(DropReason::Closed)];

#[test]
fn channels_of_the_standard_library() {
    let (sender, receiver) = sync_channel(2);
    assert_eq!(fill(sender, || drop(receiver)), BOUNDED);
    let (sender, receiver) = channel();
    assert_eq!(fill(sender, || drop(receiver)), UNBOUNDED);
}

#[cfg(feature = "crossbeam-channel")]
#[test]
fn channels_of_crossbeam() {
    let (sender, receiver) = crossbeam_channel::bounded(2);
    assert_eq!(fill(sender, || drop(receiver)), BOUNDED);
    listened(crossbeam_channel::bounded(100));
}

#[cfg(feature = "tokio")]
#[test]
fn senders_of_tokio() {
    let (sender, receiver) = tokio::sync::mpsc::channel(2);
    assert_eq!(fill(sender, || drop(receiver)), BOUNDED);
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    assert_eq!(fill(sender, || drop(receiver)), UNBOUNDED);
}

#[test]
fn a_channel_with_both_ends_is_listened_to() {
    let (sender, receiver) = sync_channel(100);
    listened((sender, Mutex::new(receiver)));
}

fn listened(queue: impl Queue) {
    let target = CollectingHandler::new();
    let handler = QueueHandler::builder().queue(queue).build().unwrap();
    let listener = QueueListener::builder(&handler).handler(target.clone()).start().unwrap();
    for round in 0..20 {
        handler.handle(&record(round.to_string()).as_record()).unwrap();
        handler.flush(Deadline::after(LONG)).unwrap();
        assert_eq!((target.lines().len(), target.flushes()), (round + 1, round + 1));
    }
    handler.handle(&record("last").as_record()).unwrap();
    listener.stop(LONG).unwrap();
    assert_eq!(target.lines().len(), 21);
}
