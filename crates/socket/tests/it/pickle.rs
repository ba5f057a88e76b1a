//! Pickles, judged by CPython: its own frames, and what it makes of any record of ours.

use std::net::Ipv4Addr;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};
use tracing_handlers_core::record::ValueBuf;
use tracing_handlers_core::{Handler, Level, Record, RecordBuf, Timestamp, Value};
use tracing_handlers_socket::{Encoding, SocketHandler};
use tracing_handlers_testing::ManualClock;
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::peers::StreamPeer;

use crate::frames::FRAMES;
use crate::python::{Python, Seen};

/// What a handler sends for these records; its clock says when the process began.
fn pickles(records: &[RecordBuf], started: Timestamp) -> Vec<Vec<u8>> {
    let peer = StreamPeer::tcp(FRAMES);
    let builder = SocketHandler::builder().tcp(Ipv4Addr::LOCALHOST.to_string(), peer.address.port());
    let builder = builder.encoding(Encoding::Pickle).clock(ManualClock::new(started)).capacity(100_000).capacity_bytes(1 << 30);
    let handler = builder.max_age(std::time::Duration::MAX).build().unwrap();
    records.iter().for_each(|record| handler.handle(&record.as_record()).unwrap());
    handler.close(PATIENCE.into()).unwrap();
    assert_eq!(handler.stats().delivered, records.len() as u64, "{:?}", handler.status());
    peer.arrived.at_least(records.len())
}

fn framed(pickles: &[Vec<u8>]) -> Vec<u8> {
    pickles.iter().flat_map(|pickle| [&(pickle.len() as u32).to_be_bytes(), pickle.as_slice()].concat()).collect()
}

/// The pickle in a frame that CPython sent.
fn of_cpython(name: &str) -> Vec<u8> {
    let frames: Json = serde_json::from_str(include_str!("../data/record_frames.json")).unwrap();
    let frame = base64(frames[name]["frame_base64"].as_str().unwrap());
    assert_eq!(u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize, frame.len() - 4);
    frame[4..].to_vec()
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: Vec<_> = text.bytes().filter_map(|byte| DIGITS.iter().position(|digit| *digit == byte)).collect();
    let quads = digits.chunks(4).flat_map(|quad| {
        let bits = quad.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - quad.len()));
        (bits as u32).to_be_bytes()[1..quad.len()].to_vec()
    });
    quads.collect()
}

/// The record that CPython's frames are of. Where Python has the name of a function, we have a span.
fn of_the_frames(message: &str) -> tracing_handlers_core::record::RecordBuilder {
    let record = Record::builder().timestamp(Timestamp::from_nanos(1_700_000_000_250_000_000)).level(Level::WARN);
    let record = record.target("app.mod").message(message).file("/srv/app/mod.py").line(42).process_id(4242);
    record.thread_id(140_000_000_000_000).thread_name("MainThread").span("f", "", [])
}

#[test]
fn the_bytes_are_those_of_cpython() {
    let started = Timestamp::from_nanos(1_700_000_000_237_500_000);
    let extra = of_the_frames("hello wörld").field("user", "bob").field("n", -1_i64).field("big", 1_i64 << 40);
    let extra = extra.field("huge", 1_i128 << 70).field("flag", true).field("none", ValueBuf::Nil);
    let extra = extra.field("pi", std::f64::consts::PI).field("neg0", -0.0);
    let ours = [
        ("plain", of_the_frames("hello wörld").build()),
        ("unicode", of_the_frames("☃ 😀 \0 end").build()),
        ("empty", of_the_frames("").build()),
        ("extra_types", extra.build()),
    ];
    let records: Vec<_> = ours.iter().map(|(_, record)| record.clone()).collect();
    for ((name, _), ours) in ours.iter().zip(pickles(&records, started)) {
        // CPython's process was a Python; what comes behind is what Python has no counterpart for.
        let theirs = of_cpython(name);
        let (theirs, ours) = (without_process_name(&theirs), without_process_name(&ours));
        let common = match *name {
            "extra_types" => position(&theirs, b"lst") - 5,
            _ => theirs.len() - 2,
        };
        assert_eq!(theirs[..common], ours[..common], "{name}");
    }
}

fn position(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes.windows(wanted.len()).position(|window| window == wanted).unwrap()
}

/// The name stands between its key, with five bytes of memo and length behind it, and its own place in the memo.
fn without_process_name(pickle: &[u8]) -> Vec<u8> {
    let key = position(pickle, b"processName") + "processName".len() + 2;
    let length = u32::from_le_bytes(pickle[key + 1..key + 5].try_into().unwrap()) as usize;
    [&pickle[..key], &pickle[key + 5 + length..]].concat()
}

#[test]
fn what_cpython_sent_is_read_by_the_judge_of_these_tests() {
    let all = ["plain", "unicode", "empty", "extra_types", "exc", "stack"].map(of_cpython);
    let seen = Python::decode(&framed(&all));
    assert_eq!(seen.len(), all.len());
    assert!(seen.iter().all(|seen| seen.level() == 30 && seen.protocol() == 1));
}

/// What the receiver makes of a value.
fn expected(value: Value<'_>) -> Json {
    match value {
        Value::Bool(value) => json!(value),
        Value::I64(value) => json!({"int": value.to_string()}),
        Value::U64(value) => json!({"int": value.to_string()}),
        Value::I128(value) => json!({"int": value.to_string()}),
        Value::U128(value) => json!({"int": value.to_string()}),
        Value::Str(text) | Value::Debug(text) => json!(text),
        Value::Error(chain) => json!(chain.message()),
        Value::Bytes(bytes) => json!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        Value::Nil => json!(null),
        other => panic!("{other:?} is compared elsewhere"),
    }
}

fn check_value(seen: Option<&Json>, value: Value<'_>, name: &str) {
    let seen = seen.unwrap_or_else(|| panic!("{name:?} is missing"));
    match value {
        Value::F64(number) => assert_eq!(float(&seen["float"]).to_bits(), number.to_bits(), "{name:?}: {seen}"),
        value => assert_eq!(*seen, expected(value), "{name:?}"),
    }
}

/// Reads what `float.hex` wrote.
fn float(text: &Json) -> f64 {
    let text = text.as_str().unwrap();
    let (sign, rest) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    match rest {
        "inf" => return sign * f64::INFINITY,
        "nan" => return f64::NAN,
        _ => {}
    }
    let (mantissa, exponent) = rest.strip_prefix("0x").unwrap().split_once('p').unwrap();
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = u64::from_str_radix(&format!("{whole}{fraction}"), 16).unwrap();
    // In two steps, since the smallest numbers are below what one power of two can be.
    let exponent = exponent.parse::<i32>().unwrap() - 4 * fraction.len() as i32;
    sign * digits as f64 * 2_f64.powi(exponent / 2) * 2_f64.powi(exponent - exponent / 2)
}

fn names() -> impl Strategy<Value = String> {
    let hostile =
        ["msg", "args", "getMessage", "__class__", "__dict__", "levelno", "exc_text", "spans", "message", "field.msg"];
    prop_oneof![proptest::sample::select(hostile.to_vec()).prop_map(str::to_owned), ".{0,12}", "[a-z]{1,3}"]
}

fn values() -> impl Strategy<Value = ValueBuf> {
    prop_oneof![
        any::<bool>().prop_map(ValueBuf::from),
        any::<i64>().prop_map(ValueBuf::from),
        (-70_000_i64..70_000).prop_map(ValueBuf::from),
        any::<u64>().prop_map(ValueBuf::from),
        any::<i128>().prop_map(ValueBuf::from),
        any::<u128>().prop_map(ValueBuf::from),
        any::<f64>().prop_filter("NaN has many bits", |number| !number.is_nan()).prop_map(ValueBuf::from),
        ".{0,40}".prop_map(ValueBuf::Str),
        // Pieces of pickles, which text must not become.
        "[.u(cbRtS0-9L\n']{0,12}".prop_map(ValueBuf::Debug),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(ValueBuf::Bytes),
        proptest::collection::vec(".{0,8}", 1..4).prop_map(ValueBuf::Error),
        Just(ValueBuf::Nil),
    ]
}

fn records() -> impl Strategy<Value = RecordBuf> {
    let levels = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];
    let fields = || proptest::collection::vec((names(), values()), 0..12);
    let place = (proptest::option::of(".{0,20}"), proptest::option::of(any::<u32>()), proptest::option::of(any::<u64>()));
    let head = (proptest::sample::select(levels.to_vec()), any::<i64>(), ".{0,20}", ".{0,60}", any::<u32>());
    (head, place, fields(), proptest::collection::vec((names(), fields()), 0..3)).prop_map(|(head, place, fields, spans)| {
        let (level, nanos, target, message, process) = head;
        let mut record = Record::builder()
            .level(level)
            .timestamp(Timestamp::from_nanos(nanos))
            .target(target)
            .message(message)
            .process_id(process);
        let (file, line, thread) = place;
        record = file.into_iter().fold(record, |record, file| record.file(file));
        record = line.into_iter().fold(record, |record, line| record.line(line));
        record = thread.into_iter().fold(record, |record, thread| record.thread_id(thread));
        record = fields.into_iter().fold(record, |record, (name, value)| record.field(&name, value));
        for (name, fields) in &spans {
            record = record.span(name, "target", fields.iter().map(|(name, value)| (name.as_str(), value.clone())));
        }
        record.build()
    })
}

const OWN: [&str; 21] = [
    "name",
    "msg",
    "args",
    "levelname",
    "levelno",
    "pathname",
    "filename",
    "module",
    "exc_info",
    "exc_text",
    "stack_info",
    "lineno",
    "funcName",
    "created",
    "msecs",
    "relativeCreated",
    "thread",
    "threadName",
    "processName",
    "process",
    "taskName",
];

/// Where a field is found at the receiver.
fn name_there(name: &str) -> String {
    let is_taken = OWN.contains(&name) || ["getMessage", "message", "asctime", "spans", "omitted_fields"].contains(&name);
    if is_taken || name.starts_with("__") { format!("field.{name}") } else { name.to_owned() }
}

fn check(record: &Record<'_>, seen: &Seen) {
    assert_eq!((seen.protocol(), seen.calls()), (1, 0));
    // The methods of `LogRecord` still work, so no field took their place.
    assert_eq!(seen.message(), record.message());
    let number = [(Level::TRACE, 5), (Level::DEBUG, 10), (Level::INFO, 20), (Level::WARN, 30), (Level::ERROR, 40)];
    assert!(number.contains(&(record.level(), seen.level())));
    assert_eq!(seen.names()[..OWN.len()], OWN);
    check_value(seen.attribute("name"), Value::Str(record.target()), "name");
    check_value(seen.attribute("args"), Value::Nil, "args");
    let stamp = record.timestamp();
    let created = stamp.unix_seconds() as f64 + f64::from(stamp.subsec_nanos()) / 1e9;
    check_value(seen.attribute("created"), Value::F64(created), "created");
    check_value(seen.attribute("process"), Value::I64(record.process_id().into()), "process");
    check_value(seen.attribute("lineno"), Value::I64(record.line().unwrap_or(0).into()), "lineno");
    check_value(seen.attribute("thread"), record.thread_id().map_or(Value::Nil, Value::from), "thread");
    let mut known: Vec<String> = OWN.map(str::to_owned).to_vec();
    for (name, value) in record.fields() {
        let name = name_there(name);
        if !known.contains(&name) {
            check_value(seen.attribute(&name), value, &name);
            known.push(name.clone());
        }
        known.push(format!("{name}.sources"));
    }
    known.extend(["spans".to_owned(), "omitted_fields".to_owned()]);
    assert!(seen.names().iter().all(|name| known.iter().any(|known| known == name)), "forged: {:?}", seen.names());
    let spans = seen.attribute("spans").map_or(0, |spans| spans["list"].as_array().unwrap().len());
    assert_eq!(spans, record.spans().count());
}

#[test]
fn python_reads_any_record_as_it_is_and_nothing_is_forged() {
    let mut runner = TestRunner::deterministic();
    let records: Vec<_> = (0..1_500).map(|_| records().new_tree(&mut runner).unwrap().current()).collect();
    let seen = Python::decode(&framed(&pickles(&records, Timestamp::default())));
    assert_eq!(seen.len(), records.len());
    for (record, seen) in records.iter().zip(&seen) {
        check(&record.as_record(), seen);
    }
}

#[test]
fn what_comes_twice_or_too_much_is_counted_and_errors_keep_their_sources() {
    let record = Record::builder().field("n", 1_i64).field("n", 2_i64).field("msg", "forged").field("getMessage", "forged");
    let record = record.field("cause", ValueBuf::Error(vec!["outer".to_owned(), "inner".to_owned()])).omitted_fields(3);
    let many = (0..400).fold(Record::builder(), |record, n| record.field(&format!("field{n}"), n.to_string()));
    let seen = Python::decode(&framed(&pickles(&[record.build(), many.build()], Timestamp::default())));
    let [first, many] = seen.as_slice() else { panic!("two") };
    assert_eq!(first.attribute("n"), Some(&json!({"int": "1"})));
    assert_eq!(first.attribute("omitted_fields"), Some(&json!({"int": "4"})));
    assert_eq!(first.attribute("field.msg"), Some(&json!("forged")));
    assert_eq!(first.attribute("field.getMessage"), Some(&json!("forged")));
    assert_eq!(first.attribute("cause"), Some(&json!("outer")));
    assert_eq!(first.attribute("cause.sources"), Some(&json!({"list": ["inner"]})));
    // More texts than the short opcode of the memo can number.
    assert_eq!(many.attribute("field399"), Some(&json!("399")));
}
