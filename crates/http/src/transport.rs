//! One kept-alive connection, and requests over it: the only file that knows hyper.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::task::AbortHandle;
use tracing_handlers_core::Error;
use tracing_handlers_core::clock::ClockSource;
use tracing_handlers_delivery::dial::Peer;
use tracing_handlers_delivery::{Frames, Outcome, Transport};

use crate::builder::Method;
use crate::encoding::Encoding;
use crate::reply::Reply;
use crate::wire::retry_after;

/// So much of an answer is read.
const REPLY_BYTES: usize = 4 << 20;

/// How long to wait where the peer refuses who we are, at first and later.
const REFUSED: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(60)];

#[cfg(feature = "tls")]
pub(crate) type TlsSetting = Option<tracing_handlers_delivery::Tls>;
#[cfg(not(feature = "tls"))]
pub(crate) type TlsSetting = ();

/// Where requests go, and what all of them have in common.
pub(crate) struct Target {
    peer: Peer,
    method: Method,
    /// Path and query.
    path: String,
    headers: HeaderMap,
    /// Without the query, which may hold a secret.
    shown: String,
}

impl Target {
    pub(crate) fn new(
        url: &str,
        method: Method,
        encoding: &dyn Encoding,
        headers: impl Iterator<Item = (String, String)>,
        tls: TlsSetting,
    ) -> Result<Self, Error> {
        let refused = |why: &str| Error::config("url", "(not shown)", why);
        let uri: Uri = url.parse().map_err(|_| refused("is no URL; what is not ASCII has to be percent-encoded"))?;
        let is_secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(refused("must begin with http:// or https://")),
        };
        let authority = uri.authority().ok_or_else(|| refused("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(refused("holds credentials; use the setting `credentials`"));
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err(refused("names no host"));
        }
        let port = authority.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let path = match uri.path() {
            "" | "/" => encoding.path(),
            path => path,
        };
        let shown = format!("{}://{authority}{path}", if is_secure { "https" } else { "http" });
        let path = match uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        path.parse::<Uri>().map_err(|_| Error::config("body", &shown, "gives a path that is none"))?;
        let headers = all_headers(authority.as_str(), method, encoding, headers)?;
        Ok(Self { peer: peer(host, port, is_secure, tls)?, method, path, headers, shown })
    }

    /// A request. Records with GET stand in the URL.
    fn request(&self, body: &Body) -> Result<Request<Full<Bytes>>, Error> {
        let request = match self.method {
            Method::Get => {
                let separator = if self.path.contains('?') { '&' } else { '?' };
                let path = format!("{}{separator}{}", self.path, String::from_utf8_lossy(&body.bytes));
                Request::get(path).body(Full::default())
            }
            Method::Post => Request::post(self.path.as_str()).body(Full::new(body.bytes.clone())),
        };
        // A record in a URL of more than 64 KiB, which nobody would take.
        let mut request = request.map_err(|error| Error::new("make a request").with_source(error))?;
        request.headers_mut().clone_from(&self.headers);
        if body.is_compressed {
            request.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(request)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(feature = "tls")]
fn peer(host: String, port: u16, is_secure: bool, tls: TlsSetting) -> Result<Peer, Error> {
    match tls {
        Some(_) if !is_secure => Err(Error::config("tls", "(not shown)", "means nothing to a URL that begins with http://")),
        tls if is_secure => Ok(Peer::Tls { host, port, tls: tls.unwrap_or_default() }),
        _ => Ok(Peer::Tcp { host, port }),
    }
}

#[cfg(not(feature = "tls"))]
fn peer(host: String, port: u16, is_secure: bool, (): TlsSetting) -> Result<Peer, Error> {
    match is_secure {
        true => Err(Error::config("url", "https://…", "needs the feature `tls`")),
        false => Ok(Peer::Tcp { host, port }),
    }
}

/// Ours first, those of the user in their place.
fn all_headers(
    host: &str,
    method: Method,
    encoding: &dyn Encoding,
    others: impl Iterator<Item = (String, String)>,
) -> Result<HeaderMap, Error> {
    /// These say where a message ends and a connection goes on: hyper's business.
    const NOT_FOR_USERS: [HeaderName; 4] =
        [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::UPGRADE];
    let user_agent = concat!("tracing-handlers/", env!("CARGO_PKG_VERSION"));
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, value("host", host)?);
    headers.insert(header::USER_AGENT, HeaderValue::from_static(user_agent));
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    if method == Method::Post {
        headers.insert(header::CONTENT_TYPE, value("content-type", encoding.content_type())?);
    }
    for (name, text) in others {
        let parsed = HeaderName::from_bytes(name.as_bytes()).ok().filter(|name| !NOT_FOR_USERS.contains(name));
        let parsed = parsed.ok_or_else(|| Error::config("header", name.escape_debug(), "is no name of a header to set"))?;
        let mut value = value(&name, &text)?;
        value.set_sensitive(true);
        headers.insert(parsed, value);
    }
    Ok(headers)
}

fn value(name: &str, text: &str) -> Result<HeaderValue, Error> {
    let refused =
        |_| Error::config("header", format!("{}: (not shown)", name.escape_debug()), "has a character that no header may have");
    HeaderValue::from_str(text).map_err(refused)
}

/// Sends the body that an encoding makes of records, and reads the answer.
pub(crate) struct HttpTransport {
    target: Target,
    encoding: Arc<dyn Encoding>,
    clock: ClockSource,
    connection: Option<Connection>,
    /// Bodies may be compressed: we want it, and the peer has not refused it.
    gzip: bool,
    /// Answers of 401 or 403 in a row.
    refusals: usize,
}

/// What is sent.
struct Body {
    bytes: Bytes,
    is_compressed: bool,
}

impl Body {
    #[cfg(feature = "gzip")]
    fn new(bytes: Vec<u8>, may_compress: bool) -> Self {
        match may_compress.then(|| crate::wire::gzip::compress(&bytes)).flatten() {
            Some(compressed) => Self { bytes: compressed.into(), is_compressed: true },
            None => Self { bytes: bytes.into(), is_compressed: false },
        }
    }

    #[cfg(not(feature = "gzip"))]
    fn new(bytes: Vec<u8>, _: bool) -> Self {
        Self { bytes: bytes.into(), is_compressed: false }
    }
}

/// A connection that waits for a request, or works on one. Ends with this.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    work: AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.work.abort();
    }
}

/// An attempt without an answer.
struct Unanswered(hyper::Error);

impl HttpTransport {
    pub(crate) fn new(target: Target, encoding: Arc<dyn Encoding>, clock: ClockSource) -> Self {
        Self { target, encoding, clock, connection: None, gzip: false, refusals: 0 }
    }

    /// Whether bodies are compressed.
    pub(crate) fn gzip(mut self, gzip: bool) -> Self {
        self.gzip = gzip;
        self
    }

    /// The answer to this body. A connection that was kept may have been closed as we wrote: then they go once more, over a fresh one.
    async fn exchange(&mut self, body: &Body) -> Result<Reply, Error> {
        if let Some(kept) = self.kept().await
            && let Ok(reply) = self.ask(kept, self.target.request(body)?).await
        {
            return Ok(reply);
        }
        let fresh = self.connect().await?;
        let asked = self.ask(fresh, self.target.request(body)?).await;
        asked.map_err(|Unanswered(error)| self.failed("send to", error))
    }

    /// The connection of before, if it still is one.
    async fn kept(&mut self) -> Option<Connection> {
        let mut connection = self.connection.take()?;
        // Lets the runtime ask the system, or an end that came meanwhile would not be seen.
        tokio::task::yield_now().await;
        connection.sender.ready().await.ok()?;
        Some(connection)
    }

    async fn connect(&self) -> Result<Connection, Error> {
        let stream =
            self.target.peer.connect().await.map_err(|error| Error::io(format!("connect to {}", self.target), error))?;
        let made = http1::handshake(TokioIo::new(stream)).await;
        let (sender, work) = made.map_err(|error| self.failed("connect to", error))?;
        // Its failure is that of the request.
        let work = tokio::spawn(async { drop(work.await) }).abort_handle();
        Ok(Connection { sender, work })
    }

    /// Asks, and keeps the connection if it may be used again.
    async fn ask(&mut self, mut connection: Connection, request: Request<Full<Bytes>>) -> Result<Reply, Unanswered> {
        let response = connection.sender.send_request(request).await.map_err(Unanswered)?;
        let (reply, is_whole) = self.read(response).await;
        if is_whole {
            self.connection = Some(connection);
        }
        Ok(reply)
    }

    /// The answer, its body as far as it came, and whether that is all of it.
    async fn read(&self, response: Response<Incoming>) -> (Reply, bool) {
        let (head, mut incoming) = response.into_parts();
        let mut body = Vec::new();
        let is_whole = loop {
            match incoming.frame().await {
                None => break true,
                Some(Ok(frame)) => body.extend_from_slice(frame.data_ref().map(AsRef::as_ref).unwrap_or_default()),
                Some(Err(_)) => break false,
            }
            if body.len() > REPLY_BYTES {
                break false;
            }
        };
        let text = |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let after = text(header::RETRY_AFTER).and_then(|text| retry_after::parse(text, self.clock.now()));
        let location = text(header::LOCATION).map(str::to_owned);
        (Reply::new(head.status.as_u16(), body).with_retry_after(after).with_location(location), is_whole)
    }

    /// Credentials get renewed: the records wait, the peer is not bothered, and one report says it all.
    fn refused(&mut self, reply: &Reply) -> Outcome {
        let why = Error::new(format!("{}: it refuses who we are; trying again slowly", reply.why()));
        let is_first = self.refusals == 0;
        let after = REFUSED.get(self.refusals).or(REFUSED.last()).copied();
        self.refusals = self.refusals.saturating_add(1);
        Outcome::Retry { after, why: if is_first { why } else { why.reported() } }
    }

    fn failed(&self, what: &str, error: hyper::Error) -> Error {
        Error::new(format!("{what} {}", self.target)).with_source(error)
    }
}

impl Transport for HttpTransport {
    async fn send(&mut self, frames: &Frames) -> Outcome {
        let mut bytes = Vec::with_capacity(frames.bytes().len() + 1_024);
        self.encoding.body(frames, &mut bytes);
        let body = Body::new(bytes, self.gzip);
        if let Err(error) = self.target.request(&body) {
            return Outcome::Reject { why: error.one_line() };
        }
        let reply = match self.exchange(&body).await {
            Ok(reply) => reply,
            Err(why) => return Outcome::retry(why),
        };
        if reply.status() == 415 && body.is_compressed {
            self.gzip = false;
            return Outcome::retry(Error::new(format!("{}; from now on bodies are not compressed", reply.why())));
        }
        if matches!(reply.status(), 401 | 403) {
            return self.refused(&reply);
        }
        self.refusals = 0;
        self.encoding.outcome(&reply, frames)
    }

    async fn close(&mut self) {
        self.connection = None;
    }

    fn reset(&mut self) {
        self.connection = None;
    }
}
