//! Most records go into a queue by a short way that looks at nothing but the room in one batch. It must not be seen: two queues that are asked the
//! same, one of which never takes the short way, give the same answers.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use proptest::prelude::*;
use tracing::{debug, error, info, info_span, trace, warn};
use tracing_handlers_core::buffer::{Batch, BoundedQueue, Limits, Overflow, Pace, Pushed};
use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{HandlerLayer, Level, Record, Stats};
use tracing_subscriber::prelude::*;

use crate::common::Kept;

/// What is done to both queues.
#[derive(Clone, Debug)]
enum Step {
    /// So many events of this level with so long a message.
    Log(usize, u8, usize),
    /// So many in a span with so long a field, and so many after that.
    LogInSpan(usize, usize, usize),
    Take,
    TakeSome(usize, usize),
    Finish(u64),
    BeginWait,
    BeginLinger(usize, usize),
    Poll,
    EndWait,
    Barrier,
    TakeUnreported,
    SetStopped(bool),
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (prop_oneof![8 => 1..6_usize, 1 => 60..150_usize, 1 => 900..1_300_usize], 0..5_u8, prop_oneof![8 => 0..40_usize, 2 => 300..6_000_usize])
            .prop_map(|(count, level, len)| Step::Log(count, level, len)),
        2 => (1..6_usize, prop_oneof![0..40_usize, 300..3_000_usize], 0..100_usize)
            .prop_map(|(count, len, after)| Step::LogInSpan(count, len, after)),
        2 => Just(Step::Take),
        2 => (1..6_usize, 100..2_000_usize).prop_map(|(records, bytes)| Step::TakeSome(records, bytes)),
        3 => (0..3_u64).prop_map(Step::Finish),
        3 => Just(Step::BeginWait),
        1 => (1..20_usize, 100..5_000_usize).prop_map(|(records, bytes)| Step::BeginLinger(records, bytes)),
        3 => Just(Step::Poll),
        2 => Just(Step::EndWait),
        1 => Just(Step::Barrier),
        1 => Just(Step::TakeUnreported),
        1 => any::<bool>().prop_map(Step::SetStopped),
        1 => Just(Step::Close),
    ];
    prop::collection::vec(step, 1..60)
}

fn limits() -> impl Strategy<Value = Limits> {
    let overflow = prop_oneof![
        Just(Overflow::DropNewest),
        Just(Overflow::DropOldest),
        Just(Overflow::DropBelow(Level::INFO)),
        Just(Overflow::Block(Duration::ZERO)),
    ];
    let records = prop_oneof![4 => 1..30_usize, 1 => 1_000..4_000_usize];
    let bytes = prop_oneof![2 => 200..6_000_usize, 1 => 250_000..600_000_usize, 2 => Just(8 << 20)];
    (records, bytes, overflow, prop_oneof![Just(Level::ERROR), Just(Level::TRACE), Just(Level::INFO)])
        .prop_map(|(records, bytes, overflow, wake_level)| Limits { records, bytes, overflow, wake_level, ..Limits::default() })
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A queue and its consumer.
struct Side {
    queue: Arc<BoundedQueue>,
    batch: Batch,
    pace: Pace,
    woken: Arc<Woken>,
}

impl Side {
    fn new(limits: Limits) -> Self {
        Self {
            queue: Arc::new(BoundedQueue::new(limits)),
            batch: Batch::new(),
            pace: Pace::new(limits.max_delay),
            woken: Arc::default(),
        }
    }

    /// Takes a step that is no event, and gives all that can be seen.
    fn step(&mut self, step: &Step) -> String {
        let Self { queue, batch, pace, woken } = self;
        let seen = match *step {
            Step::Log(..) | Step::LogInSpan(..) => String::new(),
            Step::Take => format!("{:?}", queue.take(batch)),
            Step::TakeSome(records, bytes) => format!("{:?}", queue.take_some(batch, records, bytes)),
            Step::Finish(lost) => {
                queue.finish(lost, Stats::new());
                String::new()
            }
            Step::BeginWait => {
                pace.looked(false);
                format!("{:?}", queue.begin_wait(pace))
            }
            Step::BeginLinger(records, bytes) => format!("{:?}", queue.begin_linger(records, bytes)),
            Step::Poll => {
                let waker = Waker::from(Arc::clone(woken));
                format!("{:?}", queue.poll_woken(&mut Context::from_waker(&waker)).is_ready())
            }
            Step::EndWait => format!("{:?}", queue.end_wait()),
            Step::Barrier => format!("{:?}", queue.barrier()),
            Step::TakeUnreported => format!("{:?}", queue.take_unreported()),
            Step::SetStopped(is_stopped) => {
                queue.set_stopped(is_stopped);
                String::new()
            }
            Step::Close => {
                queue.close();
                String::new()
            }
        };
        let messages: Vec<_> = batch.records().map(|record| record.message().len()).collect();
        let woken = woken.0.load(Ordering::Relaxed);
        format!("{seen} {messages:?} woken {woken} {:?} {:?}", queue.snapshot(), queue.is_over())
    }
}

fn log(level: u8, len: usize) {
    let message = "x".repeat(len);
    match level {
        0 => error!("{message}"),
        1 => warn!("{message}"),
        2 => info!("{message}"),
        3 => debug!("{message}"),
        _ => trace!("{message}"),
    }
}

/// Asks both the same.
fn compare(limits: Limits, steps: &[Step]) {
    let (mut short, mut careful) = (Side::new(limits), Side::new(limits));
    let (one, other) = (Arc::clone(&short.queue), Arc::clone(&careful.queue));
    let differing: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&differing);
    let closed = Arc::new(AtomicBool::new(false));
    let is_closed = Arc::clone(&closed);
    let push = move |record: &Record<'_>| {
        let Pushed { result, report } = one.push(record);
        // Settles nothing; but after whatever else is done to a queue, a push looks at everything.
        other.settle(0, Stats::new());
        let carefully = other.push(record);
        // A panic would be contained here.
        let is_wrong = result.is_ok() && is_closed.load(Ordering::Relaxed);
        if (result, &report) != (carefully.result, &carefully.report) || is_wrong {
            lock(&noted).push(format!("{result:?} {report:?}, but {carefully:?}"));
        }
    };
    let subscriber = tracing_subscriber::registry().with(HandlerLayer::new(Kept::looking(push)));
    tracing::subscriber::with_default(subscriber, || {
        for step in steps {
            match *step {
                Step::Log(count, level, len) => (0..count).for_each(|_| log(level, len)),
                Step::LogInSpan(count, len, after) => {
                    info_span!("span", text = "y".repeat(len)).in_scope(|| (0..count).for_each(|_| log(3, 10)));
                    (0..after).for_each(|_| log(3, 10));
                }
                _ => {}
            }
            assert_eq!(short.step(step), careful.step(step), "{step:?}");
            closed.fetch_or(matches!(step, Step::Close), Ordering::Relaxed);
            assert_eq!(*lock(&differing), Vec::<String>::new(), "{step:?}");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_short_way_into_a_queue_is_not_seen(limits in limits(), steps in steps()) {
        compare(limits, &steps);
    }
}

/// Spans count once, when the first record brings them. Whether they are forgotten shows where what is left is used up to the last byte, so
/// with messages of one length and not of another.
#[test]
fn spans_that_come_by_the_short_way_take_their_room() {
    let limits = Limits { records: 10_000, bytes: 20_000, ..Limits::default() };
    for len in 0..80 {
        compare(
            limits,
            &[Step::Log(150, 3, 10), Step::LogInSpan(3, 600, 0), Step::LogInSpan(3, 600, 0), Step::Log(150, 3, len)],
        );
    }
}
