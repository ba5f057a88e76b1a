//! Builds an `SmtpHandler`.

use std::time::Duration;

use tracing_handlers_core::format::Text;
use tracing_handlers_core::{Error, Format};
#[cfg(feature = "tls")]
use tracing_handlers_delivery::Tls;
use tracing_handlers_delivery::{Delivery, Retry, Settings, delivery_layer, delivery_settings};

use crate::connect::{Server, SmtpTls};
use crate::handler::{SmtpHandler, SmtpLayer};
use crate::limit::Limit;
use crate::parties::Parties;
use crate::transport::MailTransport;
use crate::wire::frame::Encoder;
use crate::wire::subject::{IntoSubject, Subject, of_record};

/// Builds an [`SmtpHandler`].
///
/// | setting | default |
/// |---|---|
/// | [`from`](Self::from), [`to`](Self::to) | none: both are needed |
/// | [`cc`](Self::cc), [`reply_to`](Self::reply_to) | none |
/// | [`subject`](Self::subject) | `ERROR app::db: connection lost`: level, target, message |
/// | [`format`](Self::format) | [`Text`] |
/// | [`html`](Self::html) | off: plain text alone |
/// | [`tls`](Self::tls) | [`SmtpTls::StartTls`] |
/// | `tls_config` (feature `tls`) | the authorities that the system trusts |
/// | [`port`](Self::port) | 465 for implicit TLS, 587 for STARTTLS, 25 for none |
/// | [`credentials`](Self::credentials) | none |
/// | [`dangerously_send_credentials_in_clear`](Self::dangerously_send_credentials_in_clear) | off |
/// | [`digest`](Self::digest) | off: a mail for each record |
/// | [`max_mails`](Self::max_mails) or [`unlimited_mails`](Self::unlimited_mails) | 10 in a minute |
/// | [`retry`](Self::retry) | 1 s, twice as long each time, 60 s at most |
/// | [`capacity`](Self::capacity), [`capacity_bytes`](Self::capacity_bytes) | 8,192 records, 16 MiB |
/// | [`overflow`](Self::overflow) | drop the newest |
/// | [`max_age`](Self::max_age), [`timeout`](Self::timeout) | 1 hour, 60 s |
/// | [`batch_records`](Self::batch_records), [`batch_bytes`](Self::batch_bytes) | without meaning: a mail has one record, or all of the interval; 1 MiB, of a digest |
/// | [`max_delay`](Self::max_delay), [`wake_level`](Self::wake_level) | 5 ms, `ERROR` |
/// | [`drain_on_exit`](Self::drain_on_exit) | on |
/// | [`on_failure`](Self::on_failure) | a rate-limited line on stderr |
///
/// `timeout` is for a mail as a whole, from the connection to the server's word that it has it; each step of it ends there at the latest.
#[must_use]
pub struct SmtpHandlerBuilder {
    settings: Settings,
    host: String,
    port: Option<u16>,
    mode: SmtpTls,
    #[cfg(feature = "tls")]
    tls: Tls,
    from: Option<String>,
    to: Vec<String>,
    cc: Vec<String>,
    reply_to: Option<String>,
    subject: Subject,
    format: Box<dyn Format>,
    html: bool,
    credentials: Option<(String, String)>,
    is_careless: bool,
    digest: Option<Duration>,
    limit: Option<Limit>,
}

impl SmtpHandlerBuilder {
    pub(crate) fn new(host: String) -> Self {
        let settings = Settings {
            retry: Retry::new(Duration::from_secs(1)).max(Duration::from_secs(60)),
            attempt_timeout: Duration::from_secs(60),
            max_age: Duration::from_secs(3_600),
            ..Settings::default()
        };
        Self {
            settings,
            host,
            port: None,
            mode: SmtpTls::default(),
            #[cfg(feature = "tls")]
            tls: Tls::new(),
            from: None,
            to: Vec::new(),
            cc: Vec::new(),
            reply_to: None,
            subject: Box::new(of_record),
            format: Box::new(Text::new()),
            html: false,
            credentials: None,
            is_careless: false,
            digest: None,
            limit: Some(Limit::new(10, Duration::from_secs(60))),
        }
    }

    /// The port of the server.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Who sends: `alerts@example.org`, or `Alerts <alerts@example.org>`.
    pub fn from(mut self, address: impl Into<String>) -> Self {
        self.from = Some(address.into());
        self
    }

    /// Who receives; call it for each.
    pub fn to(mut self, address: impl Into<String>) -> Self {
        self.to.push(address.into());
        self
    }

    /// Who receives a copy; call it for each.
    pub fn cc(mut self, address: impl Into<String>) -> Self {
        self.cc.push(address.into());
        self
    }

    /// Where answers go.
    pub fn reply_to(mut self, address: impl Into<String>) -> Self {
        self.reply_to = Some(address.into());
        self
    }

    /// The subject: a text, or a function of the record, which runs on the delivery thread. It is cut after 200 characters, line
    /// ends become spaces, and `=?` becomes `= ?`, which no mail program decodes. A digest has that of the first of its most severe records.
    ///
    /// ```
    /// use tracing_handlers_core::Record;
    /// use tracing_handlers_smtp::SmtpHandler;
    ///
    /// let fixed = SmtpHandler::builder("mail.example.org").subject("trouble");
    /// let of_each = SmtpHandler::builder("mail.example.org").subject(|record: &Record<'_>| format!("trouble in {}", record.target()));
    /// ```
    pub fn subject<Kind>(mut self, subject: impl IntoSubject<Kind>) -> Self {
        self.subject = subject.into_subject();
        self
    }

    /// How records are written; [`Text`](tracing_handlers_core::format::Text) by default.
    pub fn format(mut self, format: impl Format) -> Self {
        self.format = Box::new(format);
        self
    }

    /// Whether mails have a second part in HTML beside the plain text, of which a mail program shows the one or the other: the level in
    /// its colour, fields and spans as a table. It has all of the record, whatever [`format`](Self::format) leaves out.
    ///
    /// Every text is escaped, and nothing is loaded from elsewhere. Many mail programs turn what looks like an address into a link by
    /// themselves, in both parts.
    pub fn html(mut self, html: bool) -> Self {
        self.html = html;
        self
    }

    /// Who we are at the server. Refused without TLS, where all on the way could read them.
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some((user.into(), password.into()));
        self
    }

    /// Sends credentials over connections without TLS, for everybody on the way to read.
    pub fn dangerously_send_credentials_in_clear(mut self) -> Self {
        self.is_careless = true;
        self
    }

    /// How the connection is kept from others. What is set is done or fails: nothing falls back to clear text.
    pub fn tls(mut self, mode: SmtpTls) -> Self {
        self.mode = mode;
        self
    }

    /// Whom to trust, and who we are; by default the server's certificate must be valid for `host` and come from an authority that the
    /// system trusts.
    #[cfg(feature = "tls")]
    pub fn tls_config(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// One mail for all records of such a time, in their order, important ones as all others; a flush sends at once what there is.
    /// More than [`batch_bytes`](Self::batch_bytes) makes more mails.
    pub fn digest(mut self, interval: Duration) -> Self {
        self.digest = Some(interval);
        self
    }

    /// At most so many mails in any span of time that long. Records beyond are dropped, counted and reported, and the next mail says how
    /// many they were.
    pub fn max_mails(mut self, count: u32, per: Duration) -> Self {
        self.limit = Some(Limit::new(count, per));
        self
    }

    /// As many mails as there are records, as Python does: a loop that crashes sends thousands.
    pub fn unlimited_mails(mut self) -> Self {
        self.limit = None;
        self
    }

    delivery_settings!();

    /// The handler. It connects when there is something to send.
    ///
    /// # Errors
    ///
    /// Addresses that are none, no sender, no recipient, credentials without TLS, TLS without the feature `tls`, and settings that let
    /// nothing through.
    pub fn build(mut self) -> Result<SmtpHandler, Error> {
        self.check()?;
        let from = self.from.as_deref().ok_or_else(|| Error::config("from", "(none)", "a mail needs a sender"))?;
        let parties = Parties::parse(from, &self.to, &self.cc, self.reply_to.as_deref())?;
        match self.digest {
            // A mail is one attempt, or one that fails in the middle would send the others again.
            None => self.settings.batch_records = 1,
            Some(interval) => {
                self.settings.batch_records = self.settings.limits.records;
                self.settings.linger = interval;
                self.settings.linger_is_firm = true;
            }
        }
        let server = Server {
            port: self.port.unwrap_or_else(|| self.mode.port()),
            host: self.host,
            mode: self.mode,
            #[cfg(feature = "tls")]
            tls: self.tls,
        };
        let name = format!("smtp {server}");
        let encoder = Encoder::new(self.format, self.subject, self.html);
        let clock = self.settings.clock.clone();
        let transport = MailTransport::new(server, parties, self.credentials, self.limit, clock);
        Ok(SmtpHandler { delivery: Delivery::start(&name, self.settings, encoder, transport)? })
    }

    fn check(&self) -> Result<(), Error> {
        if self.host.is_empty() || self.host.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Error::config("host", format!("{:?}", self.host), "is not the name of a server"));
        }
        if self.port == Some(0) {
            return Err(Error::config("port", 0, "is no port"));
        }
        if cfg!(not(feature = "tls")) && self.mode != SmtpTls::None {
            return Err(Error::config("tls", format!("{:?}", self.mode), "needs the feature `tls`"));
        }
        if self.credentials.is_some() && self.mode == SmtpTls::None && !self.is_careless {
            let why = "without TLS all on the way could read them; see `tls`, or `dangerously_send_credentials_in_clear`";
            return Err(Error::config("credentials", "(not shown)", why));
        }
        if self.digest.is_some_and(|interval| interval.is_zero()) {
            return Err(Error::config("digest", "0", "must be positive"));
        }
        self.limit.as_ref().map_or(Ok(()), Limit::check)
    }

    delivery_layer!(SmtpLayer);
}
