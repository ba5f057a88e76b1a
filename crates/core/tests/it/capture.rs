//! What becomes of an event: types, spans, limits, and user code that misbehaves.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::thread;

use tracing::{Level, field, info, info_span, warn};
use tracing_handlers_core::format::{Json, Text};
use tracing_handlers_core::record::ErrorChain;
use tracing_handlers_core::{HandlerLayer, Limits, Record, RecordBuf, Value};
use tracing_log::log;

use crate::common::{Kept, STAMP, alone, captured, captured_by, captured_one, line};

#[derive(Debug)]
struct Failed {
    what: &'static str,
    cause: Option<Box<Failed>>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl StdError for Failed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}

fn three_errors() -> Failed {
    let root = Failed { what: "no route", cause: None };
    let middle = Failed { what: "connect db", cause: Some(Box::new(root)) };
    Failed { what: "load user", cause: Some(Box::new(middle)) }
}

fn limited(limits: Limits, events: impl FnOnce()) -> RecordBuf {
    // The thread has memory for more than the limits allow.
    captured_one(|| info!(text = "x".repeat(10_000), "warm"));
    let layer = HandlerLayer::new(Kept::default()).limits(limits).unwrap();
    let mut records = captured_by(layer, events);
    assert_eq!(records.len(), 1);
    records.remove(0)
}

#[test]
fn every_type_of_value_keeps_its_type() {
    let record = captured_one(|| {
        info!(
            yes = true,
            tiny = -8_i8,
            whole = i64::MIN,
            unsigned = 7_u64,
            large = u64::MAX,
            wide = i128::MIN,
            widest = u128::MAX,
            float = 1.5_f64,
            single = 0.25_f32,
            nan = f64::NAN,
            text = "späm",
            owned = String::from("owned"),
            debug = ?Some("x"),
            display = %format_args!("{}-{}", 1, 2),
            bytes = &b"\x00\xff"[..],
            some = Some(5_u64),
            none = None::<u64>,
            empty = field::Empty,
            "all of them"
        );
    });
    let record = record.as_record();
    let fields: Vec<_> = record.fields().filter(|(name, _)| *name != "nan").collect();
    assert_eq!(
        fields,
        [
            ("yes", Value::Bool(true)),
            ("tiny", Value::I64(-8)),
            ("whole", Value::I64(i64::MIN)),
            ("unsigned", Value::I64(7)),
            ("large", Value::U64(u64::MAX)),
            ("wide", Value::I128(i128::MIN)),
            ("widest", Value::U128(u128::MAX)),
            ("float", Value::F64(1.5)),
            ("single", Value::F64(0.25)),
            ("text", Value::Str("späm")),
            ("owned", Value::Str("owned")),
            ("debug", Value::Debug("Some(\"x\")")),
            ("display", Value::Debug("1-2")),
            ("bytes", Value::Bytes(b"\x00\xff")),
            ("some", Value::I64(5)),
        ]
    );
    assert!(record.field("nan").and_then(|value| value.as_f64()).is_some_and(f64::is_nan));
    assert_eq!(record.message(), "all of them");
}

#[test]
fn an_error_keeps_the_texts_of_its_sources() {
    let error = three_errors();
    let record = captured_one(|| info!(err = &error as &(dyn StdError + 'static), "failed"));
    let Some(Value::Error(chain)) = record.as_record().field("err") else { panic!("an error, not {record:?}") };
    assert_eq!(chain.message(), "load user");
    assert_eq!(chain.sources().collect::<Vec<_>>(), ["connect db", "no route"]);
    assert_eq!(ErrorChain::count(chain), 3);
}

#[test]
fn raw_identifiers_lose_their_prefix() {
    let record = captured_one(|| {
        let _span = info_span!("s", r#match = 1).entered();
        // Older versions of the macros leave the mark in the name; a literal shows it in all.
        info!(r#type = "a", "r#fn" = "b", "x");
    });
    let record = record.as_record();
    assert_eq!(record.field("type"), Some(Value::Str("a")));
    assert_eq!(record.field("fn"), Some(Value::Str("b")));
    assert_eq!(record.spans().leaf().unwrap().field("match"), Some(Value::I64(1)));
}

#[test]
fn the_call_site_is_captured() {
    let line = line!() + 1;
    let record = captured_one(|| tracing::event!(name: "named", target: "app::db", Level::WARN, "x"));
    let record = record.as_record();
    assert_eq!((record.target(), record.name(), record.level()), ("app::db", "named", Level::WARN));
    assert_eq!(record.module_path(), Some(module_path!()));
    assert_eq!((record.file(), record.line()), (Some(file!()), Some(line)));
    assert_eq!(record.timestamp(), STAMP);
    assert_eq!(record.process_id(), std::process::id());
}

#[test]
fn threads_have_their_number_and_name() {
    let worker = thread::Builder::new().name("worker-ä".to_owned());
    let (record, id) = worker.spawn(|| (captured_one(|| info!("x")), thread::current().id())).unwrap().join().unwrap();
    let record = record.as_record();
    assert_eq!(record.thread_name(), Some("worker-ä"));
    assert_eq!(format!("ThreadId({})", record.thread_id().unwrap()), format!("{id:?}"));
    let nameless = thread::spawn(|| captured_one(|| info!("x"))).join().unwrap();
    assert_eq!(nameless.as_record().thread_name(), None);
    assert_ne!(nameless.as_record().thread_id(), record.thread_id());
}

#[test]
fn spans_stand_from_root_to_leaf_with_typed_fields() {
    let record = captured_one(|| {
        let _root = info_span!(target: "app", "root", id = "7f3a", size = 1.5).entered();
        let _closed = info_span!("closed").entered().exit();
        let _leaf = info_span!("leaf", ok = true, what = ?[1, 2]).entered();
        info!("x");
    });
    let spans: Vec<_> = record.as_record().spans().collect();
    assert_eq!(spans.iter().map(|span| span.name()).collect::<Vec<_>>(), ["root", "leaf"]);
    assert_eq!(spans[0].target(), "app");
    assert_eq!(spans[0].fields().collect::<Vec<_>>(), [("id", Value::Str("7f3a")), ("size", Value::F64(1.5))]);
    assert_eq!(spans[1].fields().collect::<Vec<_>>(), [("ok", Value::Bool(true)), ("what", Value::Debug("[1, 2]"))]);
}

#[test]
fn an_explicit_parent_wins_over_the_current_span() {
    let records = captured(|| {
        let (elsewhere, _here) = (info_span!("elsewhere"), info_span!("here").entered());
        info!(parent: &elsewhere, "x");
        info!(parent: None, "x");
    });
    let names = |index: usize| records[index].as_record().spans().map(|span| span.name().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(0), ["elsewhere"]);
    assert!(names(1).is_empty());
}

#[test]
fn a_late_value_is_in_every_record_that_follows_and_replaces_an_earlier_one() {
    let records = captured(|| {
        let span = info_span!("s", first = 1, late = field::Empty, again = "old").entered();
        info!("before");
        span.record("late", "now");
        info!("after");
        span.record("again", 2.5);
        span.record("late", "later");
        info!("at last");
    });
    let fields = |index: usize| format!("{:?}", records[index].as_record().spans().leaf().unwrap().fields());
    assert_eq!(fields(0), r#"{"first": I64(1), "again": Str("old")}"#);
    assert_eq!(fields(1), r#"{"first": I64(1), "again": Str("old"), "late": Str("now")}"#);
    assert_eq!(fields(2), r#"{"first": I64(1), "again": F64(2.5), "late": Str("later")}"#);
}

#[test]
fn the_message_is_text_however_it_is_given() {
    let records = captured(|| {
        info!("plain");
        info!("merged {}", 1);
        info!(message = "a string");
        info!(message = 42);
        info!(other = 1);
        info!(message = %"display", "second message");
    });
    let messages: Vec<_> = records.iter().map(|record| record.as_record().message().to_owned()).collect();
    assert_eq!(messages[..3], ["plain", "merged 1", "a string"]);
    assert_eq!(messages[4], "");
    // A message that is no text stays what it is: a field.
    assert_eq!(records[3].as_record().field("message"), Some(Value::I64(42)));
    assert!(!messages[5].is_empty());
}

#[test]
fn too_many_fields_are_counted() {
    let record = limited(Limits::new().fields(2), || {
        let _span = info_span!("s", a = 1, b = 2, c = 3, d = 4).entered();
        info!(e = 5, f = "six", g = 7, h = "text", i = %"text", "x");
    });
    let view = record.as_record();
    assert_eq!(view.fields().map(|(name, _)| name).collect::<Vec<_>>(), ["e", "f"]);
    assert_eq!(view.spans().leaf().unwrap().fields().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(view.message(), "x");
    assert_eq!(view.omitted_fields(), 5);
    assert!(line(&Text::new(), &record).ends_with("x e=5 f=\"six\" …[5 fields omitted]"));
    assert!(line(&Json::new(), &record).ends_with(r#","omitted_fields":5}"#));
}

#[test]
fn a_late_value_does_not_pass_the_limit_on_fields() {
    let record = limited(Limits::new().fields(2), || {
        let span = info_span!("s", a = 1, b = 2, c = field::Empty).entered();
        span.record("c", 3);
        span.record("b", 4);
        info!("x");
    });
    let view = record.as_record();
    let fields: Vec<_> = view.spans().leaf().unwrap().fields().collect();
    assert_eq!(fields, [("a", Value::I64(1)), ("b", Value::I64(4))]);
    assert_eq!(view.omitted_fields(), 1);
}

#[test]
fn long_values_are_cut_with_a_mark_at_a_character() {
    let (long, bytes) = ("ä".repeat(50), [7_u8; 100]);
    let error = Failed { what: Box::leak("e".repeat(70).into_boxed_str()), cause: None };
    let record = limited(Limits::new().value_bytes(65), || {
        info!(text = long, debug = ?long, bytes = &bytes[..], err = &error as &(dyn StdError + 'static), "{long}");
    });
    let record = record.as_record();
    let cut = format!("{}…[36 bytes cut]", "ä".repeat(32));
    assert_eq!(record.message(), cut);
    assert_eq!(record.field("text"), Some(Value::Str(&cut)));
    // The quotes of `Debug` count: one byte before, one behind what is cut.
    assert_eq!(record.field("debug"), Some(Value::Debug(&format!("\"{}…[37 bytes cut]", "ä".repeat(32)))));
    assert_eq!(record.field("bytes"), Some(Value::Debug(&format!("{}…[35 bytes cut]", r"\x07".repeat(65)))));
    let Some(Value::Error(chain)) = record.field("err") else { panic!("an error") };
    assert_eq!(chain.message(), format!("{}…[5 bytes cut]", "e".repeat(65)));
}

#[test]
fn values_at_the_limit_are_whole() {
    let text = "x".repeat(64);
    let record = limited(Limits::new().value_bytes(64), || info!(text, "{text}"));
    assert_eq!(record.as_record().message(), text);
    assert_eq!(record.as_record().field("text"), Some(Value::Str(&text)));
}

#[test]
fn a_record_that_is_full_omits_the_rest_and_says_so() {
    let text = "x".repeat(40);
    let record = limited(Limits::new().record_bytes(130), || {
        let _span = info_span!("s", text).entered();
        info!(a = text, b = text, c = text, d = 1, e = text, f = %text, "x");
    });
    let view = record.as_record();
    let names: Vec<_> = view.fields().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert!(view.field("c").unwrap().as_str().unwrap().ends_with(" bytes cut]"), "{view:?}");
    // The span keeps its name, not its field.
    assert_eq!(view.spans().leaf().map(|span| (span.name(), span.fields().count())), Some(("s", 0)));
    assert_eq!(view.omitted_fields(), 4);
}

#[test]
fn a_long_message_takes_no_room_of_the_fields() {
    let text = "x".repeat(90);
    for _ in 0..2 {
        let record = limited(Limits::new().record_bytes(100), || info!(a = 1, b = 2, c = 3, d = 4, "{text}"));
        let view = record.as_record();
        assert_eq!((view.message(), view.fields().count(), view.omitted_fields()), (text.as_str(), 4, 0));
    }
}

#[test]
fn a_chain_of_errors_does_not_pass_the_limit_on_the_record() {
    let mut error = Failed { what: Box::leak("e".repeat(60).into_boxed_str()), cause: None };
    for _ in 0..10 {
        error = Failed { what: error.what, cause: Some(Box::new(error)) };
    }
    let record = limited(Limits::new().record_bytes(150), || info!(err = &error as &(dyn StdError + 'static), "x"));
    let Some(Value::Error(chain)) = record.as_record().field("err") else { panic!("an error") };
    let kept: usize = chain.map(|text| text.matches('e').count()).sum();
    assert!(kept < 200, "{kept} bytes of text");
    assert!(chain.last().unwrap().contains("bytes cut]"), "{chain:?}");
}

#[test]
fn limits_that_let_nothing_through_are_refused() {
    for limits in [Limits::new().value_bytes(63), Limits::new().record_bytes(0)] {
        assert!(HandlerLayer::new(Kept::default()).limits(limits).unwrap_err().is_config());
    }
}

struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half")?;
        panic!("deliberate mistake");
    }
}

struct Fails;

impl fmt::Debug for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half")?;
        Err(fmt::Error)
    }
}

struct Logs;

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        warn!("from within a Debug");
        f.write_str("logged")
    }
}

#[test]
fn a_debug_that_panics_or_fails_leaves_a_mark_and_the_rest_of_the_record() {
    let records = captured(|| {
        info!(before = 1, bad = ?Panics, failing = ?Fails, after = 2, "x");
        info!("{:?} {:?}", 1, Panics);
        let _span = info_span!("s", bad = ?Panics, ok = 3).entered();
        info!("x");
    });
    let first = records[0].as_record();
    assert_eq!(first.field("bad"), Some(Value::Debug("half<panicked>")));
    assert_eq!(first.field("failing"), Some(Value::Debug("half<formatting failed>")));
    assert_eq!((first.field("before"), first.field("after")), (Some(Value::I64(1)), Some(Value::I64(2))));
    assert_eq!(records[1].as_record().message(), "1 half<panicked>");
    let span = records[2].as_record().spans().leaf().unwrap();
    assert_eq!((span.field("bad"), span.field("ok")), (Some(Value::Debug("half<panicked>")), Some(Value::I64(3))));
}

#[test]
fn an_error_whose_source_panics_leaves_a_mark() {
    #[derive(Debug)]
    struct Bad;
    impl fmt::Display for Bad {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bad")
        }
    }
    impl StdError for Bad {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            panic!("deliberate mistake");
        }
    }
    let record = captured_one(|| info!(err = &Bad as &(dyn StdError + 'static), after = 1, "x"));
    let Some(Value::Error(chain)) = record.as_record().field("err") else { panic!("an error") };
    assert_eq!(chain.collect::<Vec<_>>(), ["<panicked>"]);
    assert_eq!(record.as_record().field("after"), Some(Value::I64(1)));
}

/// Within the scope of `with_default`, `tracing` itself drops such events; with a global subscriber it does not.
#[test]
fn a_debug_that_logs_does_not_recurse_and_the_inner_event_is_counted() {
    alone(|| {
        use tracing_handlers_core::DropReason;
        use tracing_subscriber::prelude::*;

        let layer = HandlerLayer::new(Kept::default());
        let (kept, handle) = (Arc::clone(layer.handler()), layer.handle());
        tracing_subscriber::registry().with(layer).init();
        info!(value = ?Logs, "{:?}", Logs);
        let _span = info_span!("s", value = ?Logs).entered();
        info!("in the span");
        assert_eq!(kept.messages(), ["logged", "in the span"]);
        assert_eq!(kept.records()[0].as_record().field("value"), Some(Value::Debug("logged")));
        let stats = handle.stats();
        assert_eq!(stats.dropped_for(DropReason::Reentrant), 3);
        assert!(stats.is_balanced(), "{stats}");
    });
}

#[test]
fn events_of_the_log_crate_have_their_own_call_site() {
    alone(|| {
        tracing_log::LogTracer::init().unwrap();
        let line = line!() + 2;
        let record = captured_one(|| {
            log::warn!(target: "old::library", "late {}", 3);
        });
        let record = record.as_record();
        assert_eq!((record.message(), record.target(), record.level()), ("late 3", "old::library", Level::WARN));
        assert_eq!((record.file(), record.line()), (Some(file!()), Some(line)));
        assert_eq!(record.module_path(), Some(module_path!()));
        assert!(record.fields().is_empty(), "{record:?}");
    });
}

#[test]
fn a_record_does_not_see_what_the_one_before_left_behind() {
    let records = captured(|| {
        let span = info_span!("s", big = "x".repeat(100_000)).entered();
        info!(a = 1, "{}", "y".repeat(100_000));
        drop(span);
        info!("");
    });
    let second: Record<'_> = records[1].as_record();
    assert!(second.message().is_empty() && second.fields().is_empty() && second.spans().is_empty());
    assert_eq!(records[0].as_record().spans().count(), 1);
}
