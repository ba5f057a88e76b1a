//! JSON lines to a collector, which this program starts itself: what the collector gets, what happens while it is ill, and what the
//! handler says about it.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example http
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use tracing_handlers::http::{Body, Retry};
use tracing_handlers::{Failure, HttpHandler};
use tracing_subscriber::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/logs", listener.local_addr()?);
    let (bodies, received) = mpsc::channel();
    thread::spawn(move || {
        // Ill at first, then well.
        let mut answers = ["503 Service Unavailable"].into_iter();
        for stream in listener.incoming().flatten() {
            serve(stream, &mut answers, &bodies).ok();
        }
    });

    let layer = HttpHandler::builder(url)
        .body(Body::JsonLines)
        .bearer_token("a secret that no report shows")
        .header("X-Service", "shop")
        .retry(Retry::new(Duration::from_millis(100)))
        .on_failure(|failure: &Failure<'_>| println!("told:      {} ({} records lost)", failure.error, failure.lost))
        .layer()?;
    let handle = layer.handle();
    tracing_subscriber::registry().with(layer).init();

    let order = tracing::info_span!("order", id = 17).entered();
    tracing::info!(items = 3, "accepted");
    tracing::warn!(card = "declined", "not paid");
    drop(order);

    // Callers never wait. Who wants to know asks:
    handle.flush(Duration::from_secs(5))?;
    for line in received.try_iter().flat_map(|body: String| body.lines().map(str::to_owned).collect::<Vec<_>>()) {
        println!("collector: {line}");
    }
    println!("handler:   {}", handle.stats());
    assert_eq!(handle.stats().delivered, 2);

    // Other collectors:
    //   .body(Body::loki([("app", "shop")]))            http://localhost:3100
    //   .body(Body::otlp([("service.name", "shop")]))   http://localhost:4318
    //   .body(Body::elasticsearch("logs-shop"))         http://localhost:9200
    Ok(())
}

/// Answers the requests of a connection: with what is scripted, then with success.
fn serve(stream: TcpStream, answers: &mut dyn Iterator<Item = &str>, bodies: &Sender<String>) -> io::Result<()> {
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
        let answer = answers.next();
        if answer.is_none() {
            bodies.send(String::from_utf8_lossy(&body).into_owned()).ok();
        }
        write!(reader.get_mut(), "HTTP/1.1 {}\r\nContent-Length: 0\r\n\r\n", answer.unwrap_or("200 OK"))?;
    }
}
