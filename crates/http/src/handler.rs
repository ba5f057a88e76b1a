//! `HttpHandler`: records as the requests of a client.

use tracing_handlers_core::{Deadline, Error, Handler, HandlerLayer, Record, Stats};
use tracing_handlers_delivery::{Delivery, Status};

use crate::builder::HttpHandlerBuilder;

/// Sends records to a web server or collector. Callers never wait for it.
#[derive(Debug)]
pub struct HttpHandler {
    pub(crate) delivery: Delivery,
}

/// An [`HttpHandler`] as a layer.
pub type HttpLayer = HandlerLayer<HttpHandler>;

impl HttpHandler {
    /// A builder of one that sends to this URL, `http://` or `https://`.
    pub fn builder(url: impl Into<String>) -> HttpHandlerBuilder {
        HttpHandlerBuilder::new(url.into())
    }

    /// How it goes with the peer.
    pub fn status(&self) -> Status {
        self.delivery.status()
    }
}

impl Handler for HttpHandler {
    #[inline]
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        self.delivery.handle(record)
    }

    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        self.delivery.flush(deadline)
    }

    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        self.delivery.close(deadline)
    }

    fn stats(&self) -> Stats {
        self.delivery.stats()
    }
}
