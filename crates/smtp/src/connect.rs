//! A connection to a mail server, up to the point where it is safe to say more than hello.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
#[cfg(feature = "tls")]
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
#[cfg(feature = "tls")]
use tokio::net::TcpStream;
use tracing_handlers_core::Error;
#[cfg(feature = "tls")]
use tracing_handlers_delivery::Tls;
use tracing_handlers_delivery::dial::{self, Authority, CONNECT_TIMEOUT, Stream};

/// How the connection is kept from others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SmtpTls {
    /// TLS from the first byte: SMTPS, port 465.
    Implicit,
    /// TLS after a hello in clear, port 587. A server that does not offer it gets nothing.
    #[default]
    StartTls,
    /// None, port 25: who is in between reads everything.
    None,
}

impl SmtpTls {
    /// The port that is used where none is named.
    pub(crate) fn port(self) -> u16 {
        match self {
            Self::Implicit => 465,
            Self::StartTls => 587,
            Self::None => 25,
        }
    }
}

/// Where the server is, and how one speaks to it.
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) mode: SmtpTls,
    #[cfg(feature = "tls")]
    pub(crate) tls: Tls,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.mode == SmtpTls::Implicit { "smtps" } else { "smtp" };
        write!(f, "{scheme}://{}", Authority(&self.host, self.port))
    }
}

/// A connection that mails may go over. It begins with a greeting, also where the server gave that before TLS and says no second one.
pub(crate) struct Opened {
    /// What is read first.
    greeting: &'static [u8],
    /// Nobody ever waits for this lock: it makes the stream one that can be shared.
    stream: Mutex<Box<dyn Stream>>,
}

impl Server {
    /// Connects, and has TLS where it must be. `hello` is the name that we say.
    pub(crate) async fn open(&self, hello: &str) -> Result<Opened, Error> {
        let failed = |what: &str, error| Error::io(format!("{what} {self}"), error);
        let tcp = dial::within(CONNECT_TIMEOUT, dial::tcp(&self.host, self.port)).await;
        let tcp = tcp.map_err(|error| failed("connect to", error))?;
        match self.mode {
            SmtpTls::None => Ok(Opened::new(tcp, b"")),
            #[cfg(feature = "tls")]
            SmtpTls::Implicit => {
                let stream = self.tls.connect(&self.host, tcp).await;
                Ok(Opened::new(stream.map_err(|error| failed("speak TLS with", error))?, b""))
            }
            #[cfg(feature = "tls")]
            SmtpTls::StartTls => {
                let mut tcp = tcp;
                start_tls(&mut tcp, hello).await.map_err(|error| failed("begin TLS with", error))?;
                let stream = self.tls.connect(&self.host, tcp).await;
                Ok(Opened::new(stream.map_err(|error| failed("speak TLS with", error))?, b"220 \r\n"))
            }
            #[cfg(not(feature = "tls"))]
            SmtpTls::Implicit | SmtpTls::StartTls => {
                drop((tcp, hello));
                Err(Error::new("speak TLS without the feature `tls`"))
            }
        }
    }
}

/// Greeting, `EHLO`, `STARTTLS`. A server that does not offer TLS, or says more in clear than it was asked for, gets nothing.
#[cfg(feature = "tls")]
async fn start_tls(tcp: &mut TcpStream, hello: &str) -> io::Result<()> {
    reply(tcp, "220").await?;
    tcp.write_all(format!("EHLO {hello}\r\n").as_bytes()).await?;
    let offers = reply(tcp, "250").await?;
    if !offers.iter().any(|offer| offer.eq_ignore_ascii_case("STARTTLS")) {
        return Err(io::Error::other("the server offers no STARTTLS"));
    }
    tcp.write_all(b"STARTTLS\r\n").await?;
    reply(tcp, "220").await?;
    Ok(())
}

/// The lines of a reply without its code, which must be the one that is wanted. Reads no byte beyond its end: what an attacker adds in
/// clear reaches the TLS library, which refuses it, and is never taken for what the server says over TLS.
#[cfg(feature = "tls")]
async fn reply(tcp: &mut TcpStream, wanted: &str) -> io::Result<Vec<String>> {
    const MOST_LINES: usize = 100;
    let mut lines = Vec::new();
    for _ in 0..MOST_LINES {
        let line = line(tcp).await?;
        let (code, rest) = line.split_at_checked(3).unwrap_or((&line, ""));
        if code != wanted {
            return Err(io::Error::other(line.clone()));
        }
        lines.push(rest.get(1..).unwrap_or_default().trim().to_owned());
        if !rest.starts_with('-') {
            return Ok(lines);
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "a reply without end"))
}

#[cfg(feature = "tls")]
async fn line(tcp: &mut TcpStream) -> io::Result<String> {
    const LONGEST: usize = 2_000;
    let mut bytes = Vec::new();
    loop {
        let mut byte = [0];
        if tcp.read(&mut byte).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match byte {
            [b'\n'] => return Ok(String::from_utf8_lossy(&bytes).trim_end().replace(char::is_control, " ")),
            _ if bytes.len() == LONGEST => return Err(io::Error::new(io::ErrorKind::InvalidData, "a line without end")),
            [byte] => bytes.push(byte),
        }
    }
}

impl Opened {
    fn new(stream: impl Stream + 'static, greeting: &'static [u8]) -> Self {
        Self { greeting, stream: Mutex::new(Box::new(stream)) }
    }

    fn stream(&mut self) -> Pin<&mut Box<dyn Stream>> {
        Pin::new(self.stream.get_mut().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened")
    }
}

impl AsyncRead for Opened {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.greeting.is_empty() {
            return self.stream().poll_read(context, buffer);
        }
        let (now, then) = self.greeting.split_at(self.greeting.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.greeting = then;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Opened {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream().poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }
}
