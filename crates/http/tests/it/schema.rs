//! The published schemas of bodies, as types that refuse what they do not know.

/// Grafana Loki, `POST /loki/api/v1/push`.
pub(crate) mod loki {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Push {
        pub(crate) streams: Vec<Stream>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Stream {
        pub(crate) stream: BTreeMap<String, String>,
        pub(crate) values: Vec<Entry>,
    }

    /// Time in nanoseconds, line, structured metadata.
    #[derive(Deserialize)]
    pub(crate) struct Entry(pub(crate) String, pub(crate) String, pub(crate) BTreeMap<String, String>);
}

/// `opentelemetry/proto/collector/logs/v1/logs_service.proto`, in the JSON of protocol buffers.
pub(crate) mod otlp {
    use serde::{Deserialize, Serialize};

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub(crate) struct ExportLogsServiceRequest {
        pub(crate) resource_logs: Vec<ResourceLogs>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub(crate) struct ResourceLogs {
        pub(crate) resource: Resource,
        pub(crate) scope_logs: Vec<ScopeLogs>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Resource {
        pub(crate) attributes: Vec<KeyValue>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub(crate) struct ScopeLogs {
        #[serde(rename = "scope")]
        _scope: InstrumentationScope,
        pub(crate) log_records: Vec<LogRecord>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct InstrumentationScope {
        #[serde(rename = "name")]
        _name: String,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub(crate) struct LogRecord {
        pub(crate) time_unix_nano: String,
        #[serde(rename = "observedTimeUnixNano")]
        _observed_time_unix_nano: String,
        pub(crate) severity_number: u8,
        pub(crate) severity_text: String,
        pub(crate) body: AnyValue,
        pub(crate) attributes: Vec<KeyValue>,
        pub(crate) trace_id: Option<String>,
        pub(crate) span_id: Option<String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct KeyValue {
        pub(crate) key: String,
        pub(crate) value: AnyValue,
    }

    impl KeyValue {
        pub(crate) fn text(&self) -> (&str, &str) {
            match &self.value {
                AnyValue::StringValue(text) => (&self.key, text),
                other => panic!("{other:?}"),
            }
        }
    }

    /// One of these; a 64-bit integer is a text.
    #[derive(Debug, Deserialize, Serialize)]
    #[serde(rename_all = "camelCase")]
    #[allow(clippy::enum_variant_names, reason = "these are the keys")]
    pub(crate) enum AnyValue {
        StringValue(String),
        BoolValue(bool),
        IntValue(String),
        DoubleValue(Double),
        BytesValue(String),
    }

    #[derive(Debug, Deserialize, Serialize)]
    #[serde(untagged)]
    pub(crate) enum Double {
        Number(f64),
        Name(String),
    }
}

/// Elasticsearch, the first line of each pair of a `_bulk`.
pub(crate) mod elasticsearch {
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Action {
        pub(crate) create: Create,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Create {
        #[serde(rename = "_index")]
        pub(crate) index: String,
        #[serde(rename = "_id")]
        pub(crate) id: String,
    }
}
