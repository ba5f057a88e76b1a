//! The layer among other layers, filters and handlers that misbehave.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tracing::subscriber::with_default;
use tracing::{debug, error, info, info_span, warn};
use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{
    Counters, Deadline, DropReason, Error, Failure, Handler, HandlerLayer, Limits, Record, RecordBuf, Stats, reentry,
};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::Layer;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Registry, registry, reload};

use crate::common::{Kept, alone};

fn kept() -> Arc<Kept> {
    Arc::default()
}

fn span_names(record: &RecordBuf) -> Vec<String> {
    record.as_record().spans().map(|span| span.name().to_owned()).collect()
}

#[test]
fn two_layers_of_one_type_in_one_registry_both_see_everything() {
    let (first, second) = (kept(), kept());
    let subscriber = registry().with(HandlerLayer::new(Arc::clone(&first))).with(HandlerLayer::new(Arc::clone(&second)));
    with_default(subscriber, || {
        let span = info_span!("s", a = 1, late = tracing::field::Empty).entered();
        span.record("late", "now");
        info!(b = 2, "x");
    });
    for kept in [first, second] {
        let records = kept.records();
        assert_eq!(records.len(), 1);
        let leaf = records[0].as_record().spans().leaf().unwrap();
        assert_eq!(format!("{:?}", leaf.fields()), r#"{"a": I64(1), "late": Str("now")}"#);
    }
}

#[test]
fn what_two_layers_leave_out_is_counted_once() {
    let (first, second) = (kept(), kept());
    let layer = |kept: &Arc<Kept>| HandlerLayer::new(Arc::clone(kept)).limits(Limits::new().fields(1)).unwrap();
    with_default(registry().with(layer(&first)).with(layer(&second)), || {
        let span = info_span!("s", a = 1, b = 2, c = tracing::field::Empty).entered();
        span.record("c", 3);
        span.record("c", 4);
        info!("x");
    });
    for kept in [first, second] {
        assert_eq!(kept.records()[0].as_record().omitted_fields(), 2, "b and c");
    }
}

#[test]
fn a_span_hidden_by_a_filter_is_absent_there_and_present_elsewhere() {
    let (filtered, whole) = (kept(), kept());
    let hides_parent = filter_fn(|metadata| metadata.name() != "parent");
    let subscriber = registry()
        .with(HandlerLayer::new(Arc::clone(&filtered)).with_filter(hides_parent))
        .with(HandlerLayer::new(Arc::clone(&whole)));
    with_default(subscriber, || {
        let parent = info_span!("parent", id = 1, late = tracing::field::Empty).entered();
        info!("in a hidden span");
        let _child = info_span!("child", id = 2).entered();
        parent.record("late", 3);
        info!("in its child");
    });
    let names = |kept: &Kept| kept.records().iter().map(span_names).collect::<Vec<_>>();
    assert_eq!(names(&filtered), [vec![], vec!["child".to_owned()]]);
    assert_eq!(names(&whole), [vec!["parent".to_owned()], vec!["parent".to_owned(), "child".to_owned()]]);
    let parent = whole.records()[1].clone();
    assert_eq!(format!("{:?}", parent.as_record().spans().next().unwrap().fields()), r#"{"id": I64(1), "late": I64(3)}"#);
}

#[test]
fn levels_are_the_filters_business_and_each_layer_has_its_own() {
    let (warnings, all) = (kept(), kept());
    let subscriber = registry()
        .with(HandlerLayer::new(Arc::clone(&warnings)).with_filter(LevelFilter::WARN))
        .with(HandlerLayer::new(Arc::clone(&all)));
    with_default(subscriber, || {
        let _span = info_span!("s").entered();
        debug!("d");
        warn!("w");
        error!("e");
    });
    assert_eq!(warnings.messages(), ["w", "e"]);
    assert!(span_names(&warnings.records()[0]).is_empty(), "an INFO span is below WARN");
    assert_eq!(all.messages(), ["d", "w", "e"]);
}

#[test]
fn options_vectors_and_boxes_of_layers_work() {
    let (present, listed, boxed) = (kept(), kept(), kept());
    let some = Some(HandlerLayer::new(Arc::clone(&present)));
    let none: Option<HandlerLayer<Arc<Kept>>> = None;
    let list: Vec<Box<dyn Layer<_> + Send + Sync>> = vec![
        HandlerLayer::new(Arc::clone(&listed)).boxed(),
        HandlerLayer::new(Arc::clone(&boxed)).with_filter(LevelFilter::ERROR).boxed(),
    ];
    with_default(registry().with(list).with(some).with(none), || {
        let _span = info_span!("s", a = 1).entered();
        info!("i");
        error!("e");
    });
    assert_eq!(present.messages(), ["i", "e"]);
    assert_eq!(listed.messages(), ["i", "e"]);
    assert_eq!(boxed.messages(), ["e"]);
    assert_eq!(span_names(&listed.records()[1]), ["s"]);
}

#[test]
fn a_filter_can_be_reloaded() {
    let kept = kept();
    let (filter, reload) = reload::Layer::<_, Registry>::new(LevelFilter::ERROR);
    with_default(registry().with(HandlerLayer::new(Arc::clone(&kept)).with_filter(filter)), || {
        info!("before");
        reload.modify(|filter| *filter = LevelFilter::INFO).unwrap();
        let _span = info_span!("s").entered();
        info!("between");
        reload.modify(|filter| *filter = LevelFilter::OFF).unwrap();
        error!("after");
    });
    assert_eq!(kept.messages(), ["between"]);
    assert_eq!(span_names(&kept.records()[0]), ["s"]);
}

#[test]
fn a_span_opened_while_a_filter_was_off_is_no_reason_to_panic() {
    let kept = kept();
    let (filter, reload) = reload::Layer::<_, Registry>::new(LevelFilter::OFF);
    with_default(registry().with(HandlerLayer::new(Arc::clone(&kept)).with_filter(filter)), || {
        let span = info_span!("unseen", late = tracing::field::Empty).entered();
        reload.modify(|filter| *filter = LevelFilter::TRACE).unwrap();
        span.record("late", 1);
        info!("x");
    });
    assert_eq!(kept.messages(), ["x"]);
}

/// Logs from within `handle`, as a library that a handler uses may do.
#[derive(Default)]
struct Logging {
    inner: Kept,
}

impl Handler for Logging {
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        assert!(reentry::is_own_work());
        warn!("from within a handler");
        self.inner.handle(record)
    }

    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        warn!("from within a flush");
        self.inner.flush(deadline)
    }

    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        warn!("from within a close");
        self.inner.close(deadline)
    }

    fn stats(&self) -> Stats {
        self.inner.stats()
    }
}

/// With a scoped subscriber `tracing` itself keeps such events away; with a global one they come back to the layer.
#[test]
fn events_of_a_handler_are_counted_and_not_handled() {
    alone(|| {
        let logging = Arc::new(Logging::default());
        let layer = HandlerLayer::new(Arc::clone(&logging));
        let (handle, other) = (layer.handle(), kept());
        let other_layer = HandlerLayer::new(Arc::clone(&other));
        let other_handle = other_layer.handle();
        registry().with(layer).with(other_layer).init();
        info!("one");
        info!("two");
        assert_eq!(logging.inner.messages(), ["one", "two"]);
        assert_eq!(other.messages(), ["one", "two"], "no layer of ours handles them");
        handle.flush(Duration::ZERO).unwrap();
        handle.close(Duration::ZERO).unwrap();
        for handle in [handle, other_handle] {
            let stats = handle.stats();
            assert_eq!((stats.handled, stats.delivered, stats.dropped_for(DropReason::Reentrant)), (6, 2, 4));
            assert!(stats.is_balanced(), "{stats}");
        }
        thread::spawn(|| {
            reentry::mark_thread();
            info!("from a thread of ours");
        })
        .join()
        .unwrap();
        assert_eq!(other.messages(), ["one", "two"]);
        info!("three");
        assert_eq!(other.messages().len(), 3, "the mark is gone with the work");
    });
}

#[test]
fn a_handler_that_panics_is_contained_counted_and_reported() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let hook = Arc::clone(&told);
    let on_failure = move |failure: &Failure<'_>| lock(&hook).push((failure.lost, failure.reason, failure.error.is_panicked()));
    let moody = Kept::looking(|record| assert_ne!(record.message(), "panic", "deliberate mistake"));
    let layer = HandlerLayer::new(moody).on_failure(Arc::new(on_failure));
    let handle = layer.handle();
    with_default(registry().with(layer), || {
        info!("fine");
        info!("panic");
        info!("fine again");
    });
    let stats = handle.stats();
    assert_eq!((stats.handled, stats.delivered, stats.dropped_for(DropReason::Panicked)), (3, 2, 1));
    assert!(stats.is_balanced(), "{stats}");
    assert_eq!(*lock(&told), [(1, Some(DropReason::Panicked), true)]);
    assert!(!reentry::is_own_work(), "the mark is gone after a panic");
}

/// Refuses every record, counts it, and does not report.
#[derive(Default)]
struct Refusing(Counters);

impl Handler for Refusing {
    fn handle(&self, _: &Record<'_>) -> Result<(), Error> {
        self.0.dropped(DropReason::Closed);
        Err(Error::closed("it"))
    }

    fn flush(&self, _: Deadline) -> Result<(), Error> {
        Err(Error::new("flush it"))
    }

    fn close(&self, _: Deadline) -> Result<(), Error> {
        Err(Error::closed("it"))
    }

    fn stats(&self) -> Stats {
        self.0.snapshot()
    }
}

#[test]
fn an_error_that_nobody_reported_reaches_the_hook_of_the_layer() {
    let told = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&told);
    let layer = HandlerLayer::new(Refusing::default()).on_failure(Arc::new(move |failure: &Failure<'_>| {
        assert!(failure.error.is_closed());
        count.fetch_add(1, Ordering::Relaxed);
    }));
    let handle = layer.handle();
    with_default(registry().with(layer), || info!("x"));
    assert_eq!(told.load(Ordering::Relaxed), 1);
    assert!(handle.stats().is_balanced());
    assert!(handle.flush(Duration::ZERO).unwrap_err().to_string().contains("flush it"));
    assert!(handle.close(Duration::ZERO).unwrap_err().is_closed());
}

/// Notes when it was closed.
#[derive(Default)]
struct Closable {
    inner: Kept,
    closed: AtomicU64,
}

impl Handler for Closable {
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        self.inner.handle(record)
    }

    fn flush(&self, _: Deadline) -> Result<(), Error> {
        Ok(())
    }

    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        assert!(deadline.remaining().is_some_and(|left| left <= Duration::from_secs(5)));
        self.closed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn stats(&self) -> Stats {
        self.inner.stats()
    }
}

#[test]
fn a_handle_outlives_the_registry_and_a_guard_closes_when_dropped() {
    let layer = HandlerLayer::new(Closable::default());
    let (handler, handle) = (Arc::clone(layer.handler()), layer.handle());
    let guard = handle.guard(Duration::from_secs(5));
    with_default(registry().with(layer), || info!("x"));
    assert_eq!(handle.stats().delivered, 1);
    assert_eq!(handler.closed.load(Ordering::Relaxed), 0);
    drop(guard);
    assert_eq!(handler.closed.load(Ordering::Relaxed), 1);
    handle.clone().close(Duration::from_secs(5)).unwrap();
    assert_eq!(handler.closed.load(Ordering::Relaxed), 2);
}

#[test]
fn shared_and_boxed_handlers_are_handlers() {
    let shared = kept();
    let boxed: Box<dyn Handler> = Box::new(Arc::clone(&shared));
    let dynamic: Arc<dyn Handler> = Arc::new(Arc::clone(&shared));
    let subscriber =
        registry().with(HandlerLayer::new(boxed)).with(HandlerLayer::new(dynamic)).with(HandlerLayer::new(Arc::clone(&shared)));
    with_default(subscriber, || info!("x"));
    assert_eq!(shared.messages(), ["x", "x", "x"]);
    assert_eq!(shared.stats().delivered, 3);
}

/// Counts the calls; a pointer to it must pass them on, not fall back to the defaults.
#[derive(Default)]
struct Batches(AtomicU64);

impl Handler for Batches {
    fn handle(&self, _: &Record<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn handle_batch(&self, records: &mut dyn Iterator<Item = Record<'_>>) -> Result<(), Error> {
        self.0.fetch_add(records.count() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn flush(&self, _: Deadline) -> Result<(), Error> {
        Ok(())
    }

    fn close(&self, _: Deadline) -> Result<(), Error> {
        Ok(())
    }

    fn stats(&self) -> Stats {
        Stats::new()
    }
}

#[test]
fn pointers_pass_batches_on_whole() {
    let batches = Arc::new(Batches::default());
    let pointer: Box<dyn Handler> = Box::new(Arc::clone(&batches));
    let records = [Record::builder().build(), Record::builder().build()];
    pointer.handle_batch(&mut records.iter().map(RecordBuf::as_record)).unwrap();
    assert_eq!(batches.0.load(Ordering::Relaxed), 2);
}

#[test]
fn a_batch_goes_on_after_an_error_and_returns_the_first() {
    let records = [Record::builder().build(), Record::builder().build()];
    let refusing = Refusing::default();
    assert!(refusing.handle_batch(&mut records.iter().map(RecordBuf::as_record)).unwrap_err().is_closed());
    assert_eq!(refusing.stats().dropped(), 2);
}

#[test]
fn many_threads_lose_nothing() {
    let kept = kept();
    let dispatch = tracing::Dispatch::new(registry().with(HandlerLayer::new(Arc::clone(&kept))));
    thread::scope(|scope| {
        for worker in 0..4 {
            let dispatch = dispatch.clone();
            scope.spawn(move || {
                tracing::dispatcher::with_default(&dispatch, || {
                    let _span = info_span!("worker", worker).entered();
                    for number in 0..250 {
                        info!(number, "x");
                    }
                });
            });
        }
    });
    let records = kept.records();
    assert_eq!(records.len(), 1_000);
    for worker in 0..4_i64 {
        let mine = records.iter().filter(|record| {
            let leaf = record.as_record().spans().leaf().unwrap();
            leaf.field("worker").and_then(|value| value.as_i64()) == Some(worker)
        });
        let numbers: Vec<_> = mine.map(|record| record.as_record().field("number").unwrap().as_i64().unwrap()).collect();
        assert_eq!(numbers, (0..250).collect::<Vec<_>>(), "each thread's records stay in order");
    }
}
