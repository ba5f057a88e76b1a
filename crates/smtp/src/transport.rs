//! Brings mails to a server, with lettre.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lettre::message::header::{ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::message::{Body, MessageBuilder, MultiPart, SinglePart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message};
use tracing_handlers_core::clock::ClockSource;
use tracing_handlers_core::{Error, Timestamp};
use tracing_handlers_delivery::{Connected, Connections, Frames, Outcome, Transport};

use crate::connect::{Opened, Server};
use crate::limit::Limit;
use crate::parties::Parties;
use crate::wire::mail::Mail;

/// A server that does not let us in is asked again after this: it may lock out who asks more often.
const LOCKED_OUT: Duration = Duration::from_secs(60);

/// How long the farewell after a mail may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// `Auto-Submitted: auto-generated` (RFC 3834): nobody on holiday answers.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The mail that is under way, over all its attempts.
struct UnderWay {
    numbers: (u64, u64),
    date: Timestamp,
    /// Who has not got it yet.
    recipients: Vec<Address>,
    /// Somebody has it.
    is_taken: bool,
    /// Who never will, and what the server said.
    refused: Vec<String>,
}

/// One mail for each set of frames.
pub(crate) struct MailTransport {
    server: Server,
    parties: Parties,
    credentials: Option<(String, String)>,
    limit: Option<Limit>,
    clock: ClockSource,
    connections: Connections,
    /// Begins the names of all mails of this handler.
    origin: String,
    left_out: u64,
    under_way: Option<UnderWay>,
}

/// Why an attempt went no further.
enum Stop {
    /// The connection, or what the server said to it.
    Session { why: Error, after: Option<Duration> },
    /// What the server said to the mail.
    Mail(SmtpError),
    /// It cannot be written.
    Unwritable(String),
}

impl MailTransport {
    pub(crate) fn new(
        server: Server,
        parties: Parties,
        credentials: Option<(String, String)>,
        limit: Option<Limit>,
        clock: ClockSource,
    ) -> Self {
        static HANDLERS: AtomicU64 = AtomicU64::new(0);
        let handler = HANDLERS.fetch_add(1, Ordering::Relaxed);
        let origin = format!("{:x}.{:x}.{handler:x}", clock.now().as_nanos(), process::id());
        let connections = Connections::default();
        Self { server, parties, credentials, limit, clock, connections, origin, left_out: 0, under_way: None }
    }

    fn begin(&mut self, numbers: (u64, u64)) -> UnderWay {
        match self.under_way.take() {
            Some(known) if known.numbers == numbers => known,
            _ => UnderWay {
                numbers,
                date: self.clock.now(),
                recipients: self.parties.recipients(),
                is_taken: false,
                refused: Vec::new(),
            },
        }
    }

    /// The whole mail, headers and all, the same at every attempt.
    fn write(&self, mail: Mail, date: Timestamp) -> Result<Vec<u8>, Stop> {
        let Parties { from, to, cc, reply_to } = &self.parties;
        let domain = from.email.domain();
        let id = format!("<{}.{}-{}@{domain}>", self.origin, mail.numbers.0, mail.numbers.1);
        let mut message = Message::builder().from(from.clone()).subject(mail.subject).message_id(Some(id));
        message = message.date(system_time(date)).header(AutoSubmitted).header(MIME_VERSION_1_0);
        message = to.iter().cloned().fold(message, MessageBuilder::to);
        message = cc.iter().cloned().fold(message, MessageBuilder::cc);
        message = reply_to.iter().cloned().fold(message, MessageBuilder::reply_to);
        let message = match mail.html {
            None => message.header(ContentType::TEXT_PLAIN).body(mail.text),
            Some(html) => message.multipart(alternative(mail.text, html, mail.numbers)?),
        };
        Ok(message.map_err(|error| Stop::Unwritable(error.to_string()))?.formatted())
    }

    /// A session that may send mails, and counts as a connection.
    async fn session(&self) -> Result<(AsyncSmtpConnection, Connected), Stop> {
        let connecting = self.connections.connecting();
        let failed = |what: &str, error: &SmtpError| Error::new(format!("{what} {}: {}", self.server, told(error)));
        let hello = ClientId::default();
        let opened = self.server.open(&hello.to_string()).await.map_err(|why| Stop::Session { why, after: None })?;
        let mut connection = AsyncSmtpConnection::connect_with_transport(Box::new(opened), &hello)
            .await
            .map_err(|error| Stop::Session { why: failed("greet", &error), after: None })?;
        let Some((user, password)) = &self.credentials else { return Ok((connection, connecting.done())) };
        let credentials = Credentials::new(user.clone(), password.clone());
        match connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await {
            Ok(_) => Ok((connection, connecting.done())),
            Err(error) => {
                let after = error.is_permanent().then_some(LOCKED_OUT);
                leave(connection).await;
                Err(Stop::Session { why: failed("log in at", &error), after })
            }
        }
    }

    async fn attempt(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let (mut connection, _connected) = self.session().await?;
        let from = self.parties.from.email.clone();
        let Some(under_way) = &mut self.under_way else { return Ok(()) };
        let attempted = offer(&mut connection, from, under_way, bytes).await;
        leave(connection).await;
        attempted
    }

    /// What an attempt that ended says of the frames.
    fn outcome(&mut self, frames: &Frames, attempted: Result<(), Stop>) -> Outcome {
        let what = format!("send a mail by {}", self.server);
        match attempted {
            Ok(()) if self.is_taken() => self.done(what),
            Ok(()) => {
                let refusals = self.refusals();
                self.gone(format!("{what}: refused for {refusals}"))
            }
            Err(Stop::Session { why, after }) => Outcome::Retry { after, why },
            Err(Stop::Unwritable(why)) => self.gone(format!("write a mail: {why}")),
            Err(Stop::Mail(error)) if !error.is_permanent() => Outcome::retry(Error::new(format!("{what}: {}", told(&error)))),
            Err(Stop::Mail(error)) if self.is_taken() => {
                let rest = self.under_way.iter_mut();
                rest.for_each(|mail| mail.refused.push(told(&error)));
                self.done(what)
            }
            // The whole is too large; its parts may not be.
            Err(Stop::Mail(error)) if frames.len() > 1 && told(&error).starts_with("552") => Outcome::Split,
            Err(Stop::Mail(error)) => self.gone(format!("{what}: {}", told(&error))),
        }
    }

    fn is_taken(&self) -> bool {
        self.under_way.as_ref().is_some_and(|mail| mail.is_taken)
    }

    /// Everybody has it who may.
    fn done(&mut self, what: String) -> Outcome {
        self.left_out = 0;
        self.count_mail();
        let refusals = self.refusals();
        if refusals.is_empty() {
            return Outcome::Delivered;
        }
        let why = Some(Error::new(format!("{what}: refused for {refusals}")));
        Outcome::Partial { retry: Vec::new(), dead: Vec::new(), after: None, why }
    }

    /// Nobody ever gets it.
    fn gone(&mut self, why: String) -> Outcome {
        self.count_mail();
        self.under_way = None;
        Outcome::Reject { why }
    }

    fn count_mail(&mut self) {
        let now = self.clock.now();
        if let Some(limit) = &mut self.limit {
            limit.sent(now);
        }
    }

    fn refusals(&self) -> String {
        self.under_way.as_ref().map(|mail| mail.refused.join("; ")).unwrap_or_default()
    }

    /// Whether this mail is over the limit; what was begun is finished.
    fn is_over_limit(&mut self, numbers: (u64, u64)) -> bool {
        let is_begun = self.under_way.as_ref().is_some_and(|mail| mail.numbers == numbers);
        let now = self.clock.now();
        !is_begun && self.limit.as_mut().is_some_and(|limit| !limit.has_room(now))
    }
}

impl Transport for MailTransport {
    fn report_to(&mut self, connections: &Connections) {
        self.connections = connections.clone();
    }

    async fn send(&mut self, frames: &Frames) -> Outcome {
        let why = self.limit.as_ref().map(ToString::to_string).unwrap_or_default();
        let mail = Mail::of(frames, Some((self.left_out, &why)));
        if self.is_over_limit(mail.numbers) {
            self.left_out += frames.len() as u64;
            return Outcome::Reject { why: format!("leave out: {why}") };
        }
        let under_way = self.begin(mail.numbers);
        let (date, is_done) = (under_way.date, under_way.is_taken && under_way.recipients.is_empty());
        self.under_way = Some(under_way);
        if is_done {
            // The farewell took too long, and the mail did not.
            return self.outcome(frames, Ok(()));
        }
        let attempted = match self.write(mail, date) {
            Ok(bytes) => self.attempt(&bytes).await,
            Err(stop) => Err(stop),
        };
        self.outcome(frames, attempted)
    }
}

/// The same twice, for mail programs that show HTML and those that do not. What parts them begins with `=_`, which never stands in text
/// that is quoted-printable (RFC 2045 section 6.7), whatever a record says, and is the same at every attempt.
fn alternative(text: String, html: String, (first, last): (u64, u64)) -> Result<MultiPart, Stop> {
    let part = |kind, text: String| {
        let body = Body::new_with_encoding(text, ContentTransferEncoding::QuotedPrintable);
        let body = body.map_err(|_| Stop::Unwritable("the text cannot be encoded".to_owned()))?;
        Ok(SinglePart::builder().header(kind).body(body))
    };
    let both = MultiPart::alternative().boundary(format!("=_{first:x}-{last:x}"));
    Ok(both.singlepart(part(ContentType::TEXT_PLAIN, text)?).singlepart(part(ContentType::TEXT_HTML, html)?))
}

/// Offers the mail to everybody who has not got it. `under_way` changes when the server said so, and never before an await: this may be
/// dropped at each of them.
async fn offer(
    connection: &mut AsyncSmtpConnection,
    from: Address,
    under_way: &mut UnderWay,
    bytes: &[u8],
) -> Result<(), Stop> {
    connection.command(MailFrom::new(Some(from), Vec::new())).await.map_err(Stop::Mail)?;
    let (mut accepted, mut later, mut refused, mut newest) = (Vec::new(), Vec::new(), Vec::new(), None);
    for recipient in under_way.recipients.clone() {
        match connection.command(Rcpt::new(recipient.clone(), Vec::new())).await {
            Ok(_) => accepted.push(recipient),
            Err(error) if error.is_permanent() => refused.push(format!("{recipient}: {}", told(&error))),
            Err(error) => {
                later.push(recipient);
                newest = Some(error);
            }
        }
    }
    under_way.refused.append(&mut refused);
    under_way.recipients = accepted.iter().chain(&later).cloned().collect();
    if !accepted.is_empty() {
        connection.command(Data).await.map_err(Stop::Mail)?;
        connection.message(bytes).await.map_err(Stop::Mail)?;
        under_way.is_taken = true;
        under_way.recipients = later;
    }
    newest.map_or(Ok(()), |error| Err(Stop::Mail(error)))
}

/// Takes leave, and does not wait for an answer that does not come.
async fn leave(mut connection: AsyncSmtpConnection) {
    drop(tokio::time::timeout(FAREWELL, connection.quit()).await);
}

impl AsyncTokioStream for Opened {
    /// Nobody asks.
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok((Ipv4Addr::UNSPECIFIED, 0).into())
    }
}

/// The server's words, or those of the library: `550 no such user`.
fn told(error: &SmtpError) -> String {
    let words = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    let words = words.replace(char::is_control, " ");
    match error.status() {
        Some(code) => format!("{code} {words}"),
        None => words,
    }
}

fn system_time(stamp: Timestamp) -> SystemTime {
    let nanos = u64::try_from(stamp.as_nanos()).unwrap_or(0);
    UNIX_EPOCH + Duration::from_nanos(nanos)
}
