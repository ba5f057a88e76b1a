//! One receiver for Python and Rust: a process of each logs to it, and it writes one rotating file. Where there is no Python it says so, and Rust logs
//! alone.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example receiver
//! ```
//!
//! The program `log-receiver` does the same without a line of code: `log-receiver tcp://127.0.0.1:9020 --file app.log`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs;
use std::io;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tracing_handlers::{Deadline, Handler, Receiver, RotatingFileHandler, SocketHandler};
use tracing_subscriber::prelude::*;

const EACH: u64 = 500;

const PYTHON: &str = r#"
import logging, logging.handlers, sys
logger = logging.getLogger("shop.orders")
logger.setLevel(logging.INFO)
logger.addHandler(logging.handlers.SocketHandler("127.0.0.1", int(sys.argv[1])))
for number in range(int(sys.argv[2])):
    logger.info("order %d from Python", number, extra={"customer": "bob"})
logging.shutdown()
"#;

fn main() -> Result<(), Box<dyn Error>> {
    // The log server: a place to listen on, and a handler like any other.
    let folder = tempfile::tempdir()?;
    let file = RotatingFileHandler::builder(folder.path().join("app.log")).max_bytes(40_000).backup_count(9).build()?;
    let file: Arc<dyn Handler> = Arc::new(file);
    let receiver = Receiver::builder().tcp("127.0.0.1:0").handler(Arc::clone(&file)).build()?;
    let port = receiver.local_addrs().first().ok_or("no address")?.port();
    let server = receiver.handle();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let serving = thread::spawn(move || runtime.block_on(receiver.run()));

    // Python logs to it, and so does this process.
    let python = match Command::new("python3").args(["-c", PYTHON, &port.to_string(), &EACH.to_string()]).spawn() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            println!("!! NOT INSTALLED: python3. Only Rust logs here.");
            None
        }
        started => Some(started?),
    };
    let layer = SocketHandler::builder().tcp("127.0.0.1", port).layer()?;
    let handle = layer.handle();
    tracing_subscriber::registry().with(layer).init();
    (0..EACH).for_each(|number| tracing::info!(number, customer = "alice", "order from Rust"));
    handle.close(Duration::from_secs(10))?;
    let expected = if python.is_some() { vec!["from Python", "from Rust"] } else { vec!["from Rust"] };
    if let Some(mut python) = python {
        assert!(python.wait()?.success());
    }

    // What is under way is read before it ends.
    server.shutdown();
    let stats = serving.join().map_err(|_| "the receiver panicked")??;
    file.close(Deadline::after(Duration::from_secs(10)))?;
    println!("{} connections brought {} records; {} were refused.", stats.connections, stats.records, stats.refused());

    let mut lines = Vec::new();
    let mut paths = fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        let text = fs::read_to_string(&path)?;
        println!("{:<12}{:>5} lines", path.file_name().unwrap_or_default().display(), text.lines().count());
        lines.extend(text.lines().map(str::to_owned));
    }
    for from in &expected {
        let of_one = lines.iter().filter(|line| line.contains(*from));
        println!("  {}", of_one.clone().next().ok_or("none")?);
        assert_eq!(of_one.count() as u64, EACH);
    }
    println!("All {} are there.", expected.len() as u64 * EACH);
    Ok(())
}
