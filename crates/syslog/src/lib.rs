//! Syslog for `tracing`: RFC 3164 and RFC 5424, over local sockets, UDP, TCP, TLS and RELP, and exactly what Python sends.
//!
//! # What it does
//!
//! [`SyslogHandler`] puts a record into a bounded queue and returns. The thread `log-delivery` formats it, puts the header of the
//! [`Protocol`] in front and sends it: to `/dev/log` or its like, to another local socket, or over the network. A daemon that goes away is
//! connected with again when it is back, a local socket also when it was made anew. [`wire`] is the encoder without any of that.
//!
//! # Example
//!
//! ```
//! use tracing_handlers_core::{Deadline, Handler, Record};
//! use tracing_handlers_syslog::{Protocol, SyslogHandler};
//!
//! let daemon = std::net::UdpSocket::bind("127.0.0.1:0")?;
//! let syslog = SyslogHandler::builder().udp(daemon.local_addr()?).protocol(Protocol::Python).ident("app: ").build()?;
//! syslog.handle(&Record::builder().message("späm").build().as_record())?;
//! syslog.flush(Deadline::after(std::time::Duration::from_secs(5)))?;
//!
//! let mut message = [0; 100];
//! let count = daemon.recv(&mut message)?;
//! assert_eq!(&message[..count], "<14>app: späm\0".as_bytes());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Guarantees
//!
//! - `handle` never waits for the daemon, and `build` neither connects nor looks up names.
//! - No text and no field of a record forges a header or, with the framings that a handler is built with, a second message: octet counting
//!   cannot be broken out of, and what would end a message with the other framings is escaped. Python's protocol has no header to protect.
//! - Values of structured data read back as they were; of line ends and NULs [`Newlines`] decides, there as in the text. A message is cut at a
//!   character and with a mark, never within structured data; fields that do not fit are left out whole, with a mark, and
//!   [`SyslogHandler::cut_messages`] counts.
//! - What waits while the daemon is away is sent when it is back, within `max_age`. What the system had taken for a daemon that died is
//!   lost, and counted as delivered: syslog has no acknowledgement. Over TCP and TLS a
//!   [resend window](SyslogHandlerBuilder::resend_window) sends the newest bytes twice instead.
//! - Over RELP (`relp`) delivered means that the daemon answered for the message. What it had not answered for when the connection was lost is sent
//!   again, so it may have some twice: at most as many as `resent_messages` counts. What the daemon does with what it answered for is
//!   its own affair: rsyslog keeps it in memory unless its queue is `direct` or on disk.
//!
//! # Differs from Python
//!
//! The default is RFC 5424 and not Python's bare text ([`Protocol::Python`] is that, byte for byte, but for NULs within a text on a stream, which
//! are escaped). TCP has a framing, connects on the delivery thread and again after a break. The default destination is Python's, `localhost:514`
//! over UDP.
//!
//! # Features
//!
//! `tls`: syslog over TLS, by the library of the system. `relp`: RELP, and with `tls` RELP over TLS.

mod builder;
mod destination;
mod handler;
mod layout;
mod priority;
#[cfg(feature = "relp")]
mod relp;
mod transport;
pub mod wire;

pub use self::builder::SyslogHandlerBuilder;
pub use self::handler::{SyslogHandler, SyslogLayer};
pub use self::priority::{Facility, Severity, encode_priority, map_priority};
pub use self::wire::{Framing, Newlines, Protocol};
#[cfg(feature = "tls")]
pub use tracing_handlers_delivery::Tls;
pub use tracing_handlers_delivery::{ConnectionState, Overflow, Retry, Status};
