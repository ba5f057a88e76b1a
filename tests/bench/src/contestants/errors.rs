//! Errors to those who tell others of them: mails in digests with the usual limit, and JSON lines to a collector, beside queues before a handler that
//! only counts and before a file. The servers are threads of this process. Nobody waits for room: what finds none is dropped and counted.

use std::time::Duration;

use tracing_handlers::http::Body;
use tracing_handlers::{FileHandler, Handler, HandlerExt, HandlerLayer, HttpHandler, SmtpHandler, SmtpTls};

use super::stopped::Gated;
use super::{Counts, Place, Running, as_f64, counts, install};
use crate::receiver::{MailServer, Receiver, Wire};
use crate::{Failed, workload};

/// How long the flush at the end may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Short enough that mails go out while callers are at work.
const DIGEST: Duration = Duration::from_millis(100);

pub(super) fn queue(_: &Place) -> Result<Running, Failed> {
    start(Gated::default().queued().layer()?, Counts::new)
}

pub(super) fn file(place: &Place) -> Result<Running, Failed> {
    start(FileHandler::builder(place.file()).build()?.queued().layer()?, Counts::new)
}

pub(super) fn smtp(_: &Place) -> Result<Running, Failed> {
    let server = MailServer::start()?;
    let builder = SmtpHandler::builder("127.0.0.1").port(server.port).tls(SmtpTls::None);
    let layer = builder.from("app@example.org").to("ops@example.org").digest(DIGEST).layer()?;
    start(layer, move || Counts::from([("arrived".to_owned(), as_f64(server.mails()))]))
}

pub(super) fn http(place: &Place) -> Result<Running, Failed> {
    let receiver = Receiver::start(Wire::Http, &place.socket())?;
    let layer = HttpHandler::builder(format!("http://127.0.0.1:{}/", receiver.port)).body(Body::JsonLines).layer()?;
    start(layer, move || Counts::from([("arrived".to_owned(), as_f64(receiver.events()))]))
}

/// Installs the layer; `arrived` is what came to the other end.
fn start(layer: HandlerLayer<impl Handler>, arrived: impl Fn() -> Counts + 'static) -> Result<Running, Failed> {
    let (handle, counted) = (layer.handle(), layer.handle());
    install(layer)?;
    let running = Running::new(workload::error_by_tracing, move || Ok(handle.flush(PATIENCE)?));
    Ok(running.with_counts(move || counts(counted.stats()).into_iter().chain(arrived()).collect()))
}
