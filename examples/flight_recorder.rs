//! A flight recorder: the details of what the program does stay in memory, the newest only, and reach a file when an ERROR, a
//! panic or somebody who asks makes them worth reading.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example flight_recorder
//! ```
#![allow(clippy::panic, clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::thread;

use tracing_handlers::format::Text;
use tracing_handlers::{DropReason, FileHandler, MemoryHandler};
use tracing_subscriber::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("incidents.log");
    let file = FileHandler::builder(&path).format(Text::new().time(false).target(false)).build()?;

    // The newest three; a service would keep some thousands. Nothing is formatted or written before there is a reason.
    let recorder = MemoryHandler::flight_recorder(3).target(file).dump_on_panic(true).layer()?;
    let memory = Arc::clone(recorder.handler());
    let handle = recorder.handle();
    tracing_subscriber::registry().with(recorder).init();

    // An error: what came before it goes along.
    (1..=100).for_each(|number| tracing::debug!(number, "request"));
    tracing::error!(code = 502, "the other side hung up");

    // A panic of any thread: here of one that nobody else would have heard of.
    tracing::debug!("a job begins");
    let job = thread::Builder::new().name("job".into()).spawn(|| {
        tracing::debug!(divisor = 0, "it divides");
        panic!("attempt to divide by zero");
    })?;
    let is_panicked = job.join().is_err();

    // Somebody who asks, on a debug page say.
    tracing::info!("all is quiet");
    memory.dump()?;
    tracing::info!("nobody asks for this one");

    let log = fs::read_to_string(&path)?;
    let stats = handle.stats();
    println!("\n{}:\n{log}\n{stats}", path.display());

    assert!(is_panicked);
    assert_eq!(
        log.lines().collect::<Vec<_>>(),
        [
            "DEBUG request number=99",
            "DEBUG request number=100",
            "ERROR the other side hung up code=502",
            "DEBUG a job begins",
            "DEBUG it divides divisor=0",
            " INFO all is quiet",
        ]
    );
    assert_eq!((stats.dropped_for(DropReason::Forgotten), stats.pending), (98, 1));
    Ok(())
}
