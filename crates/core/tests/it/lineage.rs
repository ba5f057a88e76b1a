//! The spans of an event are found once and kept; each event has those that it would have without.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use tracing::field::Empty;
use tracing::subscriber::with_default;
use tracing::{Event, Span, Subscriber, info, info_span};
use tracing_core::Metadata;
use tracing_core::span::{Attributes, Id, Record as Values};
use tracing_handlers_core::{HandlerLayer, Limits};
use tracing_subscriber::filter::{FilterFn, filter_fn};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;
use tracing_subscriber::registry::LookupSpan;

use crate::common::{Fixed, Kept, captured};

fn layer(kept: &Arc<Kept>) -> HandlerLayer<Arc<Kept>> {
    HandlerLayer::new(Arc::clone(kept)).clock(Fixed)
}

/// Shows all events, and the spans of one of these names.
fn shows(names: &'static [&'static str]) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    filter_fn(move |metadata| metadata.is_event() || names.contains(&metadata.name()))
}

/// The spans of each record: `outer{id: 1} inner{}`.
fn spans(kept: &Kept) -> Vec<String> {
    let spans = |record: &tracing_handlers_core::RecordBuf| {
        let record = record.as_record();
        let spans: Vec<_> = record.spans().map(|span| format!("{}{:?}", span.name(), span.fields())).collect();
        spans.join(" ").replace("I64", "").replace("U64", "").replace(['"', '(', ')'], "")
    };
    kept.records().iter().map(spans).collect()
}

/// The spans that one layer without filters sees.
fn seen(events: impl FnOnce()) -> Vec<String> {
    let kept = Arc::default();
    with_default(registry().with(layer(&kept)), events);
    spans(&kept)
}

fn event() {
    info!("x");
}

/// Twice: found the first time, kept the second, known the third.
fn events() {
    (0..3).for_each(|_| event());
}

#[test]
fn events_have_the_spans_they_are_in_from_root_to_leaf() {
    let seen = seen(|| {
        let _outer = info_span!("outer", id = 1).entered();
        events();
        for n in 2..4 {
            let _inner = info_span!("inner", n).entered();
            events();
        }
        events();
    });
    let thrice = |text: &str| std::iter::repeat_n(text.to_owned(), 3).collect::<Vec<_>>();
    let expected = ["outer{id: 1}", "outer{id: 1} inner{n: 2}", "outer{id: 1} inner{n: 3}", "outer{id: 1}"];
    assert_eq!(seen, expected.map(thrice).concat());
}

#[test]
fn a_field_recorded_late_on_an_ancestor_is_in_the_next_event_of_every_thread() {
    let kept = Arc::default();
    let dispatch = tracing::Dispatch::new(registry().with(layer(&kept)));
    tracing::dispatcher::with_default(&dispatch, || {
        let outer = info_span!("outer", id = Empty);
        let inner = outer.in_scope(|| info_span!("inner"));
        inner.in_scope(events);
        let (known, recorded) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                tracing::dispatcher::with_default(&dispatch, || {
                    inner.in_scope(events);
                    known.wait();
                    recorded.wait();
                    inner.in_scope(event);
                });
            });
            known.wait();
            outer.record("id", 7);
            inner.in_scope(event);
            recorded.wait();
        });
        outer.record("id", 8);
        inner.in_scope(event);
    });
    let [.., before, here, there, again] = &*spans(&kept) else { panic!("too few") };
    assert_eq!(
        [before, here, there, again],
        ["outer{} inner{}", "outer{id: 7} inner{}", "outer{id: 7} inner{}", "outer{id: 8} inner{}"]
    );
}

#[test]
fn an_ancestor_that_is_closed_stays() {
    let seen = seen(|| {
        let outer = info_span!("outer", id = 1);
        let inner = info_span!(parent: &outer, "inner");
        inner.in_scope(event);
        drop(outer);
        inner.in_scope(events);
    });
    assert_eq!(seen, ["outer{id: 1} inner{}"; 4]);
}

#[test]
fn a_span_hidden_from_one_layer_is_seen_by_the_other_in_every_event() {
    let all: [Arc<Kept>; 3] = Default::default();
    let [part, whole, same] = all.each_ref().map(layer);
    let subscriber = registry().with(part.with_filter(shows(&["outer", "inner"]))).with(whole).with(same);
    with_default(subscriber, || {
        let _outer = info_span!("outer").entered();
        let middle = info_span!("middle", id = Empty).entered();
        let _inner = info_span!("inner").entered();
        events();
        middle.record("id", 7);
        events();
    });
    let [part, whole, same] = all.each_ref().map(|kept| spans(kept));
    assert_eq!(part, ["outer{} inner{}"; 6]);
    assert_eq!(whole[..3], ["outer{} middle{} inner{}"; 3]);
    assert_eq!(whole[3..], ["outer{} middle{id: 7} inner{}"; 3]);
    assert_eq!(same, whole);
}

#[test]
fn the_current_span_is_hidden_from_one_layer() {
    let all: [Arc<Kept>; 2] = Default::default();
    let [part, whole] = all.each_ref().map(layer);
    with_default(registry().with(whole).with(part.with_filter(shows(&["outer"]))), || {
        let _outer = info_span!("outer").entered();
        let _inner = info_span!("inner").entered();
        events();
    });
    let [part, whole] = all.each_ref().map(|kept| spans(kept));
    assert_eq!((part, whole), (vec!["outer{}".to_owned(); 3], vec!["outer{} inner{}".to_owned(); 3]));
}

#[test]
fn explicit_parents_and_roots_have_spans_of_their_own() {
    let seen = seen(|| {
        let other = info_span!("other");
        let _outer = info_span!("outer").entered();
        let apart = info_span!(parent: None, "apart");
        let below = info_span!(parent: &other, "below");
        for _ in 0..2 {
            event();
            info!(parent: None, "x");
            info!(parent: &other, "x");
            apart.in_scope(event);
            below.in_scope(event);
        }
    });
    let expected = ["outer{}", "", "other{}", "apart{}", "other{} below{}"];
    assert_eq!(seen, [expected, expected].concat());
}

#[test]
fn spans_of_two_registries_do_not_mix() {
    // Their numbers are the same.
    let all: [Arc<Kept>; 2] = Default::default();
    let both = [(1, &all[0]), (2, &all[1])].map(|(id, kept)| {
        let dispatch = tracing::Dispatch::new(registry().with(layer(kept)));
        let span = tracing::dispatcher::with_default(&dispatch, || info_span!("s", id));
        (dispatch, span)
    });
    for _ in 0..3 {
        for (dispatch, span) in &both {
            tracing::dispatcher::with_default(dispatch, || info!(parent: span, "x"));
        }
    }
    let [a, b] = all.each_ref().map(|kept| spans(kept));
    assert_eq!((a, b), (vec!["s{id: 1}".to_owned(); 3], vec!["s{id: 2}".to_owned(); 3]));
}

#[test]
fn spans_that_do_not_fit_are_cut_for_the_layer_with_the_limit_alone() {
    let all: [Arc<Kept>; 2] = Default::default();
    let [wide, narrow] = all.each_ref().map(layer);
    with_default(registry().with(wide).with(narrow.limits(Limits::new().record_bytes(64)).unwrap()), || {
        let _outer = info_span!("outer", id = 1).entered();
        let _inner = info_span!("inner", n = 2).entered();
        events();
    });
    let [wide, narrow] = all;
    assert_eq!(spans(&wide), ["outer{id: 1} inner{n: 2}"; 3]);
    assert_eq!(spans(&narrow), ["outer{id: 1} inner{}"; 3]);
    assert!(narrow.records().iter().all(|record| record.as_record().omitted_fields() == 1));
}

#[test]
fn spans_that_were_kept_are_cut_where_the_fields_leave_no_room() {
    let kept = Arc::default();
    with_default(registry().with(layer(&kept).limits(Limits::new().record_bytes(100)).unwrap()), || {
        let _span = info_span!("s", id = 1).entered();
        events();
        info!(text = "x".repeat(60), "x");
        event();
    });
    assert_eq!(spans(&kept), ["s{id: 1}", "s{id: 1}", "s{id: 1}", "s{}", "s{id: 1}"]);
}

#[test]
fn a_span_that_is_gone_is_nobodys_parent() {
    let seen = seen(|| {
        let span = info_span!("s");
        let id = span.id();
        (0..3).for_each(|_| info!(parent: id.clone(), "x"));
        drop(span);
        info!(parent: id, "x");
    });
    assert_eq!(seen, ["s{}", "s{}", "s{}", ""]);
}

/// A layer that misses spans while it is told to.
struct Missing<L> {
    layer: L,
    spans: Arc<AtomicBool>,
    /// Whether it says to the layer where it is; one that does not know keeps nothing.
    is_told: bool,
}

impl<S, L> Layer<S> for Missing<L>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    L: Layer<S>,
{
    fn on_layer(&mut self, subscriber: &mut S) {
        if self.is_told {
            self.layer.on_layer(subscriber);
        }
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if !self.spans.load(Ordering::Relaxed) {
            self.layer.on_new_span(attributes, id, context);
        }
    }

    fn on_record(&self, id: &Id, values: &Values<'_>, context: Context<'_, S>) {
        self.layer.on_record(id, values, context);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        self.layer.on_event(event, context);
    }
}

#[test]
fn a_span_from_before_the_layer_gets_its_late_fields() {
    let (kept, misses) = (Arc::default(), Arc::new(AtomicBool::new(true)));
    let missing = Missing { layer: layer(&kept), spans: Arc::clone(&misses), is_told: true };
    with_default(registry().with(missing), || {
        let outer = info_span!("outer", id = 1, late = Empty).entered();
        events();
        misses.store(false, Ordering::Relaxed);
        let _inner = info_span!("inner").entered();
        events();
        outer.record("late", 2);
        events();
    });
    let spans = spans(&kept);
    assert_eq!(spans[..3], ["outer{}"; 3]);
    assert_eq!(spans[3..6], ["outer{} inner{}"; 3]);
    assert_eq!(spans[6..], ["outer{late: 2} inner{}"; 3]);
}

/// What a script does, to the spans that it made so far.
#[derive(Clone, Copy, Debug)]
enum Step {
    Open { kind: u8, parent: Option<usize> },
    OpenRoot { kind: u8 },
    Enter(usize),
    Exit(usize),
    Record(usize, i32),
    Event,
    EventIn(usize),
    EventOutside,
    Forget(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let span = || 0..8_usize;
    prop_oneof![
        4 => (0..3_u8, prop::option::of(span())).prop_map(|(kind, parent)| Step::Open { kind, parent }),
        1 => (0..3_u8).prop_map(|kind| Step::OpenRoot { kind }),
        5 => span().prop_map(Step::Enter),
        2 => span().prop_map(Step::Exit),
        2 => (span(), 0..99).prop_map(|(span, value)| Step::Record(span, value)),
        8 => Just(Step::Event),
        2 => span().prop_map(Step::EventIn),
        1 => Just(Step::EventOutside),
        1 => span().prop_map(Step::Forget),
    ]
}

/// A span with the layers' filters in its name.
fn open(kind: u8, parent: Option<Id>) -> Span {
    match kind {
        0 => info_span!(parent: parent, "a", late = Empty, one = 1),
        1 => info_span!(parent: parent, "b", late = Empty),
        _ => info_span!(parent: parent, "c", late = Empty, text = "some text that takes room"),
    }
}

fn run(script: &[Step]) {
    let mut spans: Vec<Span> = Vec::new();
    let mut entered: Vec<Id> = Vec::new();
    let enter = |id: &Id| tracing::dispatcher::get_default(|dispatch| dispatch.enter(id));
    let exit = |id: &Id| tracing::dispatcher::get_default(|dispatch| dispatch.exit(id));
    for step in script {
        let id = |index: usize| spans.get(index).and_then(Span::id);
        match *step {
            Step::Open { kind, parent } => {
                let parent = parent.and_then(id).or_else(|| entered.last().cloned());
                spans.push(open(kind, parent));
            }
            Step::OpenRoot { kind } => spans.push(open(kind, None)),
            Step::Enter(index) => {
                if let Some(id) = id(index) {
                    enter(&id);
                    entered.push(id);
                }
            }
            Step::Exit(index) => {
                if index < entered.len() {
                    exit(&entered.remove(index));
                }
            }
            Step::Record(index, value) => drop(spans.get(index).map(|span| span.record("late", value))),
            Step::Event => info!("x"),
            Step::EventIn(index) => info!(parent: id(index), "x"),
            Step::EventOutside => info!(parent: None, "x"),
            // One that is entered would leave its number on the stack for another.
            Step::Forget(index) => {
                if id(index).is_some_and(|id| !entered.contains(&id)) {
                    spans.remove(index);
                }
            }
        }
    }
    entered.iter().for_each(exit);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_layer_that_keeps_spans_and_one_that_does_not_have_the_same_records(script in vec(step(), 0..60)) {
        let all: [[Arc<Kept>; 2]; 4] = Default::default();
        let [every, some, others, narrow] = &all;
        let missing = |kept, is_told| Missing { layer: layer(kept), spans: Arc::default(), is_told };
        let short = |kept, is_told| {
            let layer = layer(kept).limits(Limits::new().record_bytes(80)).unwrap();
            Missing { layer, spans: Arc::default(), is_told }
        };
        let subscriber = registry()
            .with(missing(&every[0], true))
            .with(missing(&every[1], false))
            .with(missing(&some[0], true).with_filter(shows(&["a", "b"])))
            .with(missing(&some[1], false).with_filter(shows(&["a", "b"])))
            .with(missing(&others[0], true).with_filter(shows(&["a", "c"])))
            .with(missing(&others[1], false).with_filter(shows(&["a", "c"])))
            .with(short(&narrow[0], true))
            .with(short(&narrow[1], false));
        with_default(subscriber, || run(&script));
        for [keeps, finds] in &all {
            prop_assert_eq!(spans(keeps), spans(finds));
            prop_assert_eq!(keeps.records(), finds.records());
        }
    }
}

#[test]
fn many_short_spans_are_told_apart() {
    let records = captured(|| {
        for n in 0..1_000 {
            let _span = info_span!("s", n).entered();
            event();
        }
    });
    for (n, record) in (0..1_000).zip(records) {
        let span = record.as_record().spans().next().unwrap();
        assert_eq!(span.field("n"), Some(tracing_handlers_core::Value::I64(n)));
    }
}
