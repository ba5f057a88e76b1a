//! The bodies that come with the crate.

use std::fmt;
use std::sync::Arc;

use tracing_handlers_core::record::ValueBuf;
use tracing_handlers_core::{Error, Format, Record};

use crate::encoding::Encoding;
use crate::wire::datadog::Datadog;
use crate::wire::elasticsearch::Elasticsearch;
use crate::wire::form::Form;
use crate::wire::json::{Array, Element, Lines};
use crate::wire::loki::Loki;
use crate::wire::otlp::Otlp;
use crate::wire::splunk::SplunkHec;

/// Names and values to send in the place of a record's own.
pub(crate) type MapRecord = Arc<dyn Fn(&Record<'_>) -> Vec<(String, ValueBuf)> + Send + Sync>;

/// What the records of a request look like.
///
/// | body | request | success | another try | final |
/// |---|---|---|---|---|
/// | [`Form`](Self::Form) | one record, urlencoded under Python's names | 2xx | 408, 425, 429, 5xx | all else |
/// | [`Json`](Self::Json) | an array of objects | 2xx | as above | all else |
/// | [`JsonLines`](Self::JsonLines) | an object a line | 2xx | as above | all else |
/// | [`loki`](Self::loki) | one stream, to `/loki/api/v1/push` | 2xx, and of a 400 what it does not say was ignored | as above | all else |
/// | [`otlp`](Self::otlp) | `ExportLogsServiceRequest`, to `/v1/logs` | 2xx, but for the records that it says were rejected | 429, 502, 503, 504 | all else, and what was rejected |
/// | [`elasticsearch`](Self::elasticsearch) | `create` with an id a record, to `/_bulk` | each record by itself: 2xx, or 409 since it is there already | each by itself: 429, 5xx | each by itself |
/// | [`splunk_hec`](Self::splunk_hec) | objects, to `/services/collector/event` | 2xx | 408, 425, 429, 5xx | all else |
/// | [`datadog`](Self::datadog) | an array of at most 1,000, to `/api/v2/logs` | 2xx | as above | all else |
///
/// 413 halves a request, down to the one record that is too large, which is dropped. 401, 403 and 407 are tried again slowly: credentials
/// get renewed. 501 and 505 are final for all of them. The path of a body is taken where the URL has none.
#[derive(Default)]
#[non_exhaustive]
pub enum Body {
    /// The attributes of one record, as Python's `HTTPHandler` sends them: with GET in the URL, with POST as the body.
    #[default]
    Form,
    /// One array a request.
    Json,
    /// A line each, `application/x-ndjson`.
    JsonLines,
    /// Something else.
    Own(Box<dyn Encoding>),
}

impl Body {
    /// An encoding of your own.
    pub fn own(encoding: impl Encoding) -> Self {
        Self::Own(Box::new(encoding))
    }

    /// Grafana Loki, 3.0 or newer: one stream of these labels, which should be few and always the same. Level, target and fields are
    /// structured metadata.
    pub fn loki<K: Into<String>, V: Into<String>>(labels: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::own(Loki::new(texts(labels)))
    }

    /// An OpenTelemetry collector: OTLP over HTTP in JSON. `resource` describes the program: `[("service.name", "shop")]`. Fields `trace_id`
    /// (32 hexadecimal digits) and `span_id` (16), of the event or of a span, make a record part of a trace.
    pub fn otlp<K: Into<String>, V: Into<String>>(resource: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::own(Otlp::new(texts(resource)))
    }

    /// Elasticsearch or OpenSearch: `_bulk` into this index or data stream. A document that was sent twice is there once.
    pub fn elasticsearch(index: impl Into<String>) -> Self {
        Self::own(Elasticsearch::new(index.into()))
    }

    /// Splunk's HTTP event collector, with its token. Success means that the collector took the events: an acknowledgement of the indexers
    /// (channels and `ackId`) is not asked for, so a token that demands one is refused with 400.
    pub fn splunk_hec(token: impl Into<String>) -> Self {
        Self::own(SplunkHec { token: token.into() })
    }

    /// Datadog, with an API key, for records of this service.
    pub fn datadog(api_key: impl Into<String>, service: impl Into<String>) -> Self {
        Self::own(Datadog { api_key: api_key.into(), service: service.into() })
    }

    /// What does the work; refuses settings that mean nothing to it.
    pub(crate) fn encoding(self, format: Option<Arc<dyn Format>>, map: Option<MapRecord>) -> Result<Arc<dyn Encoding>, Error> {
        let foreign = |setting: &str| Error::config(setting, "(a function)", "means nothing to this body");
        let element = |map: Option<MapRecord>| Element {
            format: format.clone().unwrap_or_else(|| Arc::new(tracing_handlers_core::format::Json::new())),
            map,
        };
        Ok(match self {
            Self::Form if format.is_some() => return Err(foreign("format")),
            Self::Form => Arc::new(Form { map }),
            Self::Json => Arc::new(Array(element(map))),
            Self::JsonLines => Arc::new(Lines(element(map))),
            Self::Own(_) if format.is_some() => return Err(foreign("format")),
            Self::Own(_) if map.is_some() => return Err(foreign("map_record")),
            Self::Own(encoding) => Arc::from(encoding),
        })
    }
}

fn texts<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> impl Iterator<Item = (String, String)> {
    pairs.into_iter().map(|(name, value)| (name.into(), value.into()))
}

/// Shows no token.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "Form",
            Self::Json => "Json",
            Self::JsonLines => "JsonLines",
            Self::Own(_) => "Own",
        })
    }
}
