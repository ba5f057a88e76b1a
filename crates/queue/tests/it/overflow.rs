//! A queue that is full: who goes, who waits, and what is said of it.

use std::thread;
use std::time::Duration;

use tracing_handlers_core::{DropReason, Handler, Level, Record, RecordBuf, Value};
use tracing_handlers_queue::{Overflow, QueueHandler, QueueListener};
use tracing_handlers_testing::{CollectingHandler, FailureLog, record};

const LONG: Duration = Duration::from_secs(30);

/// What is left of these records in a queue with room for three, with the record that tells of the others.
fn left_of(overflow: Overflow, records: &[(Level, &str)]) -> Vec<String> {
    let failures = FailureLog::new();
    let queue = QueueHandler::builder().capacity(3).overflow(overflow).on_failure(failures.clone()).build().unwrap();
    for (level, message) in records {
        let record = Record::builder().level(*level).message(*message).build();
        queue.handle(&record.as_record()).ok();
    }
    let target = CollectingHandler::new();
    QueueListener::builder(&queue).handler(target.clone()).start().unwrap().stop(LONG).unwrap();
    let stats = queue.stats();
    assert!(stats.is_balanced(), "{stats}");
    assert_eq!(stats.delivered, target.records().len() as u64);
    drop(queue.flush(tracing_handlers_core::Deadline::now()));
    assert_eq!(failures.lost_for(DropReason::Full), stats.dropped_for(DropReason::Full), "every drop is reported");
    target.lines()
}

const INFOS: &[(Level, &str)] =
    &[(Level::INFO, "1"), (Level::INFO, "2"), (Level::INFO, "3"), (Level::INFO, "4"), (Level::INFO, "5")];

#[test]
fn the_newest_are_dropped() {
    assert_eq!(left_of(Overflow::DropNewest, INFOS), ["1", "2", "3", "2 records were dropped by a full queue"]);
}

#[test]
fn the_oldest_are_dropped() {
    assert_eq!(left_of(Overflow::DropOldest, INFOS), ["3", "4", "5", "2 records were dropped by a full queue"]);
}

#[test]
fn those_below_a_level_make_room_for_the_others() {
    let records = &[
        (Level::ERROR, "e1"),
        (Level::DEBUG, "d1"),
        (Level::INFO, "i1"),
        (Level::WARN, "w1"),
        (Level::INFO, "i2"),
        (Level::ERROR, "e2"),
        (Level::ERROR, "e3"),
    ];
    let left = left_of(Overflow::DropBelow(Level::WARN), records);
    assert_eq!(left, ["e1", "w1", "e2", "4 records were dropped by a full queue"]);
}

#[test]
fn who_waits_for_room_gets_it_or_is_dropped() {
    let target = CollectingHandler::new();
    target.gate().close();
    let queue = QueueHandler::builder().capacity(1).overflow(Overflow::Block(LONG)).build().unwrap();
    let listener = QueueListener::builder(&queue).handler(target.clone()).start().unwrap();
    queue.handle(&record("held").as_record()).unwrap();
    target.gate().wait_until_held();
    queue.handle(&record("in").as_record()).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| queue.handle(&record("waits").as_record()));
        target.gate().open();
        waiting.join().unwrap().unwrap();
    });
    listener.stop(LONG).unwrap();
    assert_eq!(target.lines(), ["held", "in", "waits"]);
    assert_eq!(left_of(Overflow::Block(Duration::from_millis(1)), INFOS).len(), 4);
}

#[test]
fn who_waits_for_room_is_let_go_by_a_close() {
    let queue =
        QueueHandler::builder().capacity(1).overflow(Overflow::Block(LONG)).on_failure(FailureLog::new()).build().unwrap();
    queue.handle(&record("in").as_record()).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| queue.handle(&record("waits").as_record()));
        queue.close(tracing_handlers_core::Deadline::now()).ok();
        assert!(waiting.join().unwrap().unwrap_err().is_closed());
    });
    assert_eq!(queue.stats().dropped_for(DropReason::Closed), 1);
}

#[test]
fn bytes_are_bounded_too_and_a_large_record_passes_alone() {
    let large = |n: usize| record("x".repeat(n));
    let queue = QueueHandler::builder().capacity_bytes(10_000).on_failure(FailureLog::new()).build().unwrap();
    let taken = (0..100).filter(|_| queue.handle(&large(1_000).as_record()).is_ok()).count();
    assert!((5..10).contains(&taken), "{taken} records of 1,000 bytes in 10,000");
    let queue = QueueHandler::builder().capacity_bytes(10_000).on_failure(FailureLog::new()).build().unwrap();
    queue.handle(&large(1_000_000).as_record()).unwrap();
    assert!(queue.handle(&large(1).as_record()).unwrap_err().is_full());
}

#[test]
fn the_record_of_what_is_missing_says_how_many_and_why() {
    let queue = QueueHandler::builder().capacity(1).on_failure(FailureLog::new()).build().unwrap();
    (0..4).for_each(|_| drop(queue.handle(&record("one").as_record())));
    let target = CollectingHandler::new();
    QueueListener::builder(&queue).handler(target.clone()).start().unwrap().stop(LONG).unwrap();
    let records = target.records();
    let summary = records.last().map(RecordBuf::as_record).unwrap();
    assert_eq!((summary.level(), summary.target()), (Level::WARN, "tracing_handlers"));
    assert_eq!(summary.field("full"), Some(Value::I64(3)));
    assert!(summary.timestamp().unix_seconds() > 1_700_000_000);
}

#[test]
fn drops_are_told_together() {
    let failures = FailureLog::new();
    let queue = QueueHandler::builder().capacity(1).on_failure(failures.clone()).build().unwrap();
    (0..1001).for_each(|_| drop(queue.handle(&record("one").as_record())));
    assert_eq!((failures.len(), failures.lost()), (1, 1), "the first at once, the others within ten seconds");
    queue.close(tracing_handlers_core::Deadline::now()).ok();
    assert_eq!((failures.len(), failures.lost()), (2, 1000));
}
