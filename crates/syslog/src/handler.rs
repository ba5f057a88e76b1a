//! `SyslogHandler`: records to a syslog daemon.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_handlers_core::{Error, HandlerLayer};
use tracing_handlers_delivery::datagram::DatagramTransport;
use tracing_handlers_delivery::{Delivery, StreamTransport, delivery_handler};

use crate::builder::SyslogHandlerBuilder;
use crate::destination::Target;
use crate::layout::Plan;
#[cfg(feature = "relp")]
use crate::relp::Relp;
#[cfg(unix)]
use crate::transport::Local;
use crate::transport::Parts;

/// Sends each record to a syslog daemon, by a thread of its own: Python's `SysLogHandler`.
///
/// ```
/// use tracing_handlers_syslog::{Facility, SyslogHandler};
/// use tracing_subscriber::prelude::*;
///
/// # let daemon = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
/// # let address = daemon.local_addr().unwrap();
/// let layer = SyslogHandler::builder().udp(address).facility(Facility::Local0).ident("shop").layer()?;
/// let handle = layer.handle();
/// let subscriber = tracing_subscriber::registry().with(layer);
/// tracing::subscriber::with_default(subscriber, || tracing::info!(order = 7, "paid"));
/// handle.flush(std::time::Duration::from_secs(5))?;
/// # let mut message = [0; 2048];
/// # let count = daemon.recv(&mut message).unwrap();
/// # let message = String::from_utf8_lossy(&message[..count]).into_owned();
/// assert!(message.starts_with("<134>1 ") && message.ends_with(": paid order=7"), "{message}");
/// # Ok::<(), tracing_handlers_core::Error>(())
/// ```
///
/// Delivered means: the system took it for the daemon. Nothing in syslog says that a daemon has read a message, but RELP, where delivered
/// means that the daemon answered for it.
pub struct SyslogHandler {
    delivery: Delivery,
    cut: Arc<AtomicU64>,
    #[cfg(feature = "relp")]
    resent: Arc<AtomicU64>,
}

/// A [`SyslogHandler`] as a layer.
pub type SyslogLayer = HandlerLayer<SyslogHandler>;

impl SyslogHandler {
    /// A builder of one.
    pub fn builder() -> SyslogHandlerBuilder {
        SyslogHandlerBuilder::new()
    }

    pub(crate) fn start(plan: Plan) -> Result<Self, Error> {
        #[cfg_attr(not(unix), allow(unused_variables, reason = "local sockets are those of Unix"))]
        let Plan { settings, target, encoder, local_framing, is_split, resend_window } = plan;
        let (place, cut) = (target.to_string(), encoder.cut_counter());
        let name = format!("syslog {place}");
        #[cfg(feature = "relp")]
        let mut resent = Arc::default();
        let delivery = match target {
            #[cfg(unix)]
            Target::Local(paths) if is_split => {
                Delivery::start(&name, settings, encoder, Parts::new(Local::new(paths, local_framing)))
            }
            #[cfg(unix)]
            Target::Local(paths) => Delivery::start(&name, settings, encoder, Local::new(paths, local_framing)),
            Target::Datagrams(place) if is_split => {
                Delivery::start(&name, settings, encoder, Parts::new(DatagramTransport::new(place)))
            }
            Target::Datagrams(place) => Delivery::start(&name, settings, encoder, DatagramTransport::new(place)),
            Target::Stream(peer) => {
                let transport = StreamTransport::new(peer).resend_window(resend_window);
                Delivery::start(&name, settings, encoder, transport)
            }
            #[cfg(feature = "relp")]
            Target::Relp(peer) => {
                let transport = Relp::new(place, peer);
                resent = transport.resent_counter();
                match is_split {
                    true => Delivery::start(&name, settings, encoder, Parts::new(transport)),
                    false => Delivery::start(&name, settings, encoder, transport),
                }
            }
        };
        Ok(Self {
            delivery: delivery?,
            cut,
            #[cfg(feature = "relp")]
            resent,
        })
    }

    /// How many messages were cut, or had fields left out, to be no longer than `max_message_bytes`.
    pub fn cut_messages(&self) -> u64 {
        self.cut.load(Ordering::Relaxed)
    }

    /// How many messages went over RELP, were not answered for before the connection was lost, and are sent again: the daemon has at most
    /// so many twice.
    #[cfg(feature = "relp")]
    pub fn resent_messages(&self) -> u64 {
        self.resent.load(Ordering::Relaxed)
    }
}

delivery_handler!(SyslogHandler);

impl fmt::Debug for SyslogHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyslogHandler").field("delivery", &self.delivery).finish_non_exhaustive()
    }
}
