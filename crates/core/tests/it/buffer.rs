//! The bounded queue as its consumers see it.

use tracing_handlers_core::buffer::{Batch, BoundedQueue, Limits, Overflow};
use tracing_handlers_core::{Level, Record, Stats};

fn put(queue: &BoundedQueue, level: Level, message: &str) {
    queue.push(&Record::builder().level(level).message(message).build().as_record()).result.ok();
}

fn messages(batch: &Batch) -> Vec<String> {
    batch.records().map(|record| record.message().to_owned()).collect()
}

#[test]
fn a_flush_is_not_over_before_its_last_record_although_later_ones_were_dropped() {
    let limits = Limits { records: 5, overflow: Overflow::DropBelow(Level::INFO), ..Limits::default() };
    let queue = BoundedQueue::new(limits);
    for (level, message) in
        [(Level::INFO, "1"), (Level::INFO, "2"), (Level::DEBUG, "3"), (Level::DEBUG, "4"), (Level::DEBUG, "5")]
    {
        put(&queue, level, message);
    }
    let barrier = queue.barrier();
    // Two make room for what comes after the flush began.
    ["6", "7"].iter().for_each(|message| put(&queue, Level::INFO, message));
    let mut batch = Batch::new();
    let mut seen = Vec::new();
    while !queue.is_done(barrier) {
        queue.take_some(&mut batch, 1, usize::MAX);
        queue.finish(0, Stats::new());
        seen.extend(messages(&batch));
    }
    assert_eq!(seen, ["1", "2", "5"]);
    assert_eq!(queue.stats().pending, 2);
}

#[test]
fn what_is_settled_in_pieces_adds_up() {
    let queue = BoundedQueue::new(Limits::default());
    (0..10).for_each(|n| put(&queue, Level::INFO, &n.to_string()));
    let mut batch = Batch::new();
    assert!(queue.take_some(&mut batch, 6, usize::MAX).is_more);
    queue.settle(2, Stats::new());
    queue.settle(0, Stats::new().with_dropped(tracing_handlers_core::DropReason::Expired, 3));
    assert_eq!((queue.stats().pending, queue.stats().delivered), (5, 2));
    assert!(queue.stats().is_balanced());
    queue.finish(1, Stats::new());
    let stats = queue.stats();
    assert_eq!((stats.pending, stats.delivered, stats.dropped()), (4, 2, 4));
    assert!(stats.is_balanced());
}
