//! `handled = delivered + dropped + pending`, whatever happens.

use std::io::ErrorKind;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use tracing_handlers_core::{Deadline, Handler, Level, Record};
use tracing_handlers_queue::{HandlerExt, Overflow, QueueHandler, QueueListener};
use tracing_handlers_testing::{CollectingHandler, FailureLog};

#[derive(Clone, Debug)]
enum Step {
    Put(u8, usize),
    Break,
    Mend,
    Flush,
    StopAndStart,
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..5_u8, 0..400_usize).prop_map(|(level, size)| Step::Put(level, size)),
        1 => Just(Step::Break),
        1 => Just(Step::Mend),
        1 => Just(Step::Flush),
        1 => Just(Step::StopAndStart),
        1 => Just(Step::Close),
    ]
}

fn overflow() -> impl Strategy<Value = Overflow> {
    prop_oneof![
        Just(Overflow::DropNewest),
        Just(Overflow::DropOldest),
        Just(Overflow::DropBelow(Level::WARN)),
        Just(Overflow::Block(Duration::from_micros(50))),
    ]
}

const LEVELS: [Level; 5] = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];
const LONG: Duration = Duration::from_secs(30);

fn put(handler: &impl Handler, level: u8, size: usize) {
    let record = Record::builder().level(LEVELS[usize::from(level)]).message("x".repeat(size)).build();
    handler.handle(&record.as_record()).ok();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// One handler behind its queue: what was offered was handled, and is delivered, dropped or pending, at every step.
    #[test]
    fn of_a_handler_behind_a_queue(steps in prop::collection::vec(step(), 1..60), overflow in overflow(), capacity in 1..20_usize) {
        let (target, failures) = (CollectingHandler::new(), FailureLog::new());
        let queued = target.clone().queued().capacity(capacity).capacity_bytes(2_000).overflow(overflow);
        let queued = queued.on_failure(failures.clone()).build().unwrap();
        let mut offered = 0;
        for step in steps {
            match step {
                Step::Put(level, size) => {
                    put(&queued, level, size);
                    offered += 1;
                }
                Step::Break => target.fail(ErrorKind::BrokenPipe),
                Step::Mend => target.mend(),
                Step::Flush | Step::StopAndStart => drop(queued.flush(Deadline::after(LONG))),
                Step::Close => drop(queued.close(Deadline::after(LONG))),
            }
            prop_assert!(queued.stats().is_balanced(), "{}", queued.stats());
        }
        drop(queued.close(Deadline::after(LONG)));
        let stats = queued.stats();
        prop_assert!(stats.is_balanced() && stats.pending == 0, "{}", stats);
        // Summaries are records too, of our own making.
        prop_assert!(stats.handled >= offered && stats.handled <= offered + 60, "{} of {}", stats, offered);
        prop_assert_eq!(stats.delivered, target.records().len() as u64);
        prop_assert_eq!(failures.lost(), stats.dropped(), "{:?}", failures);
    }

    /// A queue with a listener that comes and goes, and four threads that log.
    #[test]
    fn of_a_queue_with_a_listener(steps in prop::collection::vec(step(), 1..40), overflow in overflow(), capacity in 1..20_usize) {
        let (target, failures) = (CollectingHandler::new(), FailureLog::new());
        let queue = QueueHandler::builder().capacity(capacity).overflow(overflow).on_failure(failures.clone()).build().unwrap();
        let listener = QueueListener::builder(&queue).handler(target.clone()).start().unwrap();
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..50).for_each(|n| put(&queue, n % 5, usize::from(n))));
            }
            for step in &steps {
                match step {
                    Step::Put(level, size) => put(&queue, *level, *size),
                    Step::Break => target.fail(ErrorKind::BrokenPipe),
                    Step::Mend => target.mend(),
                    Step::Flush => drop(queue.flush(Deadline::after(LONG))),
                    Step::StopAndStart => {
                        listener.stop(LONG).unwrap();
                        listener.start().unwrap();
                    }
                    Step::Close => drop(queue.close(Deadline::after(LONG))),
                }
            }
        });
        listener.stop(LONG).unwrap();
        let stats = queue.stats();
        prop_assert!(stats.is_balanced() && stats.pending == 0, "{}", stats);
        prop_assert_eq!(stats.delivered, target.stats().handled);
        drop(queue.close(Deadline::after(LONG)));
        prop_assert_eq!(failures.lost(), stats.dropped() + target.stats().dropped(), "{:?}", failures);
    }
}
