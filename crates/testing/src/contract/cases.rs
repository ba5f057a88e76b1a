//! The cases. Each is a function that panics where the subject breaks its promise.

use std::iter;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use tracing::callsite::{DefaultCallsite, Identifier};
use tracing::field::FieldSet;
use tracing::metadata::Kind;
use tracing::{Dispatch, Event, Metadata};
use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Deadline, DropReason, Error, Failure, HandlerLayer, OnFailure};
use tracing_subscriber::prelude::*;

use super::Subject;
use super::run::{Run, concurrently, messages};
use crate::capture::FailureLog;
use crate::format::{PANIC, line_of};
use crate::gate::PATIENCE;

/// Records of one thread arrive in the order in which they were handled, all of them.
pub fn records_of_one_thread_arrive_in_order(subject: &dyn Subject) {
    let run = Run::open(subject);
    let messages = messages("record", 1000);
    messages.iter().for_each(|message| run.hand_over(message));
    run.flush();
    run.expect(&messages);
    run.books_of_success();
}

/// Four threads at once: every record arrives whole, and those of one thread in their order.
pub fn each_thread_keeps_its_order_and_nothing_is_lost_or_torn(subject: &dyn Subject) {
    let run = Run::open(subject);
    let of_threads: Vec<_> = (0..4).map(|thread| messages(&format!("thread {thread}"), 500)).collect();
    concurrently(&of_threads, |messages| messages.iter().for_each(|message| run.hand_over(message)));
    run.flush();
    let all = of_threads.concat();
    for messages in &of_threads {
        run.expect_among(&all, messages);
    }
    run.books_of_success();
}

/// After each flush that says `Ok`, everything handled before is there.
pub fn a_flush_brings_everything_to_the_destination(subject: &dyn Subject) {
    let run = Run::open(subject);
    let messages = messages("record", 20);
    for (index, message) in messages.iter().enumerate() {
        run.hand_over(message);
        run.flush();
        run.expect(&messages[..=index]);
        run.books_of_success();
    }
    run.flush();
    run.expect(&messages);
}

/// With others writing at the same time, a thread that flushed finds its own record.
pub fn a_flush_covers_the_record_that_its_thread_just_handled(subject: &dyn Subject) {
    let run = Run::open(subject);
    let of_threads: Vec<_> = (0..4).map(|thread| messages(&format!("thread {thread}"), 10)).collect();
    concurrently(&of_threads, |messages| {
        for message in messages {
            run.hand_over(message);
            run.flush();
            let is_there = || subject.lines().contains(message);
            assert!(subject.discards() || is_there(), "{message} is not there after a flush");
        }
    });
    run.books_of_success();
}

/// A flush or close whose time is up returns, also with the destination broken; it says `Ok` only if it is true.
pub fn a_flush_whose_deadline_has_passed_returns(subject: &dyn Subject) {
    let run = Run::open(subject);
    let before = messages("before", 10);
    before.iter().for_each(|message| run.hand_over(message));
    if run.soon("flush", |handler| handler.flush(Deadline::now())).is_ok() {
        run.expect(&before);
    }
    run.flush();
    run.expect(&before);
    if subject.break_destination() {
        messages("broken", 3).iter().for_each(|message| drop(run.offer(message)));
        run.soon("flush", |handler| handler.flush(Deadline::now())).ok();
    }
    run.soon("close", |handler| handler.close(Deadline::now())).ok();
    subject.mend();
    run.books();
}

/// Close flushes, may be repeated, and what comes later is refused, counted and not delivered.
pub fn a_closed_handler_refuses_and_counts_records(subject: &dyn Subject) {
    let run = Run::open(subject);
    let messages = messages("record", 10);
    messages.iter().for_each(|message| run.hand_over(message));
    for _ in 0..2 {
        let closed = run.handler.close(Deadline::after(PATIENCE));
        assert!(closed.is_ok(), "close failed: {closed:?}; {:?}", run.failures);
    }
    run.books_of_success();
    assert_refused(run.offer("late"));
    assert_refused(run.offer_batch(&["late in a batch".to_owned(), "last".to_owned()]));
    run.soon("flush", |handler| handler.flush(Deadline::after(PATIENCE))).ok();

    run.expect(&messages);
    let stats = run.books();
    assert_eq!(stats.dropped_for(DropReason::Closed), 3, "records that were refused; {stats:?}");
    assert_eq!(stats.pending, 0, "pending after a close; {stats:?}");
}

fn assert_refused(result: Result<(), Error>) {
    let error = result.expect_err("a closed handler took a record");
    assert!(error.is_closed(), "the error does not say that the handler is closed: {}", error.one_line());
}

/// A close while four threads write: a record is delivered or counted as refused.
pub fn a_close_among_writers_leaves_no_record_unaccounted(subject: &dyn Subject) {
    let run = Run::open(subject);
    let of_threads: Vec<_> = (0..4).map(|thread| messages(&format!("thread {thread}"), 2000)).collect();
    let taken = Mutex::new(Vec::new());
    let (started, wait) = mpsc::channel();
    thread::scope(|scope| {
        for messages in &of_threads {
            let (run, taken, started) = (&run, &taken, started.clone());
            scope.spawn(move || {
                let own = offer_until_refused(run, messages, || started.send(()).expect("the case waits for this"));
                lock(taken).extend(own);
            });
        }
        drop(started);
        (0..of_threads.len()).for_each(|_| wait.recv().expect("a writer panicked"));
        let closed = run.handler.close(Deadline::after(PATIENCE));
        assert!(closed.is_ok(), "close failed: {closed:?}; {:?}", run.failures);
    });
    assert_refused(run.offer("late"));
    let taken = lock(&taken).clone();
    run.expect_among(&taken, &[]);
    let stats = run.books();
    assert_eq!(stats.delivered, taken.len() as u64, "records for which the handler said ok, and delivered ones; {stats:?}");
    assert_eq!(stats.dropped(), stats.dropped_for(DropReason::Closed), "dropped for another reason; {stats:?}");
    if !subject.discards() {
        assert_eq!(run.arrived().len(), taken.len(), "lines of records for which the handler said ok; {stats:?}");
    }
}

/// Offers until the handler refuses; says when a good number of records was taken, since an early close shows little.
fn offer_until_refused(run: &Run<'_>, messages: &[String], started: impl FnOnce()) -> Vec<String> {
    let (first, rest) = messages.split_at(100);
    first.iter().for_each(|message| run.hand_over(message));
    started();
    let mut taken = first.to_vec();
    for message in rest {
        match run.offer(message) {
            Ok(()) => taken.push(message.clone()),
            Err(error) => {
                assert!(error.is_closed(), "refused for another reason: {}", error.one_line());
                break;
            }
        }
    }
    taken
}

/// A batch is its records one after the other, also an empty one and between single records.
pub fn a_batch_arrives_whole_and_in_order(subject: &dyn Subject) {
    let run = Run::open(subject);
    let messages = messages("record", 302);
    let (first, rest) = messages.split_first().expect("not empty");
    let (last, batch) = rest.split_last().expect("not empty");
    run.hand_over(first);
    run.offer_batch(batch).expect("a batch is taken");
    run.offer_batch(&[]).expect("an empty batch is taken");
    run.hand_over(last);
    run.flush();
    run.expect(&messages);
    run.books_of_success();
}

/// From the empty message to 1 MiB, forth and back, so that each size meets what the other left behind.
pub fn records_of_any_size_arrive_whole(subject: &dyn Subject) {
    let run = Run::open(subject);
    let sizes = [0, 1, 100, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 1024 * 1024];
    let there_and_back = sizes.into_iter().chain(sizes.into_iter().rev());
    let messages: Vec<_> = there_and_back.filter(|size| *size <= subject.longest_line()).map(message_of_size).collect();
    messages.iter().for_each(|message| run.hand_over(message));
    run.flush();
    run.expect(&messages);
    run.books_of_success();
}

/// Never the same text twice in a row, so that a piece in the wrong place shows.
fn message_of_size(size: usize) -> String {
    let mut text = String::with_capacity(size + 16);
    for number in 0.. {
        if text.len() >= size {
            break;
        }
        text.push_str(&format!("{number} "));
    }
    text.truncate(size);
    text
}

/// Line ends, control characters, terminal escapes and bidirectional overrides stay within their line, escaped.
pub fn hostile_text_stays_on_one_line(subject: &dyn Subject) {
    let run = Run::open(subject);
    let hostile = [
        "line\nfeed",
        "\n",
        "carriage\rreturn",
        "both\r\n",
        "\u{1b}[31mred\u{1b}[0m",
        "\u{1b}]0;title\u{7}",
        "nul\0inside",
        "\0",
        "control\u{9b}2J",
        "next\u{85}line",
        "line\u{2028}separator",
        "paragraph\u{2029}separator",
        "over\u{202e}ride\u{202c}",
        "iso\u{2066}late\u{2069}",
        "tab\tvertical\u{b}form\u{c}",
        "delete\u{7f}",
        "back\\slash \"quoted\" %s {} $(x)",
        "\u{feff}not ASCII: äöü 語 🦀",
    ];
    let a_mebibyte_of_newlines = "\n".repeat(1024 * 1024);
    let all = hostile.into_iter().map(str::to_owned).chain(iter::once(a_mebibyte_of_newlines));
    let messages: Vec<_> = all.filter(|message| line_of(message).len() <= subject.longest_line()).collect();
    messages.iter().for_each(|message| run.hand_over(message));
    run.flush();
    run.expect(&messages);
    run.books_of_success();
}

/// While the destination is broken a record is refused, dropped or pending, and nothing of that is silent.
pub fn a_failing_destination_loses_nothing_silently(subject: &dyn Subject) {
    let run = Run::open(subject);
    let (before, broken, batch) = (messages("before", 3), messages("broken", 20), messages("batch", 5));
    before.iter().for_each(|message| run.hand_over(message));
    run.flush();
    if !subject.break_destination() {
        return;
    }
    broken.iter().for_each(|message| assert_reported(run.offer(message)));
    assert_reported(run.offer_batch(&batch));
    run.try_flush();
    let unquiet = run.handler.stats();
    assert!(unquiet.delivered < unquiet.handled, "broken, and yet everything counts as delivered: {unquiet:?}");
    run.try_close();
    subject.mend();
    run.books_of_failure();
    run.expect_among(&[before.clone(), broken, batch].concat(), &before);
}

fn assert_reported(result: Result<(), Error>) {
    if let Err(error) = result {
        assert!(error.is_reported(), "returned and not reported to the hook: {}", error.one_line());
    }
}

/// When the destination works again so does the handler: later records arrive, twice in a row.
pub fn a_mended_destination_gets_later_records(subject: &dyn Subject) {
    let run = Run::open(subject);
    let (mut offered, mut certain) = (Vec::new(), Vec::new());
    for round in 0..2 {
        let (good, broken) = (messages(&format!("good {round}"), 10), messages(&format!("broken {round}"), 5));
        good.iter().for_each(|message| run.hand_over(message));
        run.flush();
        if !subject.break_destination() {
            return;
        }
        broken.iter().for_each(|message| drop(run.offer(message)));
        run.try_flush();
        subject.mend();
        offered.extend(good.iter().chain(&broken).cloned());
        certain.extend(good);
    }
    let last = messages("last", 10);
    last.iter().for_each(|message| run.hand_over(message));
    run.flush_after_failures();
    run.expect_among(&[offered, last.clone()].concat(), &[certain, last].concat());
    let stats = run.books_of_failure();
    assert_eq!(stats.pending, 0, "pending after a flush; {stats:?}");
}

/// A failure hook that logs through the handler which failed does not make it fail again: its event is counted, not handled.
pub fn events_of_the_failure_hook_do_not_recurse(subject: &dyn Subject) {
    let hook = LoggingHook::default();
    let run = Run::open_with(subject, FailureLog::new().then(hook.clone()));
    let layer = HandlerLayer::new(Arc::clone(&run.handler)).on_failure(Arc::new(run.failures.clone()));
    let handle = layer.handle();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    hook.log_to(Some(dispatch.clone()));
    if subject.break_destination() {
        tracing::dispatcher::with_default(&dispatch, || (0..5).for_each(|index| tracing::error!("broken {index}")));
        run.try_flush();
        subject.mend();
    }
    run.flush_after_failures();
    // The handler owns the hook, the subscriber the handler: without this they would keep each other alive.
    hook.log_to(None);

    let calls = hook.calls.load(Ordering::SeqCst);
    assert!(calls < LoggingHook::ENDLESS, "the hook's own events fail, without end");
    assert!(!run.arrived().iter().any(|line| line.contains(LoggingHook::TEXT)), "the hook's own event arrived");
    let stats = handle.stats();
    assert!(stats.is_balanced(), "the books do not balance: {stats:?}");
    assert_eq!(stats.dropped_for(DropReason::Reentrant), calls, "events of the hook; {stats:?}");
}

/// Logs, as the program that it belongs to does.
#[derive(Clone, Default)]
struct LoggingHook {
    subscriber: Arc<Mutex<Option<Dispatch>>>,
    calls: Arc<AtomicU64>,
}

impl LoggingHook {
    const TEXT: &str = "the hook says that something failed";
    /// So many calls are a recursion, stopped before the stack ends.
    const ENDLESS: u64 = 100;

    fn log_to(&self, subscriber: Option<Dispatch>) {
        *lock(&self.subscriber) = subscriber;
    }
}

impl OnFailure for LoggingHook {
    fn on_failure(&self, _: &Failure<'_>) {
        let subscriber = lock(&self.subscriber).clone();
        let Some(subscriber) = subscriber else { return };
        if self.calls.fetch_add(1, Ordering::SeqCst) < Self::ENDLESS {
            log_past_the_dispatcher(&subscriber, Self::TEXT);
        }
    }
}

/// Raises an event as the macros do, but straight to the subscriber: `tracing` dispatches nothing to a scoped subscriber that is
/// at work already (to a global one it does, and that is what is tested).
fn log_past_the_dispatcher(subscriber: &Dispatch, text: &str) {
    static CALLSITE: DefaultCallsite = DefaultCallsite::new(&METADATA);
    static METADATA: Metadata<'static> = Metadata::new(
        "event of the hook",
        "hook",
        tracing::Level::ERROR,
        None,
        None,
        None,
        FieldSet::new(&["message"], Identifier(&CALLSITE)),
        Kind::EVENT,
    );
    let Some(message) = METADATA.fields().field("message") else { return };
    let values = [(&message, Some(&text as &dyn tracing::field::Value))];
    subscriber.event(&Event::new(&METADATA, &METADATA.fields().value_set(&values)));
}

/// A hook that panics takes neither the caller nor the handler down.
pub fn a_panicking_hook_is_contained(subject: &dyn Subject) {
    let run = Run::open_with(subject, FailureLog::new().then(|_: &Failure<'_>| panic!("deliberate mistake of a hook")));
    if !subject.break_destination() {
        return;
    }
    messages("broken", 5).iter().for_each(|message| drop(run.offer(message)));
    run.try_flush();
    subject.mend();
    let last = messages("last", 5);
    last.iter().for_each(|message| run.hand_over(message));
    run.flush_after_failures();
    run.expect_among(&[messages("broken", 5), last.clone()].concat(), &last);
    run.books_of_failure();
}

/// A format that panics over one record costs that record, alone and within a batch; it is counted as such and reported.
pub fn a_panicking_format_costs_one_record(subject: &dyn Subject) {
    if !subject.formats() {
        return;
    }
    let run = Run::open(subject);
    let messages = messages("record", 4);
    run.hand_over(&messages[0]);
    assert_reported(run.offer(PANIC));
    run.hand_over(&messages[1]);
    assert_reported(run.offer_batch(&[messages[2].clone(), PANIC.to_owned(), messages[3].clone()]));
    run.flush_after_failures();
    run.expect(&messages);
    let stats = run.books_of_failure();
    assert_eq!(stats.dropped_for(DropReason::Panicked), 2, "records whose format panicked; {stats:?}");
}

/// Two layers of one handler type in one registry: each event arrives through both, and neither disturbs the other's spans.
pub fn two_layers_of_one_type_both_get_everything(one: &dyn Subject, other: &dyn Subject) {
    let (one, other) = (Run::open(one), Run::open(other));
    let layers = [&one, &other].map(|run| HandlerLayer::new(Arc::clone(&run.handler)));
    let handles = layers.each_ref().map(HandlerLayer::handle);
    let [first, second] = layers;
    let messages = messages("event", 50);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(first).with(second), || {
        let span = tracing::info_span!("request", id = 7, late = tracing::field::Empty);
        span.record("late", "value");
        span.in_scope(|| messages.iter().for_each(|message| tracing::info!(answer = 42, "{message}")));
    });
    for (run, handle) in [one, other].iter().zip(handles) {
        let flushed = handle.flush(Duration::from_secs(30));
        assert!(flushed.is_ok(), "flush failed: {flushed:?}");
        run.expect(&messages);
        let stats = handle.stats();
        assert!(stats.is_balanced(), "the books do not balance: {stats:?}");
        assert_eq!((stats.handled, stats.dropped()), (messages.len() as u64, 0), "{stats:?}");
    }
}
