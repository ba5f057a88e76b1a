//! Models of the bounded queue: every order in which its threads can meet is tried, with `--cfg loom` in `RUSTFLAGS`.
//!
//! Of a flush, which has by far the most of them, those in which a thread is interrupted up to five times.
//!
//! loom knows no time: who waits for a while waits until woken. So these models show that nobody is forgotten, not that he is punctual.

#![cfg(loom)]
#![allow(clippy::panic, clippy::unwrap_used)]

use std::time::Duration;

use loom::sync::Arc;
use loom::thread;
use tracing_handlers_core::buffer::{Batch, BoundedQueue, Limits, Overflow, Pace};
use tracing_handlers_core::{Deadline, DropReason, Level, Record, Stats};

/// A queue whose every record wakes a consumer that polls.
fn queue(records: usize, overflow: Overflow) -> Arc<BoundedQueue> {
    Arc::new(BoundedQueue::new(Limits { records, overflow, wake_level: Level::TRACE, ..Limits::default() }))
}

fn put(queue: &BoundedQueue) -> Result<(), DropReason> {
    queue.push(&Record::builder().message("x").build().as_record()).result
}

/// A consumer that looked in vain so often that it sleeps for good.
fn tired() -> Pace {
    let mut pace = Pace::new(Duration::from_millis(5));
    (0..1_000).for_each(|_| pace.looked(false));
    pace
}

/// Takes records until the queue is over.
fn consume(queue: &BoundedQueue, mut pace: Pace) -> usize {
    let (mut batch, mut count) = (Batch::new(), 0);
    loop {
        let is_over = queue.is_over();
        let taken = queue.take(&mut batch).records;
        queue.finish(0, Stats::new());
        count += taken;
        if is_over {
            return count;
        }
        pace.looked(taken > 0);
        queue.wait(&mut pace);
    }
}

#[test]
fn a_sleeping_consumer_gets_what_two_producers_push() {
    loom::model(|| {
        let queue = queue(8, Overflow::DropNewest);
        let producers = [(); 2].map(|()| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || put(&queue).unwrap())
        });
        let (mut batch, mut count, mut pace) = (Batch::new(), 0, tired());
        while count < 2 {
            queue.wait(&mut pace);
            count += queue.take(&mut batch).records;
            queue.finish(0, Stats::new());
            pace = tired();
        }
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        assert_eq!(queue.stats().delivered, 2);
    });
}

#[test]
fn what_was_in_before_the_close_is_taken() {
    for pace in [Pace::new(Duration::from_millis(5)), tired()] {
        loom::model(move || {
            let queue = queue(8, Overflow::DropNewest);
            let consumer = {
                let queue = Arc::clone(&queue);
                thread::spawn(move || consume(&queue, pace))
            };
            put(&queue).unwrap();
            queue.close();
            assert_eq!(put(&queue), Err(DropReason::Closed));
            assert_eq!(consumer.join().unwrap(), 1);
            assert!(queue.stats().is_balanced());
        });
    }
}

#[test]
fn a_consumer_without_records_ends_with_the_queue() {
    for end in [BoundedQueue::close as fn(&BoundedQueue), |queue| queue.set_stopped(true)] {
        loom::model(move || {
            let queue = queue(8, Overflow::DropNewest);
            let consumer = {
                let queue = Arc::clone(&queue);
                thread::spawn(move || consume(&queue, tired()))
            };
            end(&queue);
            assert_eq!(consumer.join().unwrap(), 0);
        });
    }
}

#[test]
fn a_producer_without_room_is_let_in_or_let_go() {
    loom::model(|| {
        let queue = queue(1, Overflow::Block(Duration::from_secs(3_600)));
        put(&queue).unwrap();
        let producer = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || put(&queue))
        };
        let (mut batch, mut pace) = (Batch::new(), tired());
        queue.wait(&mut pace);
        let first = queue.take(&mut batch).records;
        queue.finish(0, Stats::new());
        queue.close();
        let let_in = producer.join().unwrap();
        let second = queue.take(&mut batch).records;
        queue.finish(0, Stats::new());
        assert_eq!(first + second, 1 + usize::from(let_in.is_ok()));
        assert!(queue.stats().is_balanced() && queue.stats().pending == 0);
    });
}

#[test]
fn a_flush_waits_for_what_was_in_before() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(5);
    model.check(|| {
        let queue = queue(8, Overflow::DropNewest);
        let consumer = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || consume(&queue, tired()))
        };
        put(&queue).unwrap();
        let barrier = queue.barrier();
        assert!(queue.wait_until_done(barrier, Deadline::never()));
        assert_eq!(queue.stats().delivered, 1);
        queue.set_stopped(true);
        consumer.join().unwrap();
    });
}
