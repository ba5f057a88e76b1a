//! Several layers in one registry: the values of an event are visited once, and each layer has what it would have alone.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::subscriber::with_default;
use tracing::{Event, Subscriber, info, info_span};
use tracing_core::span::{Attributes, Current, Id, Record as Values};
use tracing_core::{Interest, Metadata};
use tracing_handlers_core::{HandlerLayer, Limits};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Registry, registry};

use crate::common::{Fixed, Kept, STAMP, alone};

/// Counts how often it was shown.
#[derive(Default)]
struct Shown(AtomicU64);

impl Shown {
    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shown {}", self.0.fetch_add(1, Ordering::Relaxed))
    }
}

fn kept<const N: usize>() -> [Arc<Kept>; N] {
    std::array::from_fn(|_| Arc::default())
}

fn layer(kept: &Arc<Kept>) -> HandlerLayer<Arc<Kept>> {
    HandlerLayer::new(Arc::clone(kept))
}

#[test]
fn five_layers_visit_an_event_once_and_have_the_same_record() {
    let (shown, all) = (Shown::default(), kept::<5>());
    let [a, b, c, d, e] = all.each_ref().map(layer);
    with_default(registry().with(a).with(b).with(c).with(d).with(e), || {
        let _span = info_span!("s", id = 1).entered();
        for n in 0..3 {
            info!(n, value = ?shown, "event {n}");
        }
    });
    assert_eq!(shown.count(), 3);
    let [first, others @ ..] = all;
    assert_eq!(first.messages(), ["event 0", "event 1", "event 2"]);
    for other in others {
        assert_eq!(other.records(), first.records());
    }
}

#[test]
fn each_layer_has_the_spans_that_its_filter_shows() {
    let [filtered, whole] = kept();
    let shows = |wanted: &'static str| filter_fn(move |metadata| metadata.is_event() || metadata.name() == wanted);
    let subscriber =
        registry().with(layer(&filtered).with_filter(shows("inner"))).with(layer(&whole).with_filter(shows("outer")));
    with_default(subscriber, || {
        let _outer = info_span!("outer").entered();
        let _inner = info_span!("inner").entered();
        info!("x");
    });
    let leaf = |kept: &Kept| kept.records()[0].as_record().spans().map(|span| span.name().to_owned()).collect::<Vec<_>>();
    assert_eq!((leaf(&filtered), leaf(&whole)), (vec!["inner".to_owned()], vec!["outer".to_owned()]));
}

/// Raises an event of its own for each event, from between two layers.
struct Echo;

impl<S: Subscriber> Layer<S> for Echo {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != "echo" {
            info!(target: "echo", "echo");
        }
    }
}

#[test]
fn an_event_raised_between_two_layers_is_not_mistaken_for_theirs() {
    // Events within events pass only where the subscriber is the global one.
    alone(|| {
        let [before, deaf, after] = kept();
        let deaf_layer = layer(&deaf).with_filter(filter_fn(|metadata| metadata.target() != "echo"));
        registry().with(layer(&before)).with(Echo).with(deaf_layer).with(layer(&after)).init();
        info!("one");
        info!("two");
        assert_eq!(before.messages(), ["one", "echo", "two", "echo"]);
        assert_eq!(deaf.messages(), ["one", "two"]);
        assert_eq!(after.messages(), ["echo", "one", "echo", "two"]);
    });
}

/// Logs when it is shown.
struct Talks;

impl fmt::Debug for Talks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info!("from within");
        f.write_str("talked")
    }
}

#[test]
fn an_event_raised_by_a_debug_spoils_neither_record() {
    alone(|| {
        let all = kept::<3>();
        let [a, b, c] = all.each_ref().map(layer);
        registry().with(a).with(b).with(c).init();
        info!(value = ?Talks, "one");
        info!("two");
        for kept in all {
            assert_eq!(kept.messages(), ["one", "two"]);
            assert_eq!(format!("{:?}", kept.records()[0].as_record().fields()), r#"{"value": Debug("talked")}"#);
        }
    });
}

#[test]
fn layers_of_other_limits_or_clocks_capture_for_themselves() {
    let [wide, narrow, fixed] = kept();
    let narrow_layer = layer(&narrow).limits(Limits::new().fields(1)).unwrap();
    with_default(registry().with(layer(&wide)).with(narrow_layer).with(layer(&fixed).clock(Fixed)), || {
        info!(a = 1, b = 2, "x");
    });
    let count = |kept: &Kept| kept.records()[0].as_record().fields().count();
    assert_eq!((count(&wide), count(&narrow), count(&fixed)), (2, 1, 2));
    assert_eq!(fixed.records()[0].as_record().timestamp(), STAMP);
    assert_ne!(wide.records()[0].as_record().timestamp(), STAMP);
}

#[test]
fn a_panic_in_one_value_is_marked_in_every_record() {
    struct Panics;
    impl fmt::Debug for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("deliberate mistake");
        }
    }
    let all = kept::<2>();
    let [a, b] = all.each_ref().map(layer);
    with_default(registry().with(a).with(b), || info!(bad = ?Panics, good = 1, "x"));
    for kept in all {
        assert_eq!(format!("{:?}", kept.records()[0].as_record().fields()), r#"{"bad": Debug("<panicked>"), "good": I64(1)}"#);
    }
}

/// A subscriber around a registry that hands on events, but not the question that comes before them.
struct Silent<S>(S);

impl<S: Subscriber> Subscriber for Silent<S> {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.0.register_callsite(metadata)
    }
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.0.new_span(span)
    }
    fn record(&self, span: &Id, values: &Values<'_>) {
        self.0.record(span, values);
    }
    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.0.record_follows_from(span, follows);
    }
    fn event(&self, event: &Event<'_>) {
        self.0.event(event);
    }
    fn enter(&self, span: &Id) {
        self.0.enter(span);
    }
    fn exit(&self, span: &Id) {
        self.0.exit(span);
    }
    fn current_span(&self) -> Current {
        self.0.current_span()
    }
}

#[test]
fn a_subscriber_that_does_not_announce_events_gets_each_of_them() {
    let [first, second] = kept();
    let inner: tracing_subscriber::layer::Layered<_, Registry> = registry().with(layer(&first));
    with_default(Silent(inner.with(layer(&second))), || {
        for n in 0..3 {
            info!("event {n}");
        }
    });
    assert_eq!(first.messages(), ["event 0", "event 1", "event 2"]);
    assert_eq!(second.messages(), first.messages());
}
