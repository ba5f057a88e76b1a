//! Builds a `SyslogHandler`.

#[cfg(unix)]
use std::path::PathBuf;

use tracing_handlers_core::format::Zone;
use tracing_handlers_core::{Error, Format, Level};
#[cfg(feature = "tls")]
use tracing_handlers_delivery::Tls;
use tracing_handlers_delivery::{Settings, delivery_layer, delivery_settings};

use crate::destination::Destination;
use crate::handler::{SyslogHandler, SyslogLayer};
use crate::layout;
use crate::priority::{Facility, Severity};
use crate::wire::standard::Standard;
use crate::wire::{Encoder, Framing, Newlines, Protocol};

/// Builds a [`SyslogHandler`].
///
/// | setting | default |
/// |---|---|
/// | [`local`](Self::local), [`unix`](Self::unix), [`udp`](Self::udp), [`tcp`](Self::tcp), `tls`, `relp`, `relp_tls` | UDP to `localhost:514`, as Python |
/// | [`facility`](Self::facility) | `user` |
/// | [`level_map`](Self::level_map) | `ERROR` is `err`, `WARN` `warning`, `INFO` `info`, the others `debug` |
/// | [`protocol`](Self::protocol) | RFC 3164 on local sockets, RFC 5424 elsewhere |
/// | [`ident`](Self::ident), [`hostname`](Self::hostname), [`msgid`](Self::msgid) | the program's name, the system's name, none |
/// | [`format`](Self::format) | [`Text`](tracing_handlers_core::format::Text) without time and level; of Python's protocol, and beside structured data, the message alone |
/// | [`enterprise_number`](Self::enterprise_number) | none, and so no structured data |
/// | [`time_quality`](Self::time_quality), [`origin`](Self::origin), [`sequence_id`](Self::sequence_id) | not said |
/// | [`rfc3339_time`](Self::rfc3339_time), [`zone`](Self::zone) | off; local time in RFC 3164, UTC in RFC 5424 |
/// | [`newlines`](Self::newlines) | escaped; kept in Python's protocol |
/// | [`framing`](Self::framing) | octet counting; on local streams, and in Python's protocol, a NUL |
/// | [`append_nul`](Self::append_nul), [`bom`](Self::bom) | on, off |
/// | [`max_message_bytes`](Self::max_message_bytes) | 2 KiB over UDP, 8 KiB elsewhere |
/// | [`resend_window`](Self::resend_window) | none |
/// | [`retry`](Self::retry) | 0.5 s, twice as long each time, 30 s at most |
/// | [`capacity`](Self::capacity), [`capacity_bytes`](Self::capacity_bytes) | 8,192 records, 16 MiB |
/// | [`overflow`](Self::overflow) | drop the newest |
/// | [`max_age`](Self::max_age), [`timeout`](Self::timeout) | 5 minutes, 10 s |
/// | [`batch_records`](Self::batch_records), [`batch_bytes`](Self::batch_bytes) | 512 records, 1 MiB |
/// | [`max_delay`](Self::max_delay), [`wake_level`](Self::wake_level) | 5 ms, `ERROR` |
/// | [`drain_on_exit`](Self::drain_on_exit) | on |
/// | [`on_failure`](Self::on_failure) | a rate-limited line on stderr |
///
/// A setting that would be without effect, as a framing over UDP, is refused.
#[must_use]
pub struct SyslogHandlerBuilder {
    pub(crate) settings: Settings,
    pub(crate) destination: Destination,
    pub(crate) facility: Facility,
    pub(crate) level_map: Option<Box<dyn Fn(Level) -> Severity + Send + Sync>>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) framing: Option<Framing>,
    pub(crate) append_nul: Option<bool>,
    pub(crate) bom: bool,
    pub(crate) rfc3339_time: bool,
    pub(crate) zone: Option<Zone>,
    pub(crate) ident: Option<String>,
    pub(crate) hostname: Option<String>,
    pub(crate) msgid: Option<String>,
    pub(crate) enterprise_number: Option<u32>,
    pub(crate) standard: Standard,
    pub(crate) newlines: Option<Newlines>,
    pub(crate) max_message_bytes: Option<usize>,
    pub(crate) resend_window: usize,
    pub(crate) format: Option<Box<dyn Format>>,
}

impl SyslogHandlerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            settings: Settings::default(),
            destination: Destination::Udp("localhost".to_owned()),
            facility: Facility::User,
            level_map: None,
            protocol: None,
            framing: None,
            append_nul: None,
            bom: false,
            rfc3339_time: false,
            zone: None,
            ident: None,
            hostname: None,
            msgid: None,
            enterprise_number: None,
            standard: Standard::default(),
            newlines: None,
            max_message_bytes: None,
            resend_window: 0,
            format: None,
        }
    }

    /// To the daemon of this machine: the socket `/dev/log`, `/var/run/syslog` or `/var/run/log`, whichever is there.
    #[cfg(unix)]
    pub fn local(mut self) -> Self {
        self.destination = Destination::local();
        self
    }

    /// To a socket in the file system, with datagrams or, where it is one, as a stream.
    #[cfg(unix)]
    pub fn unix(mut self, path: impl Into<PathBuf>) -> Self {
        self.destination = Destination::Local(vec![path.into()]);
        self
    }

    /// Over UDP, to `host` or `host:port`; the port is 514 by default.
    pub fn udp(mut self, address: impl ToString) -> Self {
        self.destination = Destination::Udp(address.to_string());
        self
    }

    /// Over TCP, to `host` or `host:port`; the port is 514 by default.
    pub fn tcp(mut self, address: impl ToString) -> Self {
        self.destination = Destination::Tcp(address.to_string());
        self
    }

    /// Over TLS (RFC 5425), to `host` or `host:port`; the port is 6514 by default.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, address: impl ToString, tls: Tls) -> Self {
        self.destination = Destination::Tls(address.to_string(), tls);
        self
    }

    /// Over RELP, in which the daemon answers for each message, to `host` or `host:port`; the port is 20514 by default. What was not answered for
    /// when the connection is lost is sent again over the next: twice rather than never, and counted by
    /// [`SyslogHandler::resent_messages`]. A message that the daemon refuses is dropped, counted and reported.
    #[cfg(feature = "relp")]
    pub fn relp(mut self, address: impl ToString) -> Self {
        self.destination = Destination::Relp(address.to_string());
        self
    }

    /// [`relp`](Self::relp) over TLS; the port is 20514 as well. A daemon that does not trust us answers for nothing, so nothing counts as
    /// delivered.
    #[cfg(all(feature = "relp", feature = "tls"))]
    pub fn relp_tls(mut self, address: impl ToString, tls: Tls) -> Self {
        self.destination = Destination::RelpTls(address.to_string(), tls);
        self
    }

    /// What kind of program speaks.
    pub fn facility(mut self, facility: Facility) -> Self {
        self.facility = facility;
        self
    }

    /// Which severity a level has.
    ///
    /// ```
    /// use tracing_handlers_core::Level;
    /// use tracing_handlers_syslog::{Severity, SyslogHandler};
    ///
    /// let builder = SyslogHandler::builder().udp("127.0.0.1").level_map(|level| match level {
    ///     Level::ERROR => Severity::Crit,
    ///     Level::INFO => Severity::Notice,
    ///     other => other.into(),
    /// });
    /// # builder.build()?;
    /// # Ok::<(), tracing_handlers_core::Error>(())
    /// ```
    pub fn level_map(mut self, map: impl Fn(Level) -> Severity + Send + Sync + 'static) -> Self {
        self.level_map = Some(Box::new(map));
        self
    }

    /// What messages look like. RFC 3164 is the default on local sockets, where daemons understand nothing else; RFC 5424 elsewhere, since it
    /// says year, zone and microseconds.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// How messages are told apart on a stream.
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = Some(framing);
        self
    }

    /// Whether a NUL ends each message of Python's protocol; on by default, as there.
    pub fn append_nul(mut self, append: bool) -> Self {
        self.append_nul = Some(append);
        self
    }

    /// Whether RFC 5424 texts that are not plain ASCII begin with a byte order mark; off by default. rsyslog leaves it in the text.
    pub fn bom(mut self, bom: bool) -> Self {
        self.bom = bom;
        self
    }

    /// Whether RFC 3164 messages have times with year, zone and microseconds, which rsyslog and syslog-ng read as well; off by default.
    pub fn rfc3339_time(mut self, rfc3339: bool) -> Self {
        self.rfc3339_time = rfc3339;
        self
    }

    /// In which zone times are written.
    pub fn zone(mut self, zone: Zone) -> Self {
        self.zone = Some(zone);
        self
    }

    /// The program's name; in Python's protocol any text, empty by default.
    pub fn ident(mut self, ident: impl Into<String>) -> Self {
        self.ident = Some(ident.into());
        self
    }

    /// The name of this machine. RFC 3164 on a local socket has none unless told so, as daemons would take it for the program's.
    pub fn hostname(mut self, hostname: impl Into<String>) -> Self {
        self.hostname = Some(hostname.into());
        self
    }

    /// The kind of message, of RFC 5424.
    pub fn msgid(mut self, msgid: impl Into<String>) -> Self {
        self.msgid = Some(msgid.into());
        self
    }

    /// Sends the fields of event and spans as structured data, under this number of yours at IANA; 32473 is the one of examples.
    pub fn enterprise_number(mut self, number: u32) -> Self {
        self.enterprise_number = Some(number);
        self
    }

    /// Says with each message of RFC 5424 that its time has an offset, and whether the clock is synchronized with a reliable one (section
    /// 7.1). Nothing here can find that out.
    pub fn time_quality(mut self, is_synced: bool) -> Self {
        self.standard.is_synced = Some(is_synced);
        self
    }

    /// Says with each message of RFC 5424 which software it comes from (section 7.2), and the
    /// [`enterprise_number`](Self::enterprise_number) if there is one: a name of at most 48 characters, a version of at most 32.
    pub fn origin(mut self, software: impl Into<String>, version: impl Into<String>) -> Self {
        self.standard.software = Some((software.into(), version.into()));
        self
    }

    /// Numbers the messages of RFC 5424 as they are sent, from 1 (section 7.3.1): a receiver sees that some are missing. One that is
    /// written anew to be sent again has another number.
    pub fn sequence_id(mut self, on: bool) -> Self {
        self.standard.numbers_messages = on;
        self
    }

    /// What becomes of line ends in a text.
    pub fn newlines(mut self, newlines: Newlines) -> Self {
        self.newlines = Some(newlines);
        self
    }

    /// The most bytes of a message, 480 at least. Text is cut at a character, with a mark; fields are left out whole.
    pub fn max_message_bytes(mut self, bytes: usize) -> Self {
        self.max_message_bytes = Some(bytes);
        self
    }

    /// How many of the newest bytes are sent again after a TCP or TLS connection was lost: twice rather than never.
    pub fn resend_window(mut self, bytes: usize) -> Self {
        self.resend_window = bytes;
        self
    }

    /// How the text of a message is written.
    pub fn format(mut self, format: impl Format) -> Self {
        self.format = Some(Box::new(format));
        self
    }

    delivery_settings!();

    /// The encoder alone, for a transport of your own.
    ///
    /// # Errors
    ///
    /// Those of [`build`](Self::build) that are about messages.
    pub fn encoder(self) -> Result<Encoder, Error> {
        layout::plan(self).map(|plan| plan.encoder)
    }

    /// The handler. Nothing is connected yet, and no name is looked up.
    ///
    /// # Errors
    ///
    /// Addresses that are none, names that cannot be sent, sizes beyond their limits, settings without effect.
    pub fn build(self) -> Result<SyslogHandler, Error> {
        SyslogHandler::start(layout::plan(self)?)
    }

    delivery_layer!(SyslogLayer);
}
