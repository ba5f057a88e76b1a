//! An HTTP proxy between us and the peer, and tunnels through it.

use std::fmt;

use hyper::Uri;
use hyper::header::HeaderValue;
use tracing_handlers_core::Error;
use tracing_handlers_delivery::dial::Authority;

use crate::target::{host_and_port, value};

/// A proxy, spoken to in clear.
pub(crate) struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Shown to the proxy alone.
    pub(crate) authorization: Option<HeaderValue>,
}

impl Proxy {
    pub(crate) fn new(url: &str, authorization: Option<&str>) -> Result<Self, Error> {
        let refused = |why: &str| Error::config("proxy", "(not shown)", why);
        let uri: Uri = url.parse().map_err(|_| refused("is no URL"))?;
        let authority = match (uri.scheme_str(), uri.authority(), uri.path_and_query().map_or("/", |path| path.as_str())) {
            (Some("http"), Some(authority), "/" | "") => authority,
            _ => return Err(refused("must be http://host:port")),
        };
        if authority.as_str().contains('@') {
            return Err(refused("holds credentials; use the setting `proxy_credentials`"));
        }
        let (host, port) = host_and_port(authority, 80).map_err(refused)?;
        let mut authorization = authorization.map(|text| value("proxy-authorization", text)).transpose()?;
        authorization.iter_mut().for_each(|value| value.set_sensitive(true));
        Ok(Self { host, port, authorization })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", Authority(&self.host, self.port))
    }
}
