//! Builds an `HttpHandler`: every setting is checked here.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tracing_handlers_core::record::ValueBuf;
use tracing_handlers_core::{Error, Format, Record};
use tracing_handlers_delivery::{Delivery, Settings, delivery_layer, delivery_settings};

use crate::body::{Body, MapRecord};
use crate::flight::Flight;
use crate::handler::{HttpHandler, HttpLayer};
use crate::proxy::Proxy;
use crate::target::{Target, TlsSetting};
use crate::transport::HttpTransport;
use crate::wire::base64;

/// How long the first record of a batch waits for company, unless told.
const LINGER: Duration = Duration::from_secs(1);

/// The method of the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// The record stands in the URL.
    Get,
    /// The records are the body.
    Post,
}

/// Builds an [`HttpHandler`].
///
/// | setting | default |
/// |---|---|
/// | [`body`](Self::body) | [`Body::Form`], as Python |
/// | [`method`](Self::method) | GET for a form, as Python; POST for all other bodies |
/// | [`format`](Self::format) of [`Body::Json`] and [`Body::JsonLines`] | [`Json`](tracing_handlers_core::format::Json) |
/// | [`map_record`](Self::map_record) | the record's own attributes |
/// | [`credentials`](Self::credentials), [`bearer_token`](Self::bearer_token), [`header`](Self::header) | none |
/// | `tls`, with the feature of that name | verified, for `https://` |
/// | `gzip`, with the feature of that name | off |
/// | [`proxy`](Self::proxy), [`proxy_credentials`](Self::proxy_credentials) | none |
/// | [`in_flight`](Self::in_flight) | 1 request, which keeps the order |
/// | [`linger`](Self::linger) | 1 s; none for a form |
/// | [`batch_records`](Self::batch_records), [`batch_bytes`](Self::batch_bytes) | 512 records, 1 MiB; one record for a form |
/// | [`max_age`](Self::max_age), [`timeout`](Self::timeout) | 5 minutes, 10 s |
/// | [`retry`](Self::retry) | 0.5 s, twice as long each time, 30 s at most |
/// | [`capacity`](Self::capacity), [`capacity_bytes`](Self::capacity_bytes) | 8,192 records, 16 MiB |
/// | [`overflow`](Self::overflow) | drop the newest |
/// | [`max_delay`](Self::max_delay), [`wake_level`](Self::wake_level) | 5 ms, `ERROR` |
/// | [`drain_on_exit`](Self::drain_on_exit) | on |
/// | [`on_failure`](Self::on_failure) | a rate-limited line on stderr |
#[must_use]
pub struct HttpHandlerBuilder {
    url: String,
    method: Option<Method>,
    body: Body,
    format: Option<Arc<dyn Format>>,
    map_record: Option<MapRecord>,
    authorization: Option<Result<String, Error>>,
    headers: Vec<(String, String)>,
    tls: TlsSetting,
    linger: Option<Duration>,
    gzip: bool,
    proxy: Option<String>,
    proxy_authorization: Option<Result<String, Error>>,
    in_flight: usize,
    settings: Settings,
}

impl HttpHandlerBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            method: None,
            body: Body::default(),
            format: None,
            map_record: None,
            authorization: None,
            headers: Vec::new(),
            tls: TlsSetting::default(),
            linger: None,
            gzip: false,
            proxy: None,
            proxy_authorization: None,
            in_flight: 1,
            settings: Settings::default(),
        }
    }

    /// GET or POST.
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// What the records of a request look like.
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// How a record is written by [`Body::Json`] and [`Body::JsonLines`]. With another format than JSON the latter sends lines of text.
    pub fn format(mut self, format: impl Format) -> Self {
        self.format = Some(Arc::new(format));
        self
    }

    /// Names and values to send in the place of a record's own, by [`Body::Form`], [`Body::Json`] and [`Body::JsonLines`]: Python's
    /// `mapLogRecord`.
    pub fn map_record(mut self, map: impl Fn(&Record<'_>) -> Vec<(String, ValueBuf)> + Send + Sync + 'static) -> Self {
        self.map_record = Some(Arc::new(map));
        self
    }

    /// User and password, for Basic authentication.
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.authorization = Some(basic("credentials", &user.into(), &password.into()));
        self
    }

    /// A token, as `Authorization: Bearer …`.
    pub fn bearer_token(mut self, token: impl Into<String>) -> Self {
        self.authorization = Some(Ok(format!("Bearer {}", token.into())));
        self
    }

    /// A header of every request; one of the same name that we would send is left out. Its value is never shown.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Whom to trust behind `https://`, and who we are.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: tracing_handlers_delivery::Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Whether bodies of 1 KiB and more are compressed; off by default. A peer that refuses one with 415 gets it, and all that follow, plain.
    #[cfg(feature = "gzip")]
    pub fn gzip(mut self, gzip: bool) -> Self {
        self.gzip = gzip;
        self
    }

    /// A proxy to go through, `http://host:port`. The environment is not read: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` change
    /// nothing, and every request of this handler goes this way, to the own machine too. To `https://` the proxy is a tunnel that reads
    /// nothing (CONNECT); what goes to `http://` it reads, and sends on.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// User and password for the proxy, which alone gets to see them: Basic authentication, in clear.
    pub fn proxy_credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.proxy_authorization = Some(basic("proxy_credentials", &user.into(), &password.into()));
        self
    }

    /// How many requests may be in flight at a time, each over a connection of its own; 1 by default.
    ///
    /// One keeps the records in order, and is enough for a peer that is near. A request holds at most [`batch_records`](Self::batch_records),
    /// so one whose peer answers after 50 ms brings 20 batches a second, ten thousand records; eight bring eight times that. More than one
    /// are sent only when more waits than one may hold. They are answered in any order, and all of them before the next are sent: what
    /// has to be tried again goes alone, and before all that is newer.
    pub fn in_flight(mut self, requests: usize) -> Self {
        self.in_flight = requests;
        self
    }

    /// How long the first record of a batch waits for company. A full batch (of each request [in flight](Self::in_flight)), a record of
    /// [`wake_level`](Self::wake_level) and a flush cut it short.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = Some(linger);
        self
    }

    delivery_settings!();

    /// The handler.
    ///
    /// # Errors
    ///
    /// A URL that cannot be used, a header that is none, and settings that contradict each other or let nothing through.
    pub fn build(self) -> Result<HttpHandler, Error> {
        let is_form = matches!(self.body, Body::Form);
        let method = self.method.unwrap_or(if is_form { Method::Get } else { Method::Post });
        if method == Method::Get && !is_form {
            return Err(Error::config("method", "Get", "only `Body::Form` has a place in a URL"));
        }
        let encoding = self.body.encoding(self.format, self.map_record)?;
        let mut settings = self.settings;
        settings.batch_records = settings.batch_records.min(encoding.max_records());
        settings.linger = self.linger.unwrap_or(if encoding.max_records() > 1 { LINGER } else { Duration::ZERO });
        let flight = Flight { requests: self.in_flight, records: settings.batch_records, bytes: settings.batch_bytes };
        if flight.requests == 0 {
            return Err(Error::config("in_flight", 0, "must be at least one"));
        }
        settings.batch_records = settings.batch_records.saturating_mul(flight.requests);
        settings.batch_bytes = settings.batch_bytes.saturating_mul(flight.requests);
        let proxy = proxy(self.proxy, self.proxy_authorization)?;
        let authorization = self.authorization.transpose()?.map(|value| ("authorization".to_owned(), value));
        let headers = encoding.headers().into_iter().chain(authorization).chain(self.headers);
        let target = Target::new(&self.url, method, encoding.as_ref(), headers, self.tls, proxy)?;
        let name = format!("http {target}");
        let (encode, clock) = (Arc::clone(&encoding), settings.clock.clone());
        let encode = move |record: &Record<'_>, out: &mut Vec<u8>| encode.record(record, out);
        let transport = HttpTransport::new(target, encoding, flight, clock).gzip(self.gzip);
        Ok(HttpHandler { delivery: Delivery::start(&name, settings, encode, transport)? })
    }

    delivery_layer!(HttpLayer);
}

fn proxy(url: Option<String>, authorization: Option<Result<String, Error>>) -> Result<Option<Proxy>, Error> {
    let authorization = authorization.transpose()?;
    match url {
        Some(url) => Proxy::new(&url, authorization.as_deref()).map(Some),
        None if authorization.is_some() => {
            Err(Error::config("proxy_credentials", "(not shown)", "mean nothing without `proxy`"))
        }
        None => Ok(None),
    }
}

fn basic(setting: &str, user: &str, password: &str) -> Result<String, Error> {
    match user.contains(':') {
        true => Err(Error::config(setting, "(not shown)", "a user with a colon cannot be told from the password")),
        false => Ok(format!("Basic {}", base64::encode(format!("{user}:{password}").as_bytes()))),
    }
}

/// Shows no secret: neither headers nor what the URL may hold.
impl fmt::Debug for HttpHandlerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_authorization = self.authorization.is_some();
        f.debug_struct("HttpHandlerBuilder")
            .field("method", &self.method)
            .field("body", &self.body)
            .field("has_authorization", &has_authorization)
            .field("headers", &self.headers.len())
            .field("has_proxy", &self.proxy.is_some())
            .field("in_flight", &self.in_flight)
            .finish_non_exhaustive()
    }
}
