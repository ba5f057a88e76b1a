//! Grafana Loki's push API in JSON (pure).

use tracing_handlers_core::format::escape;
use tracing_handlers_core::{Error, Record};
use tracing_handlers_delivery::{Frames, Outcome};

use crate::encoding::Encoding;
use crate::reply::Reply;
use crate::wire::json;
use crate::wire::object::{Object, attributes, raw, text};

/// One stream of these labels; what differs from record to record is structured metadata, whose values are texts.
pub(crate) struct Loki {
    /// The labels, as a JSON object.
    labels: Vec<u8>,
}

impl Loki {
    pub(crate) fn new(labels: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out);
        labels.into_iter().for_each(|(name, value)| object.str(&name, &value));
        object.end();
        Self { labels: out }
    }
}

impl Encoding for Loki {
    /// `["<nanoseconds>","<message>",{"level":"INFO",…}]`
    fn record(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        out.extend_from_slice(b"[\"");
        raw(record.timestamp().as_nanos(), out);
        out.extend_from_slice(b"\",");
        escape::json(record.message(), out);
        out.push(b',');
        let mut metadata = Object::begin(out);
        metadata.str("level", record.level().as_str());
        metadata.str("target", record.target());
        for (name, value) in attributes(record) {
            match name {
                "level" | "target" => metadata.str(&format!("field.{name}"), &text(value)),
                _ => metadata.str(name, &text(value)),
            }
        }
        metadata.end();
        out.push(b']');
        Ok(())
    }

    fn body(&self, records: &Frames, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"streams\":[{\"stream\":");
        out.extend_from_slice(&self.labels);
        out.extend_from_slice(b",\"values\":");
        json::list(records, out);
        out.extend_from_slice(b"}]}");
    }

    fn path(&self) -> &str {
        "/loki/api/v1/push"
    }

    /// An answer of 400 can say that only some were refused, as too old or out of order; the others are kept.
    fn outcome(&self, reply: &Reply, records: &Frames) -> Outcome {
        match (reply.status(), ignored(reply.body())) {
            (400, Some((ignored, all))) if ignored > 0 && ignored < all && all == records.len() => {
                let why = format!("{} of {all} records: {}", ignored, reply.why());
                Outcome::Partial {
                    retry: Vec::new(),
                    // How many, but not which: the first ones stand for them.
                    dead: (0..ignored).map(|index| (index, why.clone())).collect(),
                    after: None,
                    why: None,
                }
            }
            _ => reply.outcome(),
        }
    }
}

/// `…total ignored: 2 out of 5 for stream…`
fn ignored(body: &[u8]) -> Option<(usize, usize)> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, counts) = text.rsplit_once("total ignored: ")?;
    let (ignored, rest) = counts.split_once(" out of ")?;
    let all = rest.split(|char: char| !char.is_ascii_digit()).next()?;
    Some((ignored.parse().ok()?, all.parse().ok()?))
}
