//! The books, under whatever comes: random bounds, levels, targets that fail, come and go, closes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use proptest::prelude::*;
use tracing_handlers_core::{Deadline, DropReason, Handler, Level};
use tracing_handlers_memory::MemoryHandler;
use tracing_handlers_testing::FailureLog;

use crate::support::{Conduct, Target, record};

#[derive(Clone, Copy, Debug)]
enum Step {
    Handle(Level, usize),
    Conduct(Conduct),
    ConductMixed,
    SetTarget,
    TakeTarget,
    Flush,
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let level = prop::sample::select(vec![Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR]);
    prop_oneof![
        20 => (level, 0_usize..400).prop_map(|(level, size)| Step::Handle(level, size)),
        3 => prop::sample::select(vec![Conduct::Keeps, Conduct::Keeps, Conduct::Refuses, Conduct::Panics]).prop_map(Step::Conduct),
        1 => Just(Step::ConductMixed),
        2 => Just(Step::SetTarget),
        1 => Just(Step::TakeTarget),
        2 => Just(Step::Flush),
        1 => prop_oneof![9 => Just(Step::Flush), 1 => Just(Step::Close)],
    ]
}

/// Each record as its size wants it, so that one batch meets all three.
fn mixed(message: &str) -> Conduct {
    match message.len() % 5 {
        0 => Conduct::Refuses,
        1 => Conduct::Panics,
        _ => Conduct::Keeps,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_books_balance_after_every_step(
        capacity in 1_usize..12,
        bytes in 1_usize..4_000,
        is_recorder in any::<bool>(),
        flush_on_close in any::<bool>(),
        counts in any::<bool>(),
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let builder = if is_recorder { MemoryHandler::flight_recorder(capacity) } else { MemoryHandler::builder(capacity) };
        let target = if counts { Target::new() } else { Target::without_counters(|_| Conduct::Keeps) };
        let failures = FailureLog::new();
        let memory = builder
            .capacity_bytes(bytes)
            .target(target.clone())
            .flush_on_close(flush_on_close)
            .on_failure(failures.clone())
            .build()
            .unwrap();
        let mut offered = Vec::new();
        for step in steps {
            match step {
                Step::Handle(level, size) => {
                    let message = format!("{} {}", offered.len(), "x".repeat(size));
                    memory.handle(&record(level, message.as_str()).as_record()).ok();
                    offered.push(message);
                }
                Step::Conduct(conduct) => target.conduct(conduct),
                Step::ConductMixed => target.conduct_by(mixed),
                Step::SetTarget => drop(memory.set_target(target.clone())),
                Step::TakeTarget => drop(memory.take_target()),
                Step::Flush => drop(memory.flush(Deadline::never())),
                Step::Close => drop(memory.close(Deadline::never())),
            }
            let stats = memory.stats();
            prop_assert!(stats.is_balanced(), "{step:?}: {stats}");
            prop_assert_eq!(stats.handled, offered.len() as u64);
            prop_assert!(stats.pending <= capacity as u64, "{step:?}: {stats}");
            prop_assert_eq!(failures.lost(), stats.dropped() - stats.dropped_for(DropReason::Forgotten), "{}", stats);
            let arrived = target.messages();
            // Without counters of the target, what it kept of a batch that failed counts as lost.
            let is_exact = if counts { stats.delivered == arrived.len() as u64 } else { stats.delivered <= arrived.len() as u64 };
            prop_assert!(is_exact, "{step:?}: {} arrived, {stats}", arrived.len());
            let mut all = offered.iter();
            prop_assert!(arrived.iter().all(|message| all.any(|other| other == message)), "out of order: {arrived:?}");
        }
    }
}

/// Four threads hand over at all levels while two targets take turns, are away for moments, and somebody flushes.
#[test]
fn the_books_balance_among_threads() {
    for capacity in [1, 10, 1_000] {
        let targets = [Target::new(), Target::new()];
        let memory = MemoryHandler::builder(capacity).target(targets[0].clone()).on_failure(FailureLog::new()).build().unwrap();
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let writers = [0, 1, 2, 3].map(|writer| {
                let memory = &memory;
                scope.spawn(move || {
                    for number in 0..1_000 {
                        let level = if number % 7 == 0 { Level::ERROR } else { Level::INFO };
                        memory.handle(&record(level, format!("{writer} {number:04}")).as_record()).unwrap();
                    }
                })
            });
            scope.spawn(|| {
                for target in targets.iter().cycle() {
                    drop(memory.take_target());
                    drop(memory.set_target(target.clone()));
                    memory.flush(Deadline::never()).unwrap();
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
            for writer in writers {
                writer.join().unwrap();
            }
            is_over.store(true, Ordering::Relaxed);
        });
        memory.close(Deadline::never()).unwrap();
        let stats = memory.stats();
        assert!(stats.is_balanced() && stats.pending == 0 && stats.handled == 4_000, "{stats}");
        // What came while there was no target may have found no room.
        assert_eq!(stats.dropped(), stats.dropped_for(DropReason::Full), "{stats}");
        let of_targets = targets.map(|target| target.messages());
        assert_eq!(of_targets.iter().map(Vec::len).sum::<usize>() as u64, stats.delivered);
        for (messages, writer) in
            of_targets.iter().flat_map(|messages| ["0 ", "1 ", "2 ", "3 "].map(|writer| (messages, writer)))
        {
            let of_writer: Vec<_> = messages.iter().filter(|message| message.starts_with(writer)).collect();
            assert!(of_writer.is_sorted(), "out of order");
        }
    }
}
