//! Spans that a format wrote before are copied: what comes out must be what it would have written.

use std::sync::{Arc, Mutex};
use std::thread;

use proptest::prelude::*;
use tracing::{Dispatch, Span, dispatcher, field, info, info_span};
use tracing_handlers_core::HandlerLayer;
use tracing_handlers_core::format::{Format, Json, Text};
use tracing_handlers_core::sync::lock;
use tracing_subscriber::prelude::*;

use crate::common::Kept;

fn layouts() -> Vec<Box<dyn Format>> {
    vec![
        Box::new(Text::new()),
        Box::new(Text::new().ansi(true)),
        Box::new(Text::new().spans(false)),
        Box::new(Json::new()),
        Box::new(Json::new().current_span(false)),
        Box::new(Json::new().span_list(false).flatten_event(true)),
    ]
}

/// Writes every record in all layouts, once as it comes and once as a copy of which nothing is known. Notes where these differ.
fn comparing(different: &Arc<Mutex<Vec<String>>>) -> HandlerLayer<Kept> {
    let different = Arc::clone(different);
    HandlerLayer::new(Kept::looking(move |record| {
        let copy = record.to_buf();
        for layout in layouts() {
            let (mut known, mut unknown) = (Vec::new(), Vec::new());
            layout.format(record, &mut known);
            layout.format(&copy.as_record(), &mut unknown);
            if known != unknown {
                lock(&different).push(format!("{}\n{}", String::from_utf8_lossy(&known), String::from_utf8_lossy(&unknown)));
            }
        }
    }))
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Raise { span: usize, times: usize, is_apart: bool },
    Record(usize),
    Replace { span: usize, parent: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let raise = (0..7_usize, 1..5_usize, prop::bool::weighted(0.1));
    let step = prop_oneof![
        6 => raise.prop_map(|(span, times, is_apart)| Step::Raise { span, times, is_apart }),
        2 => (0..7_usize).prop_map(Step::Record),
        1 => (0..7_usize, 0..7_usize).prop_map(|(span, parent)| Step::Replace { span, parent }),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 30, ..ProptestConfig::default() })]
    #[test]
    fn spans_that_were_written_before_are_written_the_same(steps in steps()) {
        let different = Arc::default();
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(comparing(&different)));
        let new_span = |number: usize, parent: &Span| dispatcher::with_default(&dispatch, || match number % 4 {
            0 => Span::none(),
            1 => info_span!(parent: parent, "bare"),
            _ => info_span!(parent: parent, "work", number, text = "a \"b\"\n", late = field::Empty),
        });
        let mut spans: Vec<_> = (0..7).map(|number| new_span(number, &Span::none())).collect();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Raise { span, times, is_apart } => {
                    let (dispatch, span) = (dispatch.clone(), spans[span].clone());
                    let raise = move || dispatcher::with_default(&dispatch, || {
                        (0..times).for_each(|time| span.in_scope(|| info!(time, "seen")));
                    });
                    if is_apart { thread::spawn(raise).join().unwrap() } else { raise() }
                }
                Step::Record(span) => dispatcher::with_default(&dispatch, || {
                    spans[span].record("late", number);
                }),
                Step::Replace { span, parent } => spans[span] = new_span(number, &spans[parent]),
            }
        }
        let different = lock(&different);
        prop_assert!(different.is_empty(), "{:#?}", different);
    }
}
