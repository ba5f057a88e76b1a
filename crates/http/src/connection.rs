//! Connections that are kept alive, and requests over them: with `tunnel`, all that is asked of hyper's client.

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{self, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::task::AbortHandle;
use tracing_handlers_core::Error;
use tracing_handlers_core::clock::ClockSource;
use tracing_handlers_delivery::Connections;
use tracing_handlers_delivery::dial::{Peer, Stream};

use crate::reply::Reply;
use crate::target::{Body, Route, Target};
use crate::wire::retry_after;

/// So much of an answer is read.
const REPLY_BYTES: usize = 4 << 20;

/// Makes connections to a target, and asks over them.
pub(crate) struct Client {
    pub(crate) target: Target,
    pub(crate) clock: ClockSource,
    pub(crate) connections: Connections,
}

/// A connection that waits for a request, or works on one. Ends with this.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    _work: Work,
}

/// A task of the runtime, which ends with this.
pub(crate) struct Work(pub(crate) AbortHandle);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An attempt without an answer.
struct Unanswered(hyper::Error);

/// Why there is no connection.
pub(crate) enum NotConnected {
    /// What went wrong.
    Failed(Error),
    /// Somebody on the way refuses who we are.
    #[cfg(feature = "tls")]
    Refused(Reply),
}

impl From<Error> for NotConnected {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Client {
    /// The answer to this body, over `kept` if that still is a connection. It may have been closed as we wrote: then the body goes once
    /// more, over a fresh one.
    pub(crate) async fn exchange(&self, kept: &mut Option<Connection>, body: &Body) -> Result<Reply, Error> {
        if let Some(connection) = still_kept(kept).await
            && let Ok(reply) = self.ask(kept, connection, self.target.request(body)?).await
        {
            return Ok(reply);
        }
        let fresh = match self.connect().await {
            Ok(fresh) => fresh,
            Err(NotConnected::Failed(error)) => return Err(error),
            #[cfg(feature = "tls")]
            Err(NotConnected::Refused(reply)) => return Ok(reply),
        };
        let asked = self.ask(kept, fresh, self.target.request(body)?).await;
        asked.map_err(|Unanswered(error)| Error::new(format!("send to {}", self.target)).with_source(error))
    }

    async fn connect(&self) -> Result<Connection, NotConnected> {
        let failed = |error| Error::io(format!("connect to {}", self.target.way()), error);
        let connecting = self.connections.connecting();
        let stream: Box<dyn Stream> = match &self.target.route {
            Route::Direct(peer) => peer.connect().await.map_err(failed)?,
            Route::Proxy(proxy) => Peer::Tcp { host: proxy.host.clone(), port: proxy.port }.connect().await.map_err(failed)?,
            #[cfg(feature = "tls")]
            Route::Tunnel { proxy, host, port, tls } => {
                let opened = crate::tunnel::open(proxy, host, *port, tls).await.map_err(failed)?;
                opened.map_err(NotConnected::Refused)?
            }
        };
        let made = http1::handshake(TokioIo::new(stream)).await;
        let (sender, work) =
            made.map_err(|error| Error::new(format!("connect to {}", self.target.way())).with_source(error))?;
        let connected = connecting.done();
        let until_its_end = async {
            // Its failure is that of the request.
            drop(work.await);
            drop(connected);
        };
        let work = tokio::spawn(until_its_end).abort_handle();
        Ok(Connection { sender, _work: Work(work) })
    }

    /// Asks, and keeps the connection if it may be used again.
    async fn ask(
        &self,
        kept: &mut Option<Connection>,
        mut connection: Connection,
        request: Request<Full<Bytes>>,
    ) -> Result<Reply, Unanswered> {
        let response = connection.sender.send_request(request).await.map_err(Unanswered)?;
        let (reply, is_whole) = self.read(response).await;
        if is_whole {
            *kept = Some(connection);
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
}

/// The connection of before, if it still is one.
async fn still_kept(kept: &mut Option<Connection>) -> Option<Connection> {
    let mut connection = kept.take()?;
    // Lets the runtime ask the system, or an end that came meanwhile would not be seen.
    tokio::task::yield_now().await;
    connection.sender.ready().await.ok()?;
    Some(connection)
}
