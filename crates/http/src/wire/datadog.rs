//! Datadog's log intake (pure).

use tracing_handlers_core::{Error, Record};
use tracing_handlers_delivery::Frames;

use crate::encoding::Encoding;
use crate::wire::json;
use crate::wire::object::{Object, attributes};

/// An array of up to 1,000 objects.
pub(crate) struct Datadog {
    pub(crate) api_key: String,
    pub(crate) service: String,
}

impl Encoding for Datadog {
    fn record(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut object = Object::begin(out);
        object.str("message", record.message());
        object.str("status", record.level().as_str());
        object.raw("timestamp", record.timestamp().as_nanos() / 1_000_000);
        object.str("service", &self.service);
        object.str("ddsource", "rust");
        object.str("logger.name", record.target());
        if let Some(thread) = record.thread_name() {
            object.str("logger.thread_name", thread);
        }
        let mut fields = Object::begin(object.key("fields"));
        attributes(record).into_iter().for_each(|(name, value)| fields.value(name, value));
        fields.end();
        object.end();
        Ok(())
    }

    fn body(&self, records: &Frames, out: &mut Vec<u8>) {
        json::list(records, out);
    }

    fn path(&self) -> &str {
        "/api/v2/logs"
    }

    fn headers(&self) -> Vec<(String, String)> {
        vec![("dd-api-key".to_owned(), self.api_key.clone())]
    }

    fn max_records(&self) -> usize {
        1_000
    }
}
