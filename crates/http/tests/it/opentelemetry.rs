//! OTLP bodies, read by what the OpenTelemetry project makes of its own protocol buffers.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use proptest::prelude::*;
use serde_json::Value as Json;
use tracing_handlers_core::record::{RecordBuf, ValueBuf};
use tracing_handlers_core::{Level, Record, Timestamp};
use tracing_handlers_http::Body;

use crate::bodies::sent;

/// Whether everything that stands in `ours` stands in `theirs` too: nothing of it was skipped as unknown, or read as something else.
fn stands_in(ours: &Json, theirs: &Json) -> bool {
    match (ours, theirs) {
        (Json::Object(ours), Json::Object(theirs)) => {
            ours.iter().all(|(key, value)| theirs.get(key).is_some_and(|there| stands_in(value, there)))
        }
        (Json::Array(ours), Json::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| stands_in(ours, theirs))
        }
        _ => ours == theirs,
    }
}

fn value() -> impl Strategy<Value = ValueBuf> {
    prop_oneof![
        any::<bool>().prop_map(ValueBuf::Bool),
        any::<i64>().prop_map(ValueBuf::I64),
        any::<u64>().prop_map(ValueBuf::U64),
        any::<u128>().prop_map(ValueBuf::U128),
        (-1e300..1e300).prop_map(ValueBuf::F64),
        any::<String>().prop_map(ValueBuf::from),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(ValueBuf::Bytes),
    ]
}

fn record_of(parts: (u32, u8, String, Vec<(String, ValueBuf)>)) -> RecordBuf {
    let (second, level, message, fields) = parts;
    let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
    let nanos = 1_700_000_000_000_000_000 + i64::from(second) * 1_000_000_007;
    let record = Record::builder().timestamp(Timestamp::from_nanos(nanos)).level(levels[usize::from(level) % 5]);
    let ids = [("trace_id", "0af7651916cd43dd8448eb211c80319c".into()), ("span_id", "b7ad6b7169203331".into())];
    let record = record.target("app::db").message(message).file("src/db.rs").line(7).span("request", "app", ids);
    fields.into_iter().fold(record, |record, (name, value)| record.field(&name, value)).build()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn the_types_of_opentelemetry_read_every_body_and_skip_nothing(
        all in prop::collection::vec(
            (any::<u32>(), any::<u8>(), ".{0,40}", prop::collection::vec(("[a-z\"é ]{1,8}", value()), 0..6)),
            1..5,
        ),
    ) {
        let records: Vec<_> = all.into_iter().map(record_of).collect();
        let (request, failures) = sent(Body::otlp([("service.name", "shop")]), &records);
        prop_assert!(failures.is_empty(), "{:?}", failures);
        let export: ExportLogsServiceRequest = serde_json::from_str(&request.body).unwrap();
        let ours: Json = serde_json::from_str(&request.body).unwrap();
        let theirs = serde_json::to_value(&export).unwrap();
        prop_assert!(stands_in(&ours, &theirs), "{ours:#}\n{theirs:#}");
        let read = &export.resource_logs[0].scope_logs[0].log_records;
        prop_assert_eq!(read.len(), records.len());
        for (read, record) in read.iter().zip(&records) {
            let record = record.as_record();
            prop_assert_eq!(i128::from(read.time_unix_nano), i128::from(record.timestamp().as_nanos()));
            prop_assert_eq!((read.trace_id.len(), read.span_id.len()), (16, 8));
            let body = read.body.as_ref().and_then(|body| body.value.clone());
            prop_assert_eq!(body, Some(Any::StringValue(record.message().to_owned())));
        }
    }
}
