//! One handler behind a queue of its own.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, thread};

use tracing_handlers_core::{Deadline, Error, Handler, HandlerLayer, Level, Record, Stats};
use tracing_handlers_queue::HandlerExt;
use tracing_handlers_rotating_file::RotatingFileHandler;
use tracing_handlers_testing::{CollectingHandler, FailureLog, Gate, MessageOnly, OnRecord, record};
use tracing_subscriber::prelude::*;

const LONG: Duration = Duration::from_secs(30);

#[test]
fn a_drop_hands_on_what_waits_and_closes_the_handler() {
    let target = CollectingHandler::new();
    let queued = target.clone().queued().max_delay(LONG).build().unwrap();
    queued.handle(&record("one").as_record()).unwrap();
    drop(queued);
    assert_eq!(target.lines(), ["one"]);
    assert!(target.is_closed());
}

#[test]
fn an_important_record_does_not_wait() {
    let target = CollectingHandler::new();
    let queued = target.clone().queued().max_delay(Duration::from_secs(3_600)).wake_level(Level::WARN).build().unwrap();
    queued.handle(&record("first").as_record()).unwrap();
    queued.flush(Deadline::after(LONG)).unwrap();
    target.gate().close();
    // The thread looks again in minutes, unless it is told otherwise.
    queued.handle(&Record::builder().level(Level::WARN).message("at once").build().as_record()).unwrap();
    target.gate().wait_until_held();
    target.gate().open();
}

#[test]
fn the_counters_are_those_of_queue_and_handler_together() {
    let target = CollectingHandler::new();
    let queued = target.clone().queued().on_failure(FailureLog::new()).build().unwrap();
    target.fail(ErrorKind::BrokenPipe);
    queued.handle(&record("lost").as_record()).unwrap();
    queued.flush(Deadline::after(LONG)).unwrap_err();
    target.mend();
    queued.handle(&record("kept").as_record()).unwrap();
    queued.flush(Deadline::after(LONG)).unwrap();
    assert_eq!(queued.stats(), target.stats());
    assert_eq!(queued.stats().to_string(), "handled 2, delivered 1, pending 0, dropped 1 (failed: 1)");
}

/// Whenever somebody looks, also while the thread is at work: the books are balanced.
#[test]
fn the_books_are_balanced_at_every_moment() {
    let directory = tempfile::tempdir().unwrap();
    let file = RotatingFileHandler::builder(directory.path().join("app.log")).max_bytes(2_000).backup_count(3);
    let file = file.format(MessageOnly).buffered(Default::default()).build().unwrap();
    let queued = file.queued().capacity(64).on_failure(FailureLog::new()).build().unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            (0..20_000).for_each(|n| drop(queued.handle(&record(n.to_string()).as_record())));
            is_over.store(true, Ordering::SeqCst);
        });
        let mut looks = 0;
        while !is_over.load(Ordering::SeqCst) {
            let stats = queued.stats();
            assert!(stats.is_balanced(), "{stats}");
            looks += 1;
        }
        assert!(looks > 10);
    });
    queued.flush(Deadline::after(LONG)).unwrap();
    let stats = queued.stats();
    assert!(stats.is_balanced() && stats.pending == 0 && stats.delivered > 0, "{stats}");
}

#[test]
fn a_file_behind_a_queue_is_written_many_records_at_a_time() {
    /// Counts how often it is called.
    #[derive(Default)]
    struct Counting(std::sync::atomic::AtomicU64, CollectingHandler);
    impl Handler for Counting {
        fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
            self.1.handle(record)
        }
        fn handle_batch(&self, records: &mut dyn Iterator<Item = Record<'_>>) -> Result<(), Error> {
            self.0.fetch_add(1, Ordering::SeqCst);
            for record in records {
                self.handle(&record)?;
            }
            Ok(())
        }
        fn flush(&self, _: Deadline) -> Result<(), Error> {
            Ok(())
        }
        fn close(&self, _: Deadline) -> Result<(), Error> {
            Ok(())
        }
        fn stats(&self) -> Stats {
            self.1.stats()
        }
    }
    let queued = Counting::default().queued().max_delay(LONG).build().unwrap();
    (0..1_000).for_each(|n| queued.handle(&record(n.to_string()).as_record()).unwrap());
    queued.flush(Deadline::after(LONG)).unwrap();
    let calls = queued.handler().0.load(Ordering::SeqCst);
    assert!((1..=3).contains(&calls), "{calls} calls for 1,000 records");
}

#[test]
fn what_the_handler_logs_itself_is_not_handled() {
    let target = CollectingHandler::new();
    let kept = target.clone();
    let chatty = OnRecord::new(move |record| {
        tracing::info!("about a record");
        kept.handle(record)
    });
    let layer = HandlerLayer::new(chatty.queued().build().unwrap());
    let handle = layer.handle();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || tracing::info!("one"));
    handle.flush(LONG).unwrap();
    assert_eq!(target.lines(), ["one"]);
}

#[test]
fn events_and_their_spans_come_through_as_they_were() {
    let (direct, behind) = (CollectingHandler::new(), CollectingHandler::new());
    let queued = HandlerLayer::new(behind.clone().queued().build().unwrap());
    let handle = queued.handle();
    let subscriber = tracing_subscriber::registry().with(HandlerLayer::new(direct.clone())).with(queued);
    tracing::subscriber::with_default(subscriber, || {
        tracing::info_span!("outer", id = 7).in_scope(|| {
            tracing::info_span!("inner", name = "x").in_scope(|| {
                tracing::warn!(target: "elsewhere", count = 3_u64, ratio = 0.5, text = "a\nb", "message {}", 1);
                tracing::info!(error = &std::io::Error::other("broken") as &dyn std::error::Error);
            });
        });
        thread::Builder::new().spawn(|| ()).unwrap().join().unwrap();
    });
    handle.flush(LONG).unwrap();
    assert_eq!(direct.records(), behind.records());
    assert_eq!(direct.records().len(), 2);
}

#[test]
fn a_rollover_is_nothing_that_a_caller_waits_for() {
    let directory = tempfile::tempdir().unwrap();
    let (gate, path) = (Gate::new(), directory.path().join("app.log"));
    let rotator = {
        let gate = gate.clone();
        move |from: &std::path::Path, to: &std::path::Path| {
            gate.pass()?;
            fs::rename(from, to)
        }
    };
    let file = RotatingFileHandler::builder(&path).max_bytes(4).backup_count(9).format(MessageOnly).rotator(rotator);
    let queued = file.build().unwrap().queued().build().unwrap();
    gate.close();
    for n in 0..3 {
        queued.handle(&record(n.to_string()).as_record()).unwrap();
    }
    gate.wait_until_held();
    queued.handle(&record("meanwhile").as_record()).unwrap();
    gate.open();
    queued.close(Deadline::after(LONG)).unwrap();
    assert_eq!(queued.stats().delivered, 4);
}
