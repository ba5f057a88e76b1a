//! Events a second to a server on loopback that takes everything, for each kind of body: from the first event to the end of the flush.
//!
//! ```sh
//! cargo bench -p tracing-handlers-http --all-features --bench loopback -- json-lines otlp
//! ```
#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark shows its figures, and ends when it has none"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tracing_handlers_http::{Body, HttpHandler, HttpHandlerBuilder, Method, Overflow};
use tracing_subscriber::prelude::*;

const ROUNDS: usize = 5;
const LONG: Duration = Duration::from_secs(60);

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with("--")).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    println!("{:<24}{:>12}{:>12}{:>12}{:>10}{:>12}", "body", "median /s", "least /s", "most /s", "requests", "bytes each");
    for (name, events, setting) in cases() {
        if is_wanted(name) {
            let mut rounds: Vec<_> = (0..ROUNDS).map(|_| round(events, setting)).collect();
            rounds.sort_by_key(|round| round.0);
            let [least, median, most] = [0, ROUNDS / 2, ROUNDS - 1].map(|index| rounds[index].0);
            println!("{name:<24}{median:>12}{least:>12}{most:>12}{:>10}{:>12}", rounds[0].1, rounds[0].2 / events);
        }
    }
}

type Setting = fn(HttpHandlerBuilder) -> HttpHandlerBuilder;

fn cases() -> Vec<(&'static str, u64, Setting)> {
    let all: [(&str, u64, Setting); 11] = [
        ("json-lines", 1_000_000, |builder| builder.body(Body::JsonLines)),
        ("json-lines, 4 in flight", 1_000_000, |builder| builder.body(Body::JsonLines).in_flight(4)),
        ("json", 1_000_000, |builder| builder.body(Body::Json)),
        ("loki", 500_000, |builder| builder.body(Body::loki([("app", "bench")]))),
        ("otlp", 500_000, |builder| builder.body(Body::otlp([("service.name", "bench")]))),
        ("elasticsearch", 500_000, |builder| builder.body(Body::elasticsearch("logs"))),
        ("splunk", 500_000, |builder| builder.body(Body::splunk_hec("token"))),
        ("datadog", 500_000, |builder| builder.body(Body::datadog("key", "bench"))),
        ("form-post", 50_000, |builder| builder.method(Method::Post)),
        ("form-get", 50_000, |builder| builder),
        ("form-get, 8 in flight", 50_000, |builder| builder.in_flight(8)),
    ];
    all.into()
}

/// Events a second, requests, and bytes of bodies.
fn round(events: u64, setting: Setting) -> (u64, u64, u64) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let counted = Arc::clone(&seen);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let counted = Arc::clone(&counted);
            thread::spawn(move || serve(stream.unwrap(), &counted));
        }
    });
    let layer = setting(HttpHandler::builder(url)).overflow(Overflow::Block(LONG)).layer().unwrap();
    let handle = layer.handle();
    let subscriber = tracing_subscriber::registry().with(layer);
    let began = tracing::subscriber::with_default(subscriber, || {
        let began = Instant::now();
        let request = tracing::info_span!(target: "bench::app", "request", id = 4711_u64, method = "GET").entered();
        for order in 0..events {
            tracing::info!(target: "bench::app", order, millis = 12.5, path = "/api/v1/accounts/7f3a9c/orders", "request done");
        }
        drop(request);
        handle.flush(LONG).unwrap();
        began
    });
    let took = began.elapsed();
    assert_eq!(handle.stats().delivered, events, "{}", handle.stats());
    let [requests, bytes] = [0, 1].map(|index| seen[index].load(Ordering::Relaxed));
    ((events as f64 / took.as_secs_f64()) as u64, requests, bytes)
}

/// Takes requests, and answers what Elasticsearch is content with too.
fn serve(mut stream: TcpStream, counted: &[AtomicU64; 2]) {
    let mut buffer = vec![0; 1 << 20];
    let mut filled = 0;
    loop {
        let head = loop {
            if let Some(end) = buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            match stream.read(&mut buffer[filled..]) {
                Ok(0) | Err(_) => return,
                Ok(count) => filled += count,
            }
        };
        let mut left = content_length(&buffer[..head]);
        counted[0].fetch_add(1, Ordering::Relaxed);
        counted[1].fetch_add(left as u64, Ordering::Relaxed);
        let of_body = (filled - head).min(left);
        left -= of_body;
        buffer.copy_within(head + of_body..filled, 0);
        filled -= head + of_body;
        while left > 0 {
            let room = left.min(buffer.len());
            match stream.read(&mut buffer[..room]) {
                Ok(0) | Err(_) => return,
                Ok(count) => left -= count,
            }
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"errors\":false}").unwrap();
    }
}

fn content_length(head: &[u8]) -> usize {
    let head = std::str::from_utf8(head).unwrap();
    let value = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    value.map_or(0, |value| value.parse().unwrap())
}
