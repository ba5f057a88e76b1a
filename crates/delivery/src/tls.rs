//! TLS, by the library of the system (OpenSSL, SChannel, Security.framework).

use std::fmt;
use std::io;

use native_tls::{Certificate, Identity, Protocol, TlsConnector};
use tokio::net::TcpStream;
use tokio_native_tls::TlsStream;
use tracing_handlers_core::Error;

/// Whom to trust, and who we are. By default the peer's certificate must be valid for its name and come from an authority that the
/// system trusts, and the protocol is TLS 1.2 at least.
///
/// ```
/// use tracing_handlers_delivery::Tls;
///
/// let tls = Tls::new();
/// assert!(tls.clone().ca_pem(b"no certificate").is_err());
/// assert_eq!(format!("{tls:?}"), "Tls { authorities: 0, has_identity: false, is_verified: true }");
/// ```
#[derive(Clone)]
pub struct Tls {
    authorities: Vec<Certificate>,
    only_these: bool,
    identity: Option<Identity>,
    server_name: Option<String>,
    is_verified: bool,
}

impl Default for Tls {
    fn default() -> Self {
        Self { authorities: Vec::new(), only_these: false, identity: None, server_name: None, is_verified: true }
    }
}

impl Tls {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts this authority too; PEM.
    ///
    /// # Errors
    ///
    /// A configuration error if that is no certificate.
    pub fn ca_pem(mut self, pem: &[u8]) -> Result<Self, Error> {
        let authority = Certificate::from_pem(pem).map_err(|error| refused("ca_pem", error))?;
        self.authorities.push(authority);
        Ok(self)
    }

    /// Trusts the authorities that were given and no other.
    #[must_use]
    pub fn only_given_authorities(mut self) -> Self {
        self.only_these = true;
        self
    }

    /// What we show to a peer that asks: a certificate chain and a key in PKCS #8, both PEM.
    ///
    /// # Errors
    ///
    /// A configuration error if they are none. That they do not belong together is seen here by some libraries, and by OpenSSL when the
    /// first connection is made.
    pub fn identity_pem(mut self, certificates: &[u8], key: &[u8]) -> Result<Self, Error> {
        self.identity = Some(Identity::from_pkcs8(certificates, key).map_err(|error| refused("identity_pem", error))?);
        Ok(self)
    }

    /// The name that the peer's certificate must bear, if it is not that of the connection.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Takes any certificate of anyone: whoever is in between can read and change everything.
    #[must_use]
    pub fn dangerously_accept_any_certificate(mut self) -> Self {
        self.is_verified = false;
        self
    }

    /// Shakes hands over a connection that was made already, for protocols that begin in clear. The peer's certificate must bear the
    /// name `host`, or that of [`server_name`](Self::server_name).
    ///
    /// # Errors
    ///
    /// What the library says of the peer.
    pub async fn connect(&self, host: &str, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut builder = TlsConnector::builder();
        builder.min_protocol_version(Some(Protocol::Tlsv12));
        builder.disable_built_in_roots(self.only_these);
        for authority in &self.authorities {
            builder.add_root_certificate(authority.clone());
        }
        if let Some(identity) = &self.identity {
            builder.identity(identity.clone());
        }
        if !self.is_verified {
            builder.danger_accept_invalid_certs(true).danger_accept_invalid_hostnames(true);
        }
        let connector = tokio_native_tls::TlsConnector::from(builder.build().map_err(io::Error::other)?);
        let name = self.server_name.as_deref().unwrap_or(host);
        connector.connect(name, stream).await.map_err(io::Error::other)
    }
}

fn refused(setting: &str, error: native_tls::Error) -> Error {
    Error::config(setting, "(not shown)", "is not what it should be").with_source(error)
}

/// Shows no certificate and no key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("authorities", &self.authorities.len())
            .field("has_identity", &self.identity.is_some())
            .field("is_verified", &self.is_verified)
            .finish()
    }
}
