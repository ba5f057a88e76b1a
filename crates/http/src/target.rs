//! Where requests go, and what all of them have in common.

use std::fmt;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::uri::Authority;
use hyper::{Request, Uri};
use tracing_handlers_core::Error;
use tracing_handlers_delivery::dial::Peer;

use crate::builder::Method;
use crate::encoding::Encoding;
use crate::proxy::Proxy;

#[cfg(feature = "tls")]
pub(crate) type TlsSetting = Option<tracing_handlers_delivery::Tls>;
#[cfg(not(feature = "tls"))]
pub(crate) type TlsSetting = ();

/// Where requests go, and what all of them have in common.
pub(crate) struct Target {
    pub(crate) route: Route,
    method: Method,
    /// Path and query; behind a proxy the whole URL.
    path: String,
    headers: HeaderMap,
    /// Without the query, which may hold a secret.
    shown: String,
}

/// How a connection gets there.
pub(crate) enum Route {
    Direct(Peer),
    /// The proxy reads our requests, and sends them on.
    Proxy(Proxy),
    /// The proxy hands on bytes, and cannot read them.
    #[cfg(feature = "tls")]
    Tunnel {
        proxy: Proxy,
        host: String,
        port: u16,
        tls: tracing_handlers_delivery::Tls,
    },
}

/// What is sent.
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    pub(crate) is_compressed: bool,
}

impl Body {
    #[cfg(feature = "gzip")]
    pub(crate) fn new(bytes: Vec<u8>, may_compress: bool) -> Self {
        match may_compress.then(|| crate::wire::gzip::compress(&bytes)).flatten() {
            Some(compressed) => Self { bytes: compressed.into(), is_compressed: true },
            None => Self { bytes: bytes.into(), is_compressed: false },
        }
    }

    #[cfg(not(feature = "gzip"))]
    pub(crate) fn new(bytes: Vec<u8>, _: bool) -> Self {
        Self { bytes: bytes.into(), is_compressed: false }
    }
}

impl Target {
    pub(crate) fn new(
        url: &str,
        method: Method,
        encoding: &dyn Encoding,
        headers: impl Iterator<Item = (String, String)>,
        tls: TlsSetting,
        proxy: Option<Proxy>,
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
        let (host, port) = host_and_port(authority, if is_secure { 443 } else { 80 }).map_err(refused)?;
        let path = match uri.path() {
            "" | "/" => encoding.path(),
            path => path,
        };
        let shown = format!("{}://{authority}{path}", if is_secure { "https" } else { "http" });
        let begin = if proxy.is_some() && !is_secure { &shown } else { path };
        let path = uri.query().map_or_else(|| begin.to_owned(), |query| format!("{begin}?{query}"));
        path.parse::<Uri>().map_err(|_| Error::config("body", &shown, "gives a path that is none"))?;
        let mut headers = all_headers(authority.as_str(), method, encoding, headers)?;
        let route = route(host, port, is_secure, tls, proxy)?;
        if let Route::Proxy(Proxy { authorization: Some(authorization), .. }) = &route {
            headers.insert(header::PROXY_AUTHORIZATION, authorization.clone());
        }
        Ok(Self { route, method, path, headers, shown })
    }

    /// A request. Records with GET stand in the URL.
    pub(crate) fn request(&self, body: &Body) -> Result<Request<Full<Bytes>>, Error> {
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

    /// Target and way, for reports.
    pub(crate) fn way(&self) -> String {
        match &self.route {
            Route::Direct(_) => self.shown.clone(),
            Route::Proxy(proxy) => format!("{} through {proxy}", self.shown),
            #[cfg(feature = "tls")]
            Route::Tunnel { proxy, .. } => format!("{} through {proxy}", self.shown),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// Both as connections need them. A port that is none is not taken for one that is not there.
pub(crate) fn host_and_port(authority: &Authority, default: u16) -> Result<(String, u16), &'static str> {
    let port = match authority.as_str().strip_prefix(authority.host()).unwrap_or_default() {
        "" => default,
        rest => {
            let digits = rest.strip_prefix(':').filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
            digits.and_then(|port| port.parse().ok()).ok_or("has a port that is none")?
        }
    };
    match authority.host().trim_matches(['[', ']']) {
        "" => Err("names no host"),
        host => Ok((host.to_owned(), port)),
    }
}

#[cfg(feature = "tls")]
fn route(host: String, port: u16, is_secure: bool, tls: TlsSetting, proxy: Option<Proxy>) -> Result<Route, Error> {
    Ok(match (is_secure, proxy) {
        (false, _) if tls.is_some() => {
            return Err(Error::config("tls", "(not shown)", "means nothing to a URL that begins with http://"));
        }
        (false, None) => Route::Direct(Peer::Tcp { host, port }),
        (false, Some(proxy)) => Route::Proxy(proxy),
        (true, None) => Route::Direct(Peer::Tls { host, port, tls: tls.unwrap_or_default() }),
        (true, Some(proxy)) => Route::Tunnel { proxy, host, port, tls: tls.unwrap_or_default() },
    })
}

#[cfg(not(feature = "tls"))]
fn route(host: String, port: u16, is_secure: bool, (): TlsSetting, proxy: Option<Proxy>) -> Result<Route, Error> {
    match (is_secure, proxy) {
        (true, _) => Err(Error::config("url", "https://…", "needs the feature `tls`")),
        (false, None) => Ok(Route::Direct(Peer::Tcp { host, port })),
        (false, Some(proxy)) => Ok(Route::Proxy(proxy)),
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

pub(crate) fn value(name: &str, text: &str) -> Result<HeaderValue, Error> {
    let refused =
        |_| Error::config("header", format!("{}: (not shown)", name.escape_debug()), "has a character that no header may have");
    HeaderValue::from_str(text).map_err(refused)
}
