//! JSON lines to a collector, which this program starts itself: what the collector gets, what happens while it is ill, and what the
//! handler says about it.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example http
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use servers::Collector;
use tracing_handlers::http::{Body, Retry};
use tracing_handlers::{Failure, HttpHandler};
use tracing_subscriber::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    // Ill at first, then well.
    let collector = Collector::ill_at_first(&["503 Service Unavailable"])?;

    let layer = HttpHandler::builder(collector.url())
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
    for line in collector.lines() {
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
