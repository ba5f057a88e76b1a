//! What is read from a connection, whatever kind it is.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
#[cfg(feature = "tls")]
use tokio_native_tls::TlsStream;

#[cfg(feature = "tls")]
use crate::tls::TlsIdentity;

/// How much is read at once.
const CHUNK: usize = 16 << 10;

/// A connection at its beginning.
pub(crate) enum Accepted {
    Clear(Stream),
    #[cfg(feature = "tls")]
    Tls(TcpStream, TlsIdentity),
}

impl Accepted {
    /// Whether hands have to be shaken first.
    pub(crate) fn is_slow(&self) -> bool {
        !matches!(self, Self::Clear(_))
    }

    pub(crate) async fn stream(self) -> io::Result<Stream> {
        match self {
            Self::Clear(stream) => Ok(stream),
            #[cfg(feature = "tls")]
            Self::Tls(stream, identity) => Ok(Stream::Tls(Box::new(identity.accept(stream).await?))),
        }
    }
}

pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream<TcpStream>>),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// What reading once brought.
pub(crate) enum Read {
    Bytes(usize),
    End,
}

impl Stream {
    /// Appends what is there, once there is something. The buffer grows by what came, whatever was announced. One that is dropped has
    /// read nothing.
    pub(crate) async fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<Read> {
        poll_fn(|context| self.poll_read(context, buffer)).await
    }

    /// The chunk lives as long as this call does: one that waits has none.
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut Vec<u8>) -> Poll<io::Result<Read>> {
        let mut chunk = [0; CHUNK];
        let mut chunk = ReadBuf::new(&mut chunk);
        ready!(match self {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, &mut chunk),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Pin::new(stream).poll_read(context, &mut chunk),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_read(context, &mut chunk),
        })?;
        let read = chunk.filled();
        buffer.extend_from_slice(read);
        Poll::Ready(Ok(if read.is_empty() { Read::End } else { Read::Bytes(read.len()) }))
    }

    /// Ends this end's direction. Where that fails, the other one has gone already.
    pub(crate) async fn end(&mut self) {
        let ended = match self {
            Self::Tcp(stream) => stream.shutdown().await,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.shutdown().await,
            #[cfg(unix)]
            Self::Unix(stream) => stream.shutdown().await,
        };
        drop(ended);
    }
}
