//! A log server that is stopped and started again while records come: nothing is missing.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example socket
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::io::{self, BufRead, BufReader};
use std::net::{Shutdown, TcpListener};
use std::thread;
use std::time::Duration;

use tracing_handlers::{Encoding, Retry, SocketHandler};
use tracing_subscriber::prelude::*;

const RECORDS: u64 = 3_000;

/// Reads lines of JSON: at least `enough`, and then on to the other's end. Who leaves stops listening first and then closes its own end
/// only: whoever closes both loses what is under way.
fn receive(listener: TcpListener, enough: usize) -> io::Result<Vec<u64>> {
    let (connection, _) = listener.accept()?;
    drop(listener);
    let mut numbers = Vec::new();
    for line in BufReader::new(&connection).lines() {
        numbers.extend(number(&line?));
        if numbers.len() == enough {
            connection.shutdown(Shutdown::Write)?;
        }
    }
    Ok(numbers)
}

fn number(line: &str) -> Option<u64> {
    serde_json::from_str::<serde_json::Value>(line).ok()?.get("fields")?.get("number")?.as_u64()
}

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;

    // Newline-delimited JSON, as common collectors listen for. For a receiver in Python: `Encoding::Pickle`.
    let retry = Retry::new(Duration::from_millis(50)).max(Duration::from_secs(1));
    let builder = SocketHandler::builder().tcp("127.0.0.1", address.port()).encoding(Encoding::JsonLines);
    let layer = builder.retry(retry).layer()?;
    let handle = layer.handle();
    tracing_subscriber::registry().with(layer).init();

    let first = thread::spawn(move || receive(listener, 500));
    (0..1_000).for_each(|number| tracing::info!(number, "with the first receiver"));
    // The handler sees that the peer goes when it has something to send; that, and what follows, waits.
    while !first.is_finished() {
        tracing::info!("is somebody there?");
        if let Err(error) = handle.flush(Duration::from_millis(100)) {
            println!("Nobody is there: {error}.");
        }
    }
    let mut numbers = first.join().map_err(|_| "the first receiver panicked")??;
    println!("The first receiver had {} records and is gone.", numbers.len());

    (1_000..RECORDS).for_each(|number| tracing::info!(number, "with nobody"));
    println!("Nobody listens: {}", handle.stats());

    let listener = TcpListener::bind(address)?;
    let second = thread::spawn(move || receive(listener, usize::MAX));
    handle.close(Duration::from_secs(10))?;
    let rest = second.join().map_err(|_| "the second receiver panicked")??;
    println!("The second receiver had {}.", rest.len());
    println!("In the end:     {}", handle.stats());

    numbers.extend(rest);
    assert!(numbers.iter().copied().eq(0..RECORDS));
    println!("All {RECORDS} are there, once, in their order.");
    Ok(())
}
