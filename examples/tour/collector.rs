//! The handlers that send over the network, to servers that the tour starts itself.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use tracing_handlers::HttpHandler;
use tracing_handlers::http::Body;
use tracing_subscriber::filter::LevelFilter;

use crate::streams::Shared;
use crate::{BoxedLayer, Output, Result, Stop};

pub(crate) fn stops() -> Result<Vec<(Stop, BoxedLayer)>> {
    Ok(vec![http()?])
}

fn http() -> Result<(Stop, BoxedLayer)> {
    let (listener, received) = (TcpListener::bind("127.0.0.1:0")?, Shared::default());
    let url = format!("http://{}/logs", listener.local_addr()?);
    let into = received.clone();
    thread::spawn(move || listener.incoming().flatten().try_for_each(|stream| serve(stream, into.clone())));
    let layer = HttpHandler::builder(url).body(Body::JsonLines).capacity(20_000).layer()?;
    Ok(Stop::new("HttpHandler", "JSON lines, to a collector", LevelFilter::TRACE, layer, Output::Memory(received)))
}

/// Keeps the body of every request of a connection, and says that it did.
fn serve(stream: TcpStream, mut received: Shared) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            match reader.read_line(&mut line)? {
                0 => return Ok(()),
                _ if line == "\r\n" => break,
                _ => {}
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        received.write_all(&body)?;
        reader.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    }
}
