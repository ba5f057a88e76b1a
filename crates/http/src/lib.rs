//! HTTP for `tracing`: Python's `HTTPHandler`, and the collectors that people really send to.
//!
//! # What it does
//!
//! [`HttpHandler`] sends records in requests, over one connection that is kept alive and made again when it is lost, or over
//! [several](HttpHandlerBuilder::in_flight), directly or through a [proxy](HttpHandlerBuilder::proxy). By default a record
//! is a GET with its attributes in the URL, as in Python; [`Body`] has JSON, JSON lines, and what Loki, OpenTelemetry collectors,
//! Elasticsearch, Splunk and Datadog want, each with its own rules for what is a success, what is worth another try, and what is
//! final. [`Encoding`] is the seam for all others. The work is done by the process's delivery thread: a caller copies its record into a bounded queue.
//!
//! # Example
//!
//! ```
//! use std::io::{Read, Write};
//! use tracing_handlers_http::{Body, HttpHandler};
//! use tracing_subscriber::prelude::*;
//!
//! // A collector.
//! let collector = std::net::TcpListener::bind("127.0.0.1:0")?;
//! let url = format!("http://{}/logs", collector.local_addr()?);
//! let answer = std::thread::spawn(move || -> std::io::Result<String> {
//!     let (mut stream, _) = collector.accept()?;
//!     let mut request = Vec::new();
//!     let mut buffer = [0; 1024];
//!     while !request.ends_with(b"\n") || request.ends_with(b"\r\n") {
//!         let count = stream.read(&mut buffer)?;
//!         request.extend_from_slice(&buffer[..count]);
//!     }
//!     stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
//!     Ok(String::from_utf8_lossy(&request).into_owned())
//! });
//!
//! let layer = HttpHandler::builder(url).body(Body::JsonLines).bearer_token("secret").layer()?;
//! let handle = layer.handle();
//! let subscriber = tracing_subscriber::registry().with(layer);
//! tracing::subscriber::with_default(subscriber, || tracing::info!("hello"));
//! handle.flush(std::time::Duration::from_secs(5))?;
//!
//! let request = answer.join().unwrap()?;
//! assert!(request.starts_with("POST /logs HTTP/1.1\r\n") && request.contains("authorization: Bearer secret\r\n"), "{request}");
//! assert!(request.contains(r#""fields":{"message":"hello"}"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Guarantees
//!
//! - Delivered means that the peer answered so. An answer that asks for another try gets one, after `Retry-After` if it says so (up to a
//!   minute); one that is final costs its records, counted and reported with the peer's own words.
//! - A request that was not answered is sent again: a record may arrive twice, but for Elasticsearch, where it has an id.
//! - With one request in flight, the default, records arrive in their order. With more each answer counts for the records of its own
//!   request: none is lost or sent again because another one failed. Flush and close wait for all.
//! - Redirects are never followed: a record goes where it was told to go, or is counted as failed.
//! - 401, 403 and a proxy's 407 are reported once and tried again after 30 s, then every minute, while the records wait.
//! - No text of a record, a header or a URL adds a header or a request; secrets are shown in no report and no `Debug`.
//!
//! # Differs from Python
//!
//! The status is looked at: Python counts an answer of 500 as success. A connection is kept, not made for every record; nobody who logs
//! waits for it; every step has a time limit. The message is sent merged, as `msg`. A field that has the name of an attribute is sent as
//! `field.<name>`.
//!
//! # Features
//!
//! `tls` for `https://`; `gzip` for compressed bodies.

mod body;
mod builder;
mod connection;
mod encoding;
mod flight;
mod handler;
mod proxy;
mod reply;
mod target;
mod transport;
#[cfg(feature = "tls")]
mod tunnel;
mod wire;

pub use self::body::Body;
pub use self::builder::{HttpHandlerBuilder, Method};
pub use self::encoding::Encoding;
pub use self::handler::{HttpHandler, HttpLayer};
pub use self::reply::Reply;
#[cfg(feature = "tls")]
pub use tracing_handlers_delivery::Tls;
pub use tracing_handlers_delivery::{ConnectionState, Frames, Outcome, Overflow, Retry, Status};
