//! `HttpHandler`: records as the requests of a client.

use tracing_handlers_core::HandlerLayer;
use tracing_handlers_delivery::{Delivery, delivery_handler};

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
}

delivery_handler!(HttpHandler);
