//! What stands in the bodies, read by the published schemas; and answers that hold failures.

use serde_json::{Value, json};
use tracing_handlers_core::record::RecordBuf;
use tracing_handlers_core::{DropReason, Handler, Level, Record, Timestamp};
use tracing_handlers_http::{Body, HttpHandler, Method, Retry};
use tracing_handlers_testing::{FailureLog, record};

use crate::schema;
use crate::server::{NO_ERRORS, Request, Server, answer};
use crate::statuses::{LONG, flush};

/// The record below is of 2023.
const OLD: std::time::Duration = std::time::Duration::from_secs(1 << 32);

/// A record with a value of each kind, and names that schemas have their own ideas of.
pub(crate) fn rich() -> RecordBuf {
    Record::builder()
        .timestamp(Timestamp::from_nanos(1_700_000_000_123_456_789))
        .level(Level::WARN)
        .target("app::db")
        .message("slow \"query\"\n\u{2603}")
        .file("src/db.rs")
        .line(7)
        .thread_name("main")
        .thread_id(1)
        .process_id(42)
        .span("request", "app", [("trace_id", "0af7651916cd43dd8448eb211c80319c".into()), ("id", 1.into())])
        .field("id", 9_007_199_254_740_993_i64)
        .field("span_id", "b7ad6b7169203331")
        .field("ratio", 1.5)
        .field("nan", f64::NAN)
        .field("huge", u64::MAX)
        .field("is_late", true)
        .field("level", "forged")
        .field("log.target", "forged")
        .build()
}

/// What a server gets for these records, and who sent them.
pub(crate) fn sent(body: Body, records: &[RecordBuf]) -> (Request, FailureLog) {
    let (server, failures) = (Server::start(), FailureLog::new());
    server.otherwise(Some(answer(200, "", NO_ERRORS)));
    let handler = handler(&server, body, &failures);
    server.send_together(&handler, records);
    let requests = server.requests();
    assert_eq!((requests.len(), handler.stats().delivered), (1, records.len() as u64 + 1));
    assert_eq!(requests[0].method, "POST");
    (requests[0].clone(), failures)
}

fn handler(server: &Server, body: Body, failures: &FailureLog) -> HttpHandler {
    let retry = Retry::new(std::time::Duration::from_millis(1));
    let builder = HttpHandler::builder(server.url("")).body(body).method(Method::Post).retry(retry).linger(LONG);
    builder.max_age(OLD).on_failure(failures.clone()).build().unwrap()
}

fn json_of(request: &Request) -> Value {
    serde_json::from_str(&request.body).unwrap()
}

#[test]
fn loki_gets_one_stream_of_texts() {
    let (request, _) = sent(Body::loki([("app", "shop"), ("env", "te\"st")]), &[rich(), rich()]);
    assert_eq!(request.path, "/loki/api/v1/push");
    assert_eq!(request.header("content-type"), Some("application/json"));
    let push: schema::loki::Push = serde_json::from_str(&request.body).unwrap();
    let stream = &push.streams[0];
    assert_eq!((push.streams.len(), stream.values.len()), (1, 2));
    assert_eq!(stream.stream, [("app", "shop"), ("env", "te\"st")].map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    let schema::loki::Entry(stamp, line, metadata) = &stream.values[1];
    assert_eq!((stamp.as_str(), line.as_str()), ("1700000000123456789", "slow \"query\"\n\u{2603}"));
    let expected = [
        ("level", "WARN"),
        ("target", "app::db"),
        ("trace_id", "0af7651916cd43dd8448eb211c80319c"),
        ("id", "9007199254740993"),
        ("span_id", "b7ad6b7169203331"),
        ("ratio", "1.5"),
        ("nan", "NaN"),
        ("huge", "18446744073709551615"),
        ("is_late", "true"),
        ("field.level", "forged"),
        ("log.target", "forged"),
    ];
    assert_eq!(*metadata, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
}

#[test]
fn loki_keeps_what_it_does_not_say_was_ignored() {
    let told = "entry with timestamp 2023-11-14 22:13:20 +0000 UTC ignored, reason: 'entry too far behind',\nuser 'fake', total ignored: ";
    for (counts, status, delivered, dead) in [
        ("1 out of 3", 400, 2, 1),
        ("3 out of 3", 400, 0, 3),
        ("1 out of 7", 400, 0, 3),
        ("none", 400, 0, 3),
        ("1 out of 3", 404, 0, 3),
    ] {
        let (server, failures) = (Server::start(), FailureLog::new());
        server.will([answer(status, "", &format!("{told}{counts} for stream: {{app=\"shop\"}}"))]);
        let handler = handler(&server, Body::loki([("app", "shop")]), &failures);
        server.send_together(&handler, &[rich(), rich(), rich()]);
        assert_eq!((handler.stats().delivered, server.requests().len()), (delivered + 1, 1), "{counts}");
        assert_eq!((handler.stats().dropped_for(DropReason::Failed), failures.lost()), (dead, dead), "{failures:?}");
        assert!(failures.texts()[0].contains("entry too far behind"), "{failures:?}");
    }
}

#[test]
fn otlp_gets_what_its_protocol_buffers_describe() {
    let (request, _) = sent(Body::otlp([("service.name", "shop")]), &[rich(), rich()]);
    assert_eq!(request.path, "/v1/logs");
    let export: schema::otlp::ExportLogsServiceRequest = serde_json::from_str(&request.body).unwrap();
    let of_resource = &export.resource_logs[0];
    assert_eq!(of_resource.resource.attributes[0].text(), ("service.name", "shop"));
    let records = &of_resource.scope_logs[0].log_records;
    assert_eq!(records.len(), 2);
    let record = &records[0];
    assert_eq!((record.severity_number, record.severity_text.as_str()), (13, "WARN"));
    assert_eq!(record.time_unix_nano, "1700000000123456789");
    assert_eq!(record.trace_id.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
    assert_eq!(record.span_id.as_deref(), Some("b7ad6b7169203331"));
    assert_eq!(serde_json::to_value(&record.body).unwrap(), json!({"stringValue": "slow \"query\"\n\u{2603}"}));
    let attributes: std::collections::BTreeMap<_, _> =
        record.attributes.iter().map(|each| (each.key.as_str(), serde_json::to_value(&each.value).unwrap())).collect();
    assert_eq!(attributes.len(), record.attributes.len(), "no key stands twice");
    assert_eq!(attributes["id"], json!({"intValue": "9007199254740993"}));
    assert_eq!(attributes["ratio"], json!({"doubleValue": 1.5}));
    assert_eq!(attributes["nan"], json!({"doubleValue": "NaN"}));
    assert_eq!(attributes["is_late"], json!({"boolValue": true}));
    assert_eq!(attributes["huge"], json!({"stringValue": "18446744073709551615"}));
    assert_eq!(attributes["log.target"], json!({"stringValue": "app::db"}));
    assert_eq!(attributes["field.log.target"], json!({"stringValue": "forged"}));
    assert_eq!(attributes["code.line.number"], json!({"intValue": "7"}));
}

#[test]
fn otlp_does_not_send_again_what_was_rejected_nor_after_500() {
    let rejected = answer(200, "", r#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too old"}}"#);
    for (act, delivered, requests, dead) in
        [(rejected, 1, 1, 2), (answer(500, "", "broken"), 0, 1, 3), (answer(503, "", "busy"), 3, 2, 0)]
    {
        let (server, failures) = (Server::start(), FailureLog::new());
        server.will([act]);
        let handler = handler(&server, Body::otlp([("service.name", "shop")]), &failures);
        server.send_together(&handler, &[rich(), rich(), rich()]);
        assert_eq!((handler.stats().delivered, server.requests().len()), (delivered + 1, requests));
        assert_eq!((handler.stats().dropped_for(DropReason::Failed), failures.lost()), (dead, dead), "{failures:?}");
    }
}

#[test]
fn elasticsearch_gets_an_action_and_a_document_a_record() {
    let (request, _) = sent(Body::elasticsearch("logs-\"app"), &[rich(), rich()]);
    assert_eq!((request.path.as_str(), request.header("content-type")), ("/_bulk", Some("application/x-ndjson")));
    assert!(request.body.ends_with('\n'));
    let lines = request.lines();
    assert_eq!(lines.len(), 4);
    let actions = [&lines[0], &lines[2]].map(|line| serde_json::from_str::<schema::elasticsearch::Action>(line).unwrap());
    assert!(actions.iter().all(|action| action.create.index == "logs-\"app"));
    assert_ne!(actions[0].create.id, actions[1].create.id);
    let document: Value = serde_json::from_str(&lines[1]).unwrap();
    let expected = json!({
        "@timestamp": "2023-11-14T22:13:20.123456Z",
        "log.level": "WARN",
        "log.logger": "app::db",
        "message": "slow \"query\"\n\u{2603}",
        "log.origin.file.name": "src/db.rs",
        "log.origin.file.line": 7,
        "process.pid": 42,
        "process.thread.name": "main",
        "fields": {
            "trace_id": "0af7651916cd43dd8448eb211c80319c", "id": 9_007_199_254_740_993_i64, "span_id": "b7ad6b7169203331",
            "ratio": 1.5, "nan": null, "huge": u64::MAX, "is_late": true, "level": "forged", "log.target": "forged",
        },
    });
    assert_eq!(document, expected);
}

#[test]
fn elasticsearch_says_of_each_document_what_became_of_it() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let item = |status: u16, error: &str| json!({"create": {"_index": "logs", "status": status, "error": {"type": error, "reason": error}}});
    let items = [item(201, ""), item(429, "full"), item(400, "no date"), item(409, "there"), item(503, "away")];
    server.will([
        answer(200, "", &json!({"took": 1, "errors": true, "items": items}).to_string()),
        answer(200, "", &json!({"took": 1, "errors": true, "items": [item(409, "there"), item(201, "")]}).to_string()),
    ]);
    let handler = handler(&server, Body::elasticsearch("logs"), &failures);
    server.send_together(&handler, &["0", "1", "2", "3", "4"].map(record));
    let requests = server.requests();
    let (first, second) = (requests[0].lines(), requests[1].lines());
    assert_eq!((requests.len(), second.len()), (2, 4));
    assert_eq!(second, [&first[2..4], &first[8..10]].concat(), "the same records, under the same ids");
    let stats = handler.stats();
    assert_eq!((stats.delivered, stats.dropped_for(DropReason::Failed), failures.lost()), (5, 1, 1));
    assert!(failures.texts().iter().any(|text| text.contains("refused a document with 400: no date")), "{failures:?}");
}

#[test]
fn an_answer_of_elasticsearch_that_nobody_can_read_is_no_success() {
    for body in ["", "<html>", r#"{"errors":true,"items":[]}"#, r#"{"took":1}"#] {
        let (server, failures) = (Server::start(), FailureLog::new());
        server.will([answer(200, "", body)]).otherwise(Some(answer(200, "", NO_ERRORS)));
        let handler = handler(&server, Body::elasticsearch("logs"), &failures);
        handler.handle(&rich().as_record()).unwrap();
        flush(&handler);
        let requests = server.requests();
        assert_eq!((requests.len(), handler.stats().delivered, failures.len()), (2, 1, 1), "{body} {failures:?}");
        assert_eq!(requests[0].body, requests[1].body);
    }
}

#[test]
fn splunk_gets_objects_one_after_another_and_its_token() {
    let (request, failures) = sent(Body::splunk_hec("hunter2"), &[rich(), rich()]);
    assert_eq!(request.path, "/services/collector/event");
    assert_eq!(request.header("authorization"), Some("Splunk hunter2"));
    let events: Vec<Value> = serde_json::Deserializer::from_str(&request.body).into_iter().map(Result::unwrap).collect();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["time"], json!(1_700_000_000.123));
    assert_eq!(
        (&events[0]["event"]["message"], &events[0]["event"]["level"]),
        (&json!("slow \"query\"\n\u{2603}"), &json!("WARN"))
    );
    assert_eq!(events[0]["event"]["fields"]["ratio"], json!(1.5));
    assert!(failures.is_empty());
}

#[test]
fn datadog_gets_an_array_of_at_most_a_thousand_and_its_key() {
    let (request, _) = sent(Body::datadog("hunter2", "shop"), &[rich(), rich()]);
    assert_eq!((request.path.as_str(), request.header("dd-api-key")), ("/api/v2/logs", Some("hunter2")));
    let array = json_of(&request);
    assert_eq!(array.as_array().unwrap().len(), 2);
    assert_eq!((&array[0]["service"], &array[0]["status"]), (&json!("shop"), &json!("WARN")));
    assert_eq!(array[0]["timestamp"], json!(1_700_000_000_123_i64));

    let (server, failures) = (Server::start(), FailureLog::new());
    let builder = HttpHandler::builder(server.url("/own/path")).body(Body::datadog("hunter2", "shop"));
    let handler = builder.batch_records(5_000).linger(LONG).max_age(OLD).on_failure(failures).build().unwrap();
    (0..1_500).for_each(|_| handler.handle(&rich().as_record()).unwrap());
    flush(&handler);
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.path == "/own/path" && json_of(request).as_array().unwrap().len() <= 1_000));
    assert!(requests.len() >= 2);
}

#[test]
fn json_is_an_array_and_json_lines_are_lines() {
    let (request, _) = sent(Body::Json, &[rich(), rich()]);
    let array = json_of(&request);
    assert_eq!(array.as_array().unwrap().len(), 2);
    assert_eq!(array[0]["fields"]["message"], json!("slow \"query\"\n\u{2603}"));
    let (request, _) = sent(Body::JsonLines, &[rich(), rich()]);
    let lines = request.lines();
    assert_eq!(lines.len(), 2);
    assert_eq!(serde_json::from_str::<Value>(&lines[1]).unwrap(), array[1]);
    assert_eq!(request.header("content-type"), Some("application/x-ndjson"));
}

#[test]
fn a_record_is_mapped_to_whatever_one_likes() {
    let (server, failures) = (Server::start(), FailureLog::new());
    for (body, expected) in [
        (Body::Form, "what=a+%22b%22&size=3"),
        (Body::Json, r#"[{"what":"a \"b\"","size":3}]"#),
        (Body::JsonLines, "{\"what\":\"a \\\"b\\\"\",\"size\":3}\n"),
    ] {
        let builder = HttpHandler::builder(server.url("/")).body(body).method(Method::Post).on_failure(failures.clone());
        let map = |record: &Record<'_>| vec![("what".to_owned(), record.message().into()), ("size".to_owned(), 3.into())];
        let handler = builder.map_record(map).build().unwrap();
        handler.handle(&record("a \"b\"").as_record()).unwrap();
        flush(&handler);
        assert_eq!(server.requests().last().unwrap().body, expected);
    }
    assert!(failures.is_empty(), "{failures:?}");
}
