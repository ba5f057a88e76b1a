//! A small HTTP/1.1 service. What is of interest here are the spans: one a request, opened before anything is known of its end.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;
use tracing::{Span, field};

const LONGEST_HEAD: u64 = 8 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves until the other end of `stopped` is gone, then finishes the requests that are in flight.
pub(crate) async fn serve(listener: TcpListener, mut stopped: oneshot::Receiver<()>) -> io::Result<()> {
    tracing::info!(address = %listener.local_addr()?, "listening");
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                connections.spawn(connection(stream));
            }
            // Forgets connections that have ended.
            Some(_) = connections.join_next() => {}
            _ = &mut stopped => break,
        }
    }
    tracing::info!(in_flight = connections.len(), "stopping");
    connections.join_all().await;
    tracing::info!("stopped");
    Ok(())
}

async fn connection(stream: TcpStream) {
    match timeout(PATIENCE, exchange(stream)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(error = &error as &dyn std::error::Error, "the connection broke"),
        Err(_) => tracing::warn!(seconds = PATIENCE.as_secs(), "the client took too long"),
    }
}

async fn exchange(mut stream: TcpStream) -> io::Result<()> {
    let request = Request::read(&mut stream).await?;
    let response = respond(&request).await;
    stream.write_all(response.to_string().as_bytes()).await?;
    stream.shutdown().await
}

/// Every event in here is in the span `request`; after `record`, the status is in there, too.
#[tracing::instrument(name = "request", skip_all, fields(method = request.method, path = request.path, status = field::Empty))]
async fn respond(request: &Request) -> Response {
    let begun = Instant::now();
    let response = route(request).await;
    Span::current().record("status", response.status);
    let micros = begun.elapsed().as_micros() as u64;
    match response.status {
        500.. => tracing::error!(micros, "answered"),
        _ => tracing::info!(micros, "answered"),
    }
    response
}

async fn route(request: &Request) -> Response {
    if request.method != "GET" {
        return Response { status: 405, body: "only GET\n".into() };
    }
    match request.path.split('/').collect::<Vec<_>>().as_slice() {
        ["", ""] => Response { status: 200, body: "hello\n".into() },
        ["", "orders", id] => order(id).await,
        _ => Response { status: 404, body: "nothing here\n".into() },
    }
}

async fn order(id: &str) -> Response {
    let Ok(id) = id.parse() else { return Response { status: 400, body: "an order has a number\n".into() } };
    match query(id).await {
        Ok(items) => Response { status: 200, body: format!("{items} items\n") },
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the order could not be read");
            Response { status: 500, body: "sorry\n".into() }
        }
    }
}

/// Something that waits for somebody else, so that other requests come in between.
#[tracing::instrument]
async fn query(order: u32) -> io::Result<u32> {
    tracing::debug!("asking the database");
    for _ in 0..3 {
        yield_now().await;
    }
    if order == 13 {
        return Err(io::Error::new(io::ErrorKind::ConnectionReset, "the database went away"));
    }
    let items = order % 5 + 1;
    tracing::debug!(items, "read");
    Ok(items)
}

struct Request {
    method: String,
    path: String,
}

impl Request {
    /// Reads the head and takes from its first line what this service needs.
    async fn read(stream: &mut TcpStream) -> io::Result<Self> {
        let mut lines = BufReader::new(stream.take(LONGEST_HEAD)).lines();
        let first = lines.next_line().await?.unwrap_or_default();
        while lines.next_line().await?.is_some_and(|line| !line.is_empty()) {}
        let mut words = first.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some(method), Some(path), Some("HTTP/1.1")) => Ok(Self { method: method.to_owned(), path: path.to_owned() }),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, format!("not a request: {first:?}"))),
        }
    }
}

struct Response {
    status: u16,
    body: String,
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, body } = self;
        // The space behind the status stands there even where no reason follows (RFC 9112 section 4).
        write!(f, "HTTP/1.1 {status} \r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
    }
}
