//! TLS, by the library of the system (OpenSSL, SChannel, Security.framework).

use std::fmt;
use std::io;

use native_tls::{Identity, Protocol};
use tokio::net::TcpStream;
use tokio_native_tls::{TlsAcceptor, TlsStream};
use tracing_handlers_core::Error;

/// Who a receiver is for those who connect over TLS: a certificate and its key. The protocol is TLS 1.2 at least; clients show none of
/// their own.
#[derive(Clone)]
pub struct TlsIdentity(TlsAcceptor);

impl TlsIdentity {
    /// A chain of certificates, that of the receiver first, and its key in PKCS #8, both PEM.
    ///
    /// # Errors
    ///
    /// A configuration error if they are none. That they do not belong together is seen here or, with OpenSSL, when the first client comes.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, Error> {
        let refused = |error| Error::config("identity", "(not shown)", "is not what it should be").with_source(error);
        let identity = Identity::from_pkcs8(certificates, key).map_err(refused)?;
        let acceptor = native_tls::TlsAcceptor::builder(identity).min_protocol_version(Some(Protocol::Tlsv12)).build();
        acceptor.map(|acceptor| Self(acceptor.into())).map_err(refused)
    }

    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.0.accept(stream).await.map_err(io::Error::other)
    }
}

/// Shows no certificate and no key.
impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity").finish_non_exhaustive()
    }
}
