//! The record's encoding: what is written is read back, and bytes of anybody harm nobody.

use std::sync::Mutex;

use proptest::collection::vec;
use proptest::prelude::*;
use tracing_handlers_core::format::{Json, Pattern, Text, Zone};
use tracing_handlers_core::record::{RecordBuilder, Sites, ValueBuf};
use tracing_handlers_core::{Format, HandlerLayer, Level, Record, RecordBuf, Timestamp, Value};

use crate::common::{Kept, captured_by};

fn level() -> impl Strategy<Value = Level> {
    prop::sample::select(vec![Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR])
}

/// Text of every kind; now and then at the edge between two widths of a length.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => any::<String>(),
        4 => "[a-z_.]{0,12}",
        2 => "[ -~]{30,34}",
        1 => (250..260_usize).prop_map(|len| "x".repeat(len)),
    ]
}

/// Now and then at the next edge. For messages only, since such records take long.
fn long_text() -> impl Strategy<Value = String> {
    prop_oneof![15 => text(), 1 => (65_530..65_540_usize).prop_map(|len| "y".repeat(len))]
}

fn value() -> impl Strategy<Value = ValueBuf> {
    prop_oneof![
        any::<bool>().prop_map(ValueBuf::from),
        any::<i64>().prop_map(ValueBuf::from),
        any::<i8>().prop_map(|value| ValueBuf::from(i64::from(value))),
        any::<u64>().prop_map(ValueBuf::from),
        any::<i128>().prop_map(ValueBuf::from),
        any::<u128>().prop_map(ValueBuf::from),
        any::<f64>().prop_map(ValueBuf::from),
        any::<u64>().prop_map(|bits| ValueBuf::from(f64::from_bits(bits))),
        text().prop_map(ValueBuf::from),
        vec(any::<u8>(), 0..300).prop_map(ValueBuf::from),
        text().prop_map(ValueBuf::Debug),
        vec("[ -~]{0,40}", 0..20).prop_map(ValueBuf::Error),
        Just(ValueBuf::Nil),
    ]
}

/// Values that JSON carries without loss: no number that is not finite, and none that a reader might round.
fn json_value() -> impl Strategy<Value = ValueBuf> {
    value().prop_map(|value| match value {
        ValueBuf::F64(number) => ValueBuf::F64(f64::from((number as f32) as i16) / 8.0),
        other => other,
    })
}

fn fields(value: impl Strategy<Value = ValueBuf>) -> impl Strategy<Value = Vec<(String, ValueBuf)>> {
    vec(("[a-z._é]{0,40}", value), 0..18)
}

fn records(value: impl Strategy<Value = ValueBuf> + Clone) -> impl Strategy<Value = RecordBuf> {
    let head = (any::<i64>(), level(), text(), text(), long_text(), any::<u32>(), any::<u32>());
    let site = (any::<Option<String>>(), any::<Option<String>>(), any::<Option<u32>>());
    let thread = (any::<Option<u64>>(), any::<Option<String>>());
    let own_fields = fields(value.clone());
    let spans = prop_oneof![9 => 0..4_usize, 1 => 14..18_usize]
        .prop_flat_map(move |count| vec((text(), text(), fields(value.clone())), count));
    (head, site, thread, own_fields, spans).prop_map(|(head, site, thread, fields, spans)| {
        let (nanos, level, target, name, message, process, omitted) = head;
        let mut builder = Record::builder()
            .timestamp(Timestamp::from_nanos(nanos))
            .level(level)
            .target(target)
            .name(name)
            .message(message)
            .process_id(process)
            .omitted_fields(omitted);
        let set = |builder, value: Option<String>, setter: fn(RecordBuilder, String) -> RecordBuilder| match value {
            Some(value) => setter(builder, value),
            None => builder,
        };
        builder = set(builder, site.0, RecordBuilder::module_path);
        builder = set(builder, site.1, RecordBuilder::file);
        builder = set(builder, thread.1, RecordBuilder::thread_name);
        builder = site.2.into_iter().fold(builder, RecordBuilder::line);
        builder = thread.0.into_iter().fold(builder, RecordBuilder::thread_id);
        builder = fields.into_iter().fold(builder, |builder, (name, value)| builder.field(&name, value));
        spans
            .into_iter()
            .fold(builder, |builder, (name, target, fields)| {
                builder.span(&name, &target, fields.iter().map(|(name, value)| (name.as_str(), value.clone())))
            })
            .build()
    })
}

/// Everything that can be read of a record, `NaN` made comparable.
fn contents(record: &Record<'_>) -> String {
    format!("{record:?}")
}

/// Reads all there is, writes it in every format and serializes it.
fn walk(record: &Record<'_>) {
    let read_value = |value: Value<'_>| {
        let _ = (value.as_str(), value.as_i64(), value.as_u64(), value.as_f64(), value.as_bool(), value.to_owned());
    };
    record.fields().for_each(|(_, value)| read_value(value));
    for span in record.spans() {
        span.fields().for_each(|(_, value)| read_value(value));
        assert_eq!(span.field("surely not there"), None);
    }
    assert_eq!(record.spans().is_empty(), record.spans().leaf().is_none());
    let _ = (record.timestamp().to_utc(), record.level(), record.target(), record.name(), record.module_path(), record.file());
    let _ = (record.line(), record.thread_id(), record.thread_name(), record.process_id(), record.omitted_fields());
    write(&Text::new().source_location(true).thread_id(true).thread_name(true).ansi(true), record);
    let json = write(&Json::new().source_location(true).thread_id(true).thread_name(true), record);
    serde_json::from_str::<serde_json::Value>(&json).unwrap();
    let flat = write(&Json::new().flatten_event(true).zone(Zone::Local), record);
    serde_json::from_str::<serde_json::Value>(&flat).unwrap();
    let all = "%(asctime)30s %(levelname).2s %(levelno)d %(message)-10.5s %(pathname)s %(module)s %(lineno)05d %(funcName)s %(created)f \
               %(msecs)03d %(relativeCreated)d %(thread)d %(threadName)s %(process)d %(fields)s %(spans).40s %(a)05d %(b)f %(c)s";
    let line = write(&Pattern::percent(all).unwrap().datefmt("%A %F %T %z").unwrap(), record);
    assert!(!line.chars().any(char::is_control), "{line:?}");
    serde_json::to_string(record).unwrap();
}

fn write(format: &impl Format, record: &Record<'_>) -> String {
    let mut out = Vec::new();
    format.format(record, &mut out);
    String::from_utf8(out).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_bytes_are_those_of_rmp_serde_and_decode_to_the_same(record in records(value().boxed())) {
        let bytes = record.as_bytes();
        prop_assert_eq!(&rmp_serde::to_vec(&record).unwrap(), bytes);
        prop_assert_eq!(&rmp_serde::to_vec(&record.as_record()).unwrap(), bytes);
        let decoded = Record::decode(bytes).unwrap();
        prop_assert_eq!(contents(&decoded), contents(&record.as_record()));
        prop_assert_eq!(&rmp_serde::from_slice::<RecordBuf>(bytes).unwrap(), &record);
        prop_assert_eq!(&RecordBuf::from_bytes(bytes).unwrap(), &record);
        prop_assert_eq!(&decoded.to_buf(), &record);
        walk(&decoded);
    }

    #[test]
    fn json_carries_a_record_there_and_back(record in records(json_value().boxed())) {
        let json = serde_json::to_string(&record).unwrap();
        prop_assert_eq!(serde_json::from_str::<RecordBuf>(&json).unwrap(), record);
    }

    #[test]
    fn bytes_of_anybody_never_panic(bytes in vec(any::<u8>(), 0..400)) {
        if let Ok(record) = Record::decode(&bytes) {
            walk(&record);
        }
        rmp_serde::from_slice::<RecordBuf>(&bytes).ok();
        serde_json::from_slice::<RecordBuf>(&bytes).ok();
    }

    #[test]
    fn damaged_records_never_panic(
        record in records(value().boxed()),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = record.as_bytes().to_vec();
        for (at, byte) in changes {
            *at.get_mut(&mut bytes) = byte;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        match Record::decode(&bytes) {
            Ok(record) => {
                walk(&record);
                let again = record.to_buf();
                prop_assert_eq!(contents(&again.as_record()), contents(&record));
            }
            Err(error) => prop_assert!(error.offset() <= bytes.len()),
        }
        rmp_serde::from_slice::<RecordBuf>(&bytes).ok();
    }
}

#[test]
fn texts_and_maps_pass_every_width_of_a_header() {
    for len in [15, 16, 31, 32, 255, 256, 65_535, 65_536] {
        let text = "x".repeat(len);
        let mut builder = Record::builder().message(&text).field(&text, text.as_str()).field("b", text.as_bytes());
        builder = builder.field("debug", ValueBuf::Debug(text.clone())).field("error", ValueBuf::Error(vec![text.clone(); 17]));
        let record = builder.span(&text, &text, [(text.as_str(), text.as_str().into())]).build();
        assert_eq!(rmp_serde::to_vec(&record).unwrap(), record.as_bytes(), "texts of {len} bytes");
        assert_eq!(Record::decode(record.as_bytes()).unwrap().field("debug"), Some(Value::Debug(&text)));
    }
    for count in [15, 16, 65_535, 65_536] {
        let fields = (0..count).fold(Record::builder(), |builder, number: u32| builder.field("n", number));
        let spans = (0..count).fold(fields, |builder, _| builder.span("s", "", []));
        let record = spans.span("leaf", "", (0..count).map(|number| ("n", number.into()))).build();
        assert_eq!(rmp_serde::to_vec(&record).unwrap(), record.as_bytes(), "{count} entries");
        let decoded = Record::decode(record.as_bytes()).unwrap();
        assert_eq!(decoded.fields().count(), count as usize);
        assert_eq!(decoded.spans().count(), count as usize + 1);
        assert_eq!(decoded.spans().leaf().unwrap().fields().count(), count as usize);
    }
}

#[test]
fn numbers_have_one_encoding_each() {
    for number in [0, 1, 127, 128, 255, 256, 65_535, 65_536, u64::from(u32::MAX), 1 << 32, i64::MAX as u64] {
        let signed = Record::builder().field("n", number as i64).build();
        assert_eq!(Record::builder().field("n", number).build(), signed);
        assert_eq!(signed.as_record().field("n"), Some(Value::I64(number as i64)));
    }
    for number in [-1, -32, -33, -128, -129, i64::from(i16::MIN), i64::from(i32::MIN) - 1, i64::MIN] {
        let record = Record::builder().field("n", number).build();
        assert_eq!(Record::decode(record.as_bytes()).unwrap().field("n"), Some(Value::I64(number)));
    }
}

#[test]
fn unknown_keys_are_stepped_over_and_known_ones_are_checked() {
    let newer = rmp_serde::to_vec(&serde_json::json!({
        "ts": 5, "level": "WARN", "from the future": [1, {"x": [null, true, 1.5]}], "message": "m", "fields": {}, "spans": [],
    }));
    let newer = newer.unwrap();
    let record = Record::decode(&newer).unwrap();
    assert_eq!((record.message(), record.level(), record.timestamp().as_nanos()), ("m", Level::WARN, 5));
    for wrong in [
        serde_json::json!({"message": 5}),
        serde_json::json!({"level": "FATAL"}),
        serde_json::json!({"line": -1}),
        serde_json::json!({"pid": 5_000_000_000_u64}),
        serde_json::json!({"fields": []}),
        serde_json::json!({"fields": {"a": {"unknown": 1}}}),
        serde_json::json!({"fields": {"a": {"i128": "x"}}}),
        serde_json::json!({"spans": [{"fields": {"a": [1]}}]}),
        serde_json::json!([1]),
    ] {
        let bytes = rmp_serde::to_vec(&wrong).unwrap();
        assert!(Record::decode(&bytes).is_err(), "{wrong}");
        assert!(RecordBuf::from_bytes(bytes).is_err(), "{wrong}");
    }
}

#[test]
fn what_stands_behind_a_record_or_is_missing_makes_it_none() {
    let record = Record::builder().message("m").field("a", 1_u64).span("s", "t", []).build();
    let mut longer = record.as_bytes().to_vec();
    longer.push(0xc0);
    assert!(Record::decode(&longer).is_err());
    for len in 0..record.as_bytes().len() {
        assert!(Record::decode(&record.as_bytes()[..len]).is_err(), "{len} bytes");
    }
}

#[test]
fn deep_nesting_ends_without_exhausting_the_stack() {
    let mut bytes = vec![0x81, 0xa1, b'x'];
    bytes.extend(std::iter::repeat_n(0x91, 1_000_000));
    assert!(Record::decode(&bytes).is_err());
    let mut huge = vec![0x81, 0xa6];
    huge.extend_from_slice(b"fields");
    huge.extend_from_slice(&[0xdf, 0xff, 0xff, 0xff, 0xff]);
    assert!(Record::decode(&huge).is_err());
}

#[test]
fn a_call_site_that_is_known_is_encoded_as_one_that_is_not() {
    /// More call sites than are kept: some take the place of others.
    macro_rules! eight_times {
        ($($event:tt)*) => { $($event)* $($event)* $($event)* $($event)* $($event)* $($event)* $($event)* $($event)* };
    }
    let sites = Mutex::new(Sites::default());
    let in_both_ways = Kept::looking(move |record| {
        let (mut plain, mut with_sites) = (Vec::new(), Vec::new());
        record.encode(&mut plain);
        record.encode_with(&mut sites.lock().unwrap(), &mut with_sites);
        assert_eq!(plain, with_sites, "{record:?}");
    });
    let kept = captured_by(HandlerLayer::new(in_both_ways), || {
        for turn in 0..3 {
            eight_times! { eight_times! { eight_times! { tracing::info!(turn, "hello"); } } }
            tracing::warn!(target: "elsewhere", turn, "in another place");
            tracing::error_span!("within", turn).in_scope(|| tracing::error!("a span"));
        }
    });
    assert_eq!(kept.len(), 3 * (512 + 2));
}
