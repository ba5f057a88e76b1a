//! The bounded queue as its consumers see it.

use proptest::prelude::*;
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

/// What is done to a batch.
#[derive(Clone, Copy, Debug)]
enum Step {
    Push(Level),
    TakeBack(Level),
    Evict,
    Move(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let level = || prop::sample::select(vec![Level::ERROR, Level::INFO]);
    let step = prop_oneof![
        8 => level().prop_map(Step::Push),
        1 => level().prop_map(Step::TakeBack),
        2 => Just(Step::Evict),
        1 => (1..60_usize).prop_map(Step::Move),
    ];
    prop::collection::vec(step, 0..2_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Beside a plain list of messages, with the records of each level that the policy spares.
    #[test]
    fn whatever_is_moved_and_evicted_the_rest_stays_in_order(steps in steps()) {
        let (mut batch, mut list) = (Batch::new(), Vec::<(Level, String)>::new());
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Push(level) | Step::TakeBack(level) => {
                    let message = format!("{number} {}", "x".repeat(number % 50));
                    batch.push(&Record::builder().level(level).message(message.as_str()).build().as_record());
                    list.push((level, message));
                    if matches!(step, Step::TakeBack(_)) {
                        batch.pop();
                        list.pop();
                    }
                }
                Step::Evict => {
                    let newest = list.len().saturating_sub(1);
                    let oldest = list.iter().take(newest).position(|(level, _)| *level == Level::INFO);
                    prop_assert_eq!(batch.evict(|level| level == Level::INFO), oldest.is_some());
                    oldest.map(|oldest| list.remove(oldest));
                }
                Step::Move(count) => {
                    let mut moved = Batch::new();
                    batch.move_oldest(&mut moved, count, usize::MAX);
                    let expected = list.drain(..count.min(list.len())).map(|(_, message)| message);
                    prop_assert_eq!(messages(&moved), expected.collect::<Vec<_>>());
                }
            }
            prop_assert_eq!((batch.len(), batch.is_empty(), batch.bytes_len() == 0), (list.len(), list.is_empty(), list.is_empty()));
        }
        prop_assert_eq!(messages(&batch), list.into_iter().map(|(_, message)| message).collect::<Vec<_>>());
    }
}
