//! The bounded queue as its consumers see it.

use std::mem;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use tracing::{Dispatch, Span, dispatcher, info, info_span, trace};
use tracing_handlers_core::buffer::{Batch, BoundedQueue, Limits, Overflow, Pace};
use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{HandlerLayer, Level, Record, RecordBuf, Stats};
use tracing_subscriber::prelude::*;

use crate::common::Kept;

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

/// Says that it was woken.
struct Tells(Sender<()>);

impl Wake for Tells {
    fn wake(self: Arc<Self>) {
        self.0.send(()).ok();
    }
}

/// A consumer that can do nothing for now took nothing, and sleeps over a queue that is full.
#[test]
fn a_producer_without_room_wakes_a_consumer_that_sleeps_and_is_let_in() {
    const PATIENCE: Duration = Duration::from_secs(30);
    let overflow = Overflow::Block(100 * PATIENCE);
    let limits = Limits { records: 1, overflow, max_delay: 100 * PATIENCE, ..Limits::default() };
    let queue = BoundedQueue::new(limits);
    put(&queue, Level::INFO, "1");
    let (tells, told) = channel();
    let waker = Waker::from(Arc::new(Tells(tells)));
    let mut context = Context::from_waker(&waker);
    // What came until now it was woken for.
    queue.end_wait();
    assert!(queue.begin_wait(&mut Pace::new(PATIENCE)).is_some());
    assert!(queue.poll_woken(&mut context).is_pending());
    thread::scope(|scope| {
        let (is_in, let_in) = channel();
        let queue = &queue;
        let producer = scope.spawn(move || {
            put(queue, Level::INFO, "2");
            is_in.send(()).unwrap();
        });
        let woken = told.recv_timeout(PATIENCE);
        let is_ready = queue.poll_woken(&mut context).is_ready();
        queue.take(&mut Batch::new());
        let let_in = let_in.recv_timeout(PATIENCE);
        // Whatever went wrong, nobody waits any more.
        queue.close();
        assert_eq!((woken, is_ready, let_in), (Ok(()), true, Ok(())));
        producer.join().unwrap();
    });
    assert_eq!((queue.stats().handled, queue.stats().dropped()), (2, 0));
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

type Taken = Arc<Mutex<(Batch, Vec<(Level, RecordBuf)>)>>;

/// Takes every record into a batch, and notes what it was.
fn taking(taken: &Taken) -> HandlerLayer<Kept> {
    let taken = Arc::clone(taken);
    HandlerLayer::new(Kept::looking(move |record| {
        let (batch, list) = &mut *lock(&taken);
        batch.push(record);
        list.push((record.level(), record.to_buf()));
    }))
}

/// What happens to a batch of events.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// One is raised: in a span or none, here or in a thread of its own.
    Raised {
        is_trace: bool,
        span: usize,
        is_apart: bool,
    },
    /// A span is entered by others from now on.
    Replaced(usize),
    Evicted,
    Moved(usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let raised = (any::<bool>(), 0..12_usize, prop::bool::weighted(0.3));
    let event = prop_oneof![
        8 => raised.prop_map(|(is_trace, span, is_apart)| Event::Raised { is_trace, span, is_apart }),
        1 => (0..12_usize).prop_map(Event::Replaced),
        3 => Just(Event::Evicted),
        1 => (1..60_usize).prop_map(Event::Moved),
    ];
    prop::collection::vec(event, 0..1_200)
}

fn raise(is_trace: bool) {
    if is_trace {
        trace!(number = 7, "seen");
    } else {
        info!(text = "some", "seen");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 20, ..ProptestConfig::default() })]

    /// Threads and spans, which many records have in common, are still those of each.
    #[test]
    fn what_records_have_in_common_is_still_that_of_each(events in events()) {
        let taken = Taken::default();
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(taking(&taken)));
        let new_span = |number: usize| dispatcher::with_default(&dispatch, || match number % 3 {
            0 => Span::none(),
            _ => info_span!("work", number, text = "y".repeat(number)),
        });
        let mut spans: Vec<_> = (0..12).map(new_span).collect();
        for (number, event) in events.into_iter().enumerate() {
            match event {
                Event::Raised { is_trace, span, is_apart: false } => {
                    dispatcher::with_default(&dispatch, || spans[span].in_scope(|| raise(is_trace)));
                }
                Event::Raised { is_trace, span, is_apart: true } => {
                    let (dispatch, span) = (dispatch.clone(), spans[span].clone());
                    let raised = move || dispatcher::with_default(&dispatch, || span.in_scope(|| raise(is_trace)));
                    thread::Builder::new().name(format!("apart {number}")).spawn(raised).unwrap().join().unwrap();
                }
                Event::Replaced(span) => drop(mem::replace(&mut spans[span], new_span(number))),
                Event::Evicted => {
                    let (batch, list) = &mut *lock(&taken);
                    let newest = list.len().saturating_sub(1);
                    let oldest = list.iter().take(newest).position(|(level, _)| *level == Level::TRACE);
                    prop_assert_eq!(batch.evict(|level| level == Level::TRACE), oldest.is_some());
                    oldest.map(|oldest| list.remove(oldest));
                }
                Event::Moved(count) => {
                    let (batch, list) = &mut *lock(&taken);
                    let mut moved = Batch::new();
                    let before = batch.whole_bytes_len();
                    batch.move_oldest(&mut moved, count, usize::MAX);
                    let expected: Vec<_> = list.drain(..count.min(list.len())).map(|(_, record)| record).collect();
                    prop_assert_eq!(all(&moved), expected);
                    prop_assert_eq!(batch.whole_bytes_len() + moved.whole_bytes_len(), before);
                }
            }
            let (batch, list) = &*lock(&taken);
            prop_assert_eq!((batch.len(), batch.bytes_len() == 0), (list.len(), list.is_empty()));
            prop_assert!(batch.bytes_len() <= batch.whole_bytes_len() && (batch.whole_bytes_len() == 0) == list.is_empty());
        }
        let (batch, list) = &*lock(&taken);
        prop_assert_eq!(all(batch), list.iter().map(|(_, record)| record.clone()).collect::<Vec<_>>());
    }
}

fn all(batch: &Batch) -> Vec<RecordBuf> {
    batch.records().map(|record| record.to_buf()).collect()
}

#[test]
fn spans_of_many_records_are_kept_once_and_counted_once() {
    let taken = Taken::default();
    let subscriber = tracing_subscriber::registry().with(taking(&taken));
    tracing::subscriber::with_default(subscriber, || {
        let _long = info_span!("long", text = "z".repeat(5_000)).entered();
        (0..100).for_each(|_| raise(false));
    });
    let (batch, list) = &*lock(&taken);
    assert!(batch.bytes_len() < 30_000 && batch.whole_bytes_len() > 500_000, "{} bytes", batch.bytes_len());
    assert!(all(batch).iter().eq(list.iter().map(|(_, record)| record)));
}
