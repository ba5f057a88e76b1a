//! A service that ships its log to a collector through nginx, which has TLS and a password; nginx loads its configuration again, then goes away and
//! comes back, and nothing is missing. Collector and nginx are started by this program. Where nginx is not installed it says so, and goes
//! directly to the collector.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --features tls --example nginx
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod nginx;

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::error::Error;
use std::io;
use std::ops::Range;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use servers::Collector;
use tracing_handlers::http::{Body, HttpHandlerBuilder, Retry};
use tracing_handlers::{Failure, Handle, HttpHandler, Stats, Tls};
use tracing_subscriber::prelude::*;

use self::nginx::{Nginx, PASSWORD, USER};

/// How many records are shipped between two of the things that happen to nginx.
const PART: u64 = 1_000;
/// The handler has room for all of them, should nobody take any.
const ALL: u64 = 5 * PART;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> Result<(), Box<dyn Error>> {
    let collector = Collector::start()?;
    match Nginx::before(collector.address())? {
        Ok(nginx) => through(nginx, &collector),
        Err(missing) => {
            println!(
                "!! NOT INSTALLED: {missing}. There is no nginx, no TLS and no password here: the log goes directly to the collector.\n"
            );
            let (handle, _) = init(HttpHandler::builder(collector.url()))?;
            ship(0..ALL);
            handle.flush(PATIENCE)?;
            check(&collector, &handle.stats())
        }
    }
}

/// Sets up the global subscriber: the part to copy. The other end hears of failures.
fn init(builder: HttpHandlerBuilder) -> Result<(Handle, mpsc::Receiver<()>), tracing_handlers::Error> {
    let (failed, failures) = mpsc::channel();
    let layer = builder
        .body(Body::JsonLines)
        .batch_records(50)
        .retry(Retry::new(Duration::from_millis(100)).max(Duration::from_secs(1)))
        .on_failure(move |failure: &Failure<'_>| {
            println!("  told: {} ({} records lost)", failure.error.one_line(), failure.lost);
            // Nobody listens once the program is done.
            failed.send(()).ok();
        })
        .layer()?;
    let handle = layer.handle();
    tracing_subscriber::registry().with(layer).init();
    Ok((handle, failures))
}

fn through(mut nginx: Nginx, collector: &Collector) -> Result<(), Box<dyn Error>> {
    let tls = Tls::new().ca_pem(&nginx.certificate()?)?;
    let (handle, failures) = init(HttpHandler::builder(nginx.url()).tls(tls).credentials(USER, PASSWORD))?;
    println!("shipping to {} as {USER}", nginx.url());

    ship(0..PART);
    wait_for_workers(&nginx, 1)?;
    nginx.reload()?;
    println!("nginx has loaded its configuration again; {}", handle.stats());

    ship(PART..2 * PART);
    wait_for_workers(&nginx, 2)?;
    ship(2 * PART..3 * PART);
    nginx.stop()?;
    println!("nginx is gone; {}", handle.stats());

    ship(3 * PART..4 * PART);
    failures.recv_timeout(PATIENCE)?;
    nginx.start_again()?;
    println!("nginx is back; {}", handle.stats());

    ship(4 * PART..ALL);
    handle.flush(PATIENCE)?;

    let requests = nginx.requests()?;
    let workers = workers(&requests).len();
    println!("\nnginx answered {} requests, by {workers} workers, such as", requests.len());
    println!("  {}", requests.last().map_or("", |line| line));
    assert!(requests.iter().all(|line| line.contains(USER) && line.contains("TLSv1")), "all with TLS and a password");
    assert_eq!(workers, 3, "one before it loaded its configuration again, one after that, and one of the second nginx");
    check(collector, &handle.stats())
}

/// Until so many of nginx's workers have answered requests.
fn wait_for_workers(nginx: &Nginx, count: usize) -> io::Result<()> {
    while workers(&nginx.requests()?).len() < count {
        thread::yield_now();
    }
    Ok(())
}

fn workers(requests: &[String]) -> BTreeSet<&str> {
    requests.iter().filter_map(|line| line.split(' ').next()).collect()
}

/// What the service does.
fn ship(orders: Range<u64>) {
    for order in orders {
        tracing::info!(order, "shipped");
    }
}

/// Each record is there, and they came in their order. What nginx took and could not answer for any more came twice.
fn check(collector: &Collector, stats: &Stats) -> Result<(), Box<dyn Error>> {
    let (lines, mut seen, mut twice) = (collector.lines(), 0, 0);
    for line in &lines {
        let line: serde_json::Value = serde_json::from_str(line)?;
        let order = line.pointer("/fields/order").and_then(serde_json::Value::as_u64).ok_or("a line without its number")?;
        match order.cmp(&seen) {
            Ordering::Equal => seen += 1,
            Ordering::Less => twice += 1,
            Ordering::Greater => return Err(format!("{seen} is missing before {order}").into()),
        }
    }
    println!(
        "the collector got {} lines in {} requests, {twice} of them for the second time",
        lines.len(),
        collector.bodies().len()
    );
    println!("handler: {stats}");
    assert_eq!(seen, ALL, "the last ones are missing");
    assert_eq!((stats.delivered, stats.dropped()), (ALL, 0));
    println!("all {seen} records, in their order");
    Ok(())
}
