//! `SmtpHandler`.

use tracing_handlers_core::HandlerLayer;
use tracing_handlers_delivery::{Delivery, delivery_handler};

use crate::builder::SmtpHandlerBuilder;

/// Sends records as mails: Python's `SMTPHandler`.
///
/// ```
/// use std::time::Duration;
/// use tracing_handlers_smtp::{SmtpHandler, SmtpTls};
///
/// # fn main() -> Result<(), tracing_handlers_core::Error> {
/// let layer = SmtpHandler::builder("127.0.0.1")
///     .tls(SmtpTls::None)
///     .from("My App <app@example.org>")
///     .to("ops@example.org")
///     .digest(Duration::from_secs(60))
///     .layer()?;
/// # Ok(())
/// # }
/// ```
///
/// Delivered is what the server took responsibility for.
#[derive(Debug)]
pub struct SmtpHandler {
    pub(crate) delivery: Delivery,
}

/// An [`SmtpHandler`] as a layer.
pub type SmtpLayer = HandlerLayer<SmtpHandler>;

impl SmtpHandler {
    /// A builder of one that speaks to this server. It needs [`from`](SmtpHandlerBuilder::from) and [`to`](SmtpHandlerBuilder::to).
    pub fn builder(host: impl Into<String>) -> SmtpHandlerBuilder {
        SmtpHandlerBuilder::new(host.into())
    }
}

delivery_handler!(SmtpHandler);
