//! What makes a body of records, and what an answer to it means: the seam for collectors of any kind.

use tracing_handlers_core::{Error, Record};
use tracing_handlers_delivery::{Frames, Outcome};

use crate::reply::Reply;

/// How records become the body of a request, and what came of it. The ready-made ones are in [`Body`](crate::Body); implement this for a
/// collector that wants something else, and pass it as [`Body::own`](crate::Body::own).
///
/// ```
/// use tracing_handlers_core::{Error, Record};
/// use tracing_handlers_delivery::{Frames, Outcome};
/// use tracing_handlers_http::{Body, Encoding, HttpHandler, Reply};
///
/// /// `level message`, a line a record, for a collector that is content only when it says `thanks`.
/// struct Polite;
///
/// impl Encoding for Polite {
///     fn record(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
///         out.extend_from_slice(format!("{} {}\n", record.level(), record.message().escape_debug()).as_bytes());
///         Ok(())
///     }
///     fn content_type(&self) -> &str {
///         "text/plain; charset=utf-8"
///     }
///     fn outcome(&self, reply: &Reply, _: &Frames) -> Outcome {
///         match reply.outcome() {
///             Outcome::Delivered if reply.body() != b"thanks" => Outcome::retry(Error::new("a collector without manners")),
///             other => other,
///         }
///     }
/// }
///
/// let handler = HttpHandler::builder("http://collector.example:8080/logs").body(Body::own(Polite)).build()?;
/// assert!(matches!(Polite.outcome(&Reply::new(200, "thanks"), &Frames::new()), Outcome::Delivered));
/// assert!(matches!(Polite.outcome(&Reply::new(200, ""), &Frames::new()), Outcome::Retry { .. }));
/// # drop(handler);
/// # Ok::<(), Error>(())
/// ```
pub trait Encoding: Send + Sync + 'static {
    /// Appends what a record is in a body. Called once a record: what it writes is the same in every attempt.
    ///
    /// # Errors
    ///
    /// Why this record can never be sent. It is dropped and reported.
    fn record(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error>;

    /// Appends the body that holds these records; by default they stand back to back.
    fn body(&self, records: &Frames, out: &mut Vec<u8>) {
        out.extend_from_slice(records.bytes());
    }

    /// What the body is; JSON by default.
    fn content_type(&self) -> &str {
        "application/json"
    }

    /// Where the body goes, if the URL has no path of its own.
    fn path(&self) -> &str {
        "/"
    }

    /// Headers of every request, beside those of the builder. Values are never shown.
    fn headers(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// The most records of a body.
    fn max_records(&self) -> usize {
        usize::MAX
    }

    /// What came of a request with these records. Answers of 401, 403 and 407, and of 415 to a compressed body, do not get here.
    fn outcome(&self, reply: &Reply, records: &Frames) -> Outcome {
        let _ = records;
        reply.outcome()
    }
}
