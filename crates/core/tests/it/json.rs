//! `Json` against the JSON of `tracing_subscriber::fmt`, for the same events.

use std::error::Error as StdError;
use std::io;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use tracing::{debug, error, field, info, info_span, trace, warn};
use tracing_handlers_core::format::Json;
use tracing_handlers_core::{Record, record::ValueBuf};
use tracing_subscriber::fmt;

use crate::common::{Fixed, both, line};

/// The keys of the outermost object, in the order in which they stand.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeysVisitor;
        impl<'de> Visitor<'de> for KeysVisitor {
            type Value = Keys;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(KeysVisitor)
    }
}

fn keys(line: &str) -> Vec<String> {
    serde_json::from_str::<Keys>(line).unwrap().0
}

fn assert_same(ours: &[String], theirs: &[String]) {
    assert_eq!(ours.len(), theirs.len());
    assert!(!ours.is_empty());
    for (ours, theirs) in ours.iter().zip(theirs) {
        let (our_value, their_value): (Value, Value) =
            (serde_json::from_str(ours).unwrap(), serde_json::from_str(theirs).unwrap());
        assert_eq!(our_value, their_value, "\nours   {ours}\ntheirs {theirs}");
        assert_eq!(keys(ours), keys(theirs), "\nours   {ours}\ntheirs {theirs}");
    }
}

/// Compares the default layouts.
fn same(events: impl FnOnce()) {
    let (ours, theirs) = both(Json::new(), |memory| fmt::layer().json().with_writer(memory).with_timer(Fixed), events);
    assert_same(&ours, &theirs);
}

#[test]
fn every_kind_of_value_is_written_the_same() {
    same(|| {
        info!(yes = true, no = false, tiny = -8_i8, min = i64::MIN, large = u64::MAX, zero = 0, "numbers");
        info!(wide = i128::MIN, widest = u128::MAX, float = 1.5, whole = 3.0, small = 1e-7, huge = 1e300, "wide numbers");
        info!(nan = f64::NAN, infinite = f64::INFINITY, minus = f64::NEG_INFINITY, "not in JSON");
        info!(text = "späm", empty = "", debug = ?Some("x"), display = %"shown", unit = ?(), "texts");
        info!(bytes = &b"\x00\xff"[..], some = Some(5), none = None::<u64>, absent = field::Empty, "others");
        let error = io::Error::other("refused");
        info!(err = &error as &(dyn StdError + 'static), "an error");
    });
}

#[test]
fn every_level_is_written_the_same() {
    same(|| {
        trace!("t");
        debug!("d");
        info!("i");
        warn!("w");
        error!("e");
    });
}

#[test]
fn nested_spans_with_late_values_are_written_the_same() {
    same(|| {
        let root = info_span!("root", id = "7f3a", size = 1.5, late = field::Empty).entered();
        info!("in root");
        root.record("late", 7_u64);
        let leaf = info_span!(target: "other", "leaf", err = ?Some(1), ok = true, none = field::Empty).entered();
        info!(a = 1, "in leaf");
        leaf.record("ok", false);
        root.record("size", "replaced");
        info!("late values");
        drop(leaf);
        drop(root);
        info!("in no span");
        let _bare = info_span!("bare").entered();
        info!("a span without fields");
    });
}

#[test]
fn values_of_spans_are_written_the_same() {
    same(|| {
        let _one = info_span!("one", yes = true, min = i64::MIN, large = u64::MAX, wide = i128::MIN, nan = f64::NAN).entered();
        let error = io::Error::other("refused");
        let err = &error as &(dyn StdError + 'static);
        let _two = info_span!("two", err, text = "x\n", display = %"shown", float = 0.5).entered();
        info!("x");
    });
}

#[test]
fn messages_that_are_missing_or_odd_are_written_the_same() {
    same(|| {
        info!(a = 1);
        info!(message = "a field");
        info!(message = 42, b = 2);
        info!(message = ?Some("debug"));
        info!("merged {} {:?}", 1, "two");
    });
}

#[test]
fn hostile_and_foreign_text_reads_back_as_the_same() {
    let hostile: String = (0..0x100_u32).chain(0x2020..0x2070).chain([0x1f600, 0x10_ffff]).filter_map(char::from_u32).collect();
    same(|| {
        let _span = info_span!("s", text = hostile, debug = ?hostile).entered();
        info!(text = hostile, debug = ?hostile, display = %hostile, "{hostile}");
        info!(json = r#"","level":"FORGED"#, "\"}}\n{{\"forged\":1");
    });
}

#[test]
fn lines_never_hold_a_raw_control_character() {
    let hostile: String = (0..0x300_u32).chain(0x2020..0x2070).filter_map(char::from_u32).collect();
    let record = Record::builder().message(&hostile).target(&hostile).field(&hostile, hostile.as_str());
    let record = record.span(&hostile, "t", [(hostile.as_str(), ValueBuf::debug(&hostile))]).build();
    let line = line(&Json::new().flatten_event(true), &record);
    assert!(!line.chars().any(char::is_control), "{line}");
    assert!(serde_json::from_str::<Value>(&line).is_ok());
}

#[test]
fn flattened_events_are_written_the_same() {
    let events = || {
        let _span = info_span!("s", id = 7).entered();
        info!(a = 1, text = "two", "flat");
        info!(only = true);
        info!("none");
        info!(message = 42, b = 2);
    };
    let peer = |memory| fmt::layer().json().flatten_event(true).with_writer(memory).with_timer(Fixed);
    let (ours, theirs) = both(Json::new().flatten_event(true), peer, events);
    assert_same(&ours, &theirs);
}

#[test]
fn location_and_thread_are_written_the_same() {
    let events = || {
        let _span = info_span!("s").entered();
        info!(a = 1, "here");
    };
    let peer = |memory| {
        let layer = fmt::layer().json().with_writer(memory).with_timer(Fixed);
        layer.with_file(true).with_line_number(true).with_thread_names(true).with_thread_ids(true)
    };
    let (ours, theirs) = both(Json::new().source_location(true).thread_name(true).thread_id(true), peer, events);
    assert_same(&ours, &theirs);
    assert_eq!(
        keys(&ours[0]),
        ["timestamp", "level", "fields", "target", "filename", "line_number", "span", "spans", "threadName", "threadId"]
    );
}

#[test]
fn what_is_switched_off_is_absent_as_there() {
    let events = || {
        let _span = info_span!("s", a = 1).entered();
        info!("x");
    };
    let span = |memory| fmt::layer().json().with_current_span(false).with_writer(memory).with_timer(Fixed);
    let (ours, theirs) = both(Json::new().current_span(false), span, events);
    assert_same(&ours, &theirs);
    let rest = |memory| fmt::layer().json().with_span_list(false).with_target(false).with_writer(memory).with_timer(Fixed);
    let (ours, theirs) = both(Json::new().span_list(false).target(false), rest, events);
    assert_same(&ours, &theirs);
}

/// What we write beyond that layout: the sources of an error, which the other one loses.
#[test]
fn sources_of_an_error_stand_beside_it() {
    #[derive(Debug)]
    struct Outer(io::Error);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("load user")
        }
    }
    impl StdError for Outer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }
    let error = Outer(io::Error::other("refused\n"));
    let (ours, theirs) = both(
        Json::new(),
        |memory| fmt::layer().json().with_writer(memory).with_timer(Fixed),
        || info!(err = &error as &(dyn StdError + 'static), "x"),
    );
    let (mut ours, theirs): (Value, Value) =
        (serde_json::from_str(&ours[0]).unwrap(), serde_json::from_str(&theirs[0]).unwrap());
    let fields: &mut Map<String, Value> = ours["fields"].as_object_mut().unwrap();
    assert_eq!(fields.remove("err.sources"), Some(serde_json::json!(["refused\n"])));
    assert_eq!(ours, theirs);
}

/// Also on purpose: no key stands twice in our objects. There, `info!(level = 1)` flattened gives two keys `level`.
#[test]
fn a_flattened_field_never_takes_the_name_of_another_key() {
    let record = Record::builder()
        .message("m")
        .field("level", 1_u64)
        .field("message", 2_u64)
        .field("spans", "x")
        .field("free", true)
        .span("s", "t", [("name", "n".into())])
        .build();
    let line = line(&Json::new().flatten_event(true), &record);
    assert_eq!(
        keys(&line),
        ["timestamp", "level", "message", "field.level", "field.message", "field.spans", "free", "target", "span", "spans"]
    );
    assert!(line.contains(r#""span":{"field.name":"n","name":"s"}"#), "{line}");
}

/// As they come from a call site, whose keys are kept: which are taken depends on the layout, and `message` on the event too.
#[test]
fn a_call_site_whose_fields_collide_is_written_in_either_layout() {
    fn collide() {
        for text in ["m", ""] {
            info!(target: "t", level = 1, message = text, spans = "x", free = true, message = 2);
        }
    }
    let flat = r#","level":"INFO","message":"m","field.level":1,"field.spans":"x","free":true,"field.message":2,"target":"t"}"#;
    let nested =
        r#","level":"INFO","fields":{"message":"m","level":1,"spans":"x","free":true,"field.message":2},"target":"t"}"#;
    let layouts = [(true, flat), (false, nested), (true, flat)];
    for (is_flat, expected) in layouts {
        let peer = |memory| fmt::layer().json().with_writer(memory).with_timer(Fixed);
        let (lines, _) = both(Json::new().flatten_event(is_flat), peer, collide);
        let behind_time = |line: &str| line.split_once("Z\"").unwrap().1.to_owned();
        assert_eq!(behind_time(&lines[0]), expected);
        let without_message = expected.replacen(r#""message":"m","#, "", 1).replace("field.message", "message");
        assert_eq!(behind_time(&lines[1]), without_message);
    }
}

/// Bytes are the same text everywhere. There, they are that text in an event and a list of numbers in a span.
#[test]
fn bytes_of_a_span_are_written_like_those_of_an_event() {
    let (ours, theirs) = both(
        Json::new(),
        |memory| fmt::layer().json().with_writer(memory).with_timer(Fixed),
        || {
            let _span = info_span!("s", data = &b"ab"[..]).entered();
            info!(data = &b"ab"[..], "x");
        },
    );
    assert_eq!(ours[0].matches(r#""data":"[61 62]""#).count(), 3, "{}", ours[0]);
    assert_eq!(theirs[0].matches(r#""data":"[61 62]""#).count(), 1, "{}", theirs[0]);
}

#[test]
fn raw_identifiers_are_written_the_same() {
    same(|| {
        let _span = info_span!("s", r#match = 1).entered();
        info!(r#type = "a", "x");
    });
}
