//! What a listener does with handlers that fail, panic or hang, and what it refuses.

use std::io::ErrorKind;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use tracing_handlers_core::{Deadline, DropReason, Handler};
use tracing_handlers_queue::{QueueHandler, QueueListener};
use tracing_handlers_testing::{CollectingHandler, FailureLog, OnRecord, record};

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(50);

fn put(queue: &QueueHandler, messages: &[&str]) {
    messages.iter().for_each(|message| queue.handle(&record(*message).as_record()).unwrap());
}

#[test]
fn a_handler_that_panics_loses_its_own_record_and_no_other() {
    let (kept, calm, failures) = (CollectingHandler::new(), CollectingHandler::new(), FailureLog::new());
    let inner = kept.clone();
    let touchy = OnRecord::new(move |record| {
        assert_ne!(record.message(), "bad", "deliberate mistake of a handler");
        inner.handle(record)
    });
    let queue = QueueHandler::builder().on_failure(failures.clone()).build().unwrap();
    put(&queue, &["one", "bad", "two", "bad", "three"]);
    let listener = QueueListener::builder(&queue).handler(touchy).handler(calm.clone()).start().unwrap();
    listener.stop(LONG).unwrap();
    assert_eq!(kept.lines(), ["one", "two", "three"]);
    assert_eq!(calm.lines(), ["one", "bad", "two", "bad", "three"]);
    assert_eq!(failures.lost_for(DropReason::Panicked), 2);
    let stats = queue.stats();
    assert_eq!((stats.delivered, stats.dropped_for(DropReason::Panicked)), (3, 2));
    assert!(stats.is_balanced());
}

#[test]
fn a_handler_that_fails_takes_nothing_from_the_others_and_is_reported() {
    let (broken, sound, failures) = (CollectingHandler::new(), CollectingHandler::new(), FailureLog::new());
    broken.fail(ErrorKind::BrokenPipe);
    let queue = QueueHandler::builder().on_failure(failures.clone()).build().unwrap();
    let listener = QueueListener::builder(&queue).handler(broken.clone()).handler(sound.clone()).start().unwrap();
    put(&queue, &["one", "two"]);
    listener.stop(LONG).unwrap();
    assert_eq!(sound.lines(), ["one", "two"]);
    assert_eq!(failures.lost_for(DropReason::Failed), broken.stats().dropped());
    assert_eq!(broken.stats().dropped(), 2);
}

#[test]
fn a_handler_that_hangs_holds_up_nobody_who_logs() {
    let target = CollectingHandler::new();
    target.gate().close();
    let queue = QueueHandler::builder().capacity(10).on_failure(FailureLog::new()).build().unwrap();
    let listener = QueueListener::builder(&queue).handler(target.clone()).start().unwrap();
    put(&queue, &["held"]);
    target.gate().wait_until_held();
    for n in 0..1000 {
        queue.handle(&record(n.to_string()).as_record()).ok();
    }
    let stats = queue.stats();
    assert_eq!((stats.pending, stats.dropped_for(DropReason::Full)), (11, 990));
    assert!(queue.flush(Deadline::after(SHORT)).unwrap_err().is_timed_out());
    assert!(listener.stop(SHORT).unwrap_err().is_timed_out());
    assert!(listener.start().is_err(), "the thread is not gone yet");
    target.gate().open();
    listener.stop(LONG).unwrap();
    assert_eq!(target.lines()[..2], ["held", "0"]);
    assert_eq!(target.lines().len(), 12, "those that were in, and one record of those that are missing");
    assert!(queue.stats().is_balanced());
}

#[test]
fn a_stop_hands_on_what_is_in_also_if_the_queue_is_full() {
    let target = CollectingHandler::new();
    let queue = QueueHandler::builder().capacity(5).build().unwrap();
    let listener = QueueListener::builder(&queue).handler(target.clone()).build().unwrap();
    put(&queue, &["1", "2", "3", "4", "5"]);
    listener.start().unwrap();
    listener.stop(LONG).unwrap();
    assert_eq!(target.lines().len(), 5);
}

#[test]
fn without_a_listener_a_flush_says_so() {
    let queue = QueueHandler::builder().build().unwrap();
    queue.flush(Deadline::now()).unwrap();
    put(&queue, &["one"]);
    let refused = queue.flush(Deadline::after(LONG)).unwrap_err();
    assert_eq!(refused.to_string(), "no listener takes 1 records out of the queue");
}

#[test]
fn two_listeners_never_share_a_queue() {
    let queue = QueueHandler::builder().build().unwrap();
    let first = QueueListener::builder(&queue).handler(CollectingHandler::new()).start().unwrap();
    let second = QueueListener::builder(&queue).handler(CollectingHandler::new()).build().unwrap();
    assert!(second.start().is_err());
    first.stop(LONG).unwrap();
    second.start().unwrap();
    put(&queue, &["one"]);
    second.stop(LONG).unwrap();
    assert_eq!(queue.stats().delivered, 1);
}

#[test]
fn what_cannot_be_is_refused_with_its_name() {
    let queue = QueueHandler::builder().build().unwrap();
    assert!(QueueListener::builder(&queue).build().unwrap_err().to_string().contains("handler"));
    let (sender, _receiver) = sync_channel(1);
    let written_only = QueueHandler::builder().queue(sender).build().unwrap();
    let refused = QueueListener::builder(&written_only).handler(CollectingHandler::new()).build().unwrap_err();
    assert!(refused.to_string().contains("no source"), "{refused}");
    for (built, name) in [
        (QueueHandler::builder().capacity(0).build(), "capacity"),
        (QueueHandler::builder().capacity_bytes(0).build(), "capacity_bytes"),
        (QueueHandler::builder().max_delay(Duration::ZERO).build(), "max_delay"),
    ] {
        let refused = built.unwrap_err();
        assert!(refused.is_config() && refused.to_string().contains(name), "{refused}");
    }
}

#[test]
fn a_handler_behind_the_queue_that_flushes_it_gets_an_error_and_no_deadlock() {
    let queue = QueueHandler::builder().build().unwrap();
    let target = CollectingHandler::new();
    let (own_queue, kept) = (queue.clone(), target.clone());
    let curious = OnRecord::new(move |record| {
        assert!(own_queue.flush(Deadline::never()).is_err());
        kept.handle(record)
    });
    let listener = QueueListener::builder(&queue).handler(curious).start().unwrap();
    put(&queue, &["one"]);
    listener.stop(LONG).unwrap();
    assert_eq!(target.lines(), ["one"]);
}
