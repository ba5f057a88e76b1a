//! Splunk's HTTP event collector (pure).

use tracing_handlers_core::{Error, Record};
use tracing_handlers_delivery::{Frames, Outcome};

use crate::encoding::Encoding;
use crate::reply::Reply;
use crate::wire::object::{Object, attributes};

/// JSON objects one after another.
pub(crate) struct SplunkHec {
    pub(crate) token: String,
}

impl Encoding for SplunkHec {
    fn record(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let stamp = record.timestamp();
        let mut object = Object::begin(out);
        object.raw("time", format_args!("{}.{:03}", stamp.unix_seconds(), stamp.subsec_nanos() / 1_000_000));
        let mut event = Object::begin(object.key("event"));
        event.str("message", record.message());
        event.str("level", record.level().as_str());
        event.str("target", record.target());
        let mut fields = Object::begin(event.key("fields"));
        attributes(record).into_iter().for_each(|(name, value)| fields.value(name, value));
        fields.end();
        event.end();
        object.end();
        Ok(())
    }

    fn path(&self) -> &str {
        "/services/collector/event"
    }

    fn headers(&self) -> Vec<(String, String)> {
        vec![("authorization".to_owned(), format!("Splunk {}", self.token))]
    }

    fn outcome(&self, reply: &Reply, _: &Frames) -> Outcome {
        reply.outcome()
    }
}
