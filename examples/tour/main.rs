//! Every handler at work: several threads log through one subscriber with all handlers there are, while somebody rotates a file
//! under them and a log server restarts. Then what came out: the files, the counters, and whether each record is exactly once where it should be.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example tour
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod collector;
mod files;
mod load;
mod mails;
mod memory;
mod peers;
mod report;
mod sockets;
mod streams;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tracing_handlers::{Handle, Handler, HandlerLayer};
use tracing_subscriber::{Layer, Registry, filter::LevelFilter, prelude::*};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;
type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// A handler that the tour stops at.
struct Stop {
    name: &'static str,
    /// How it is set up.
    setting: &'static str,
    /// From which level on it gets records.
    level: LevelFilter,
    handle: Handle,
    output: Output,
}

/// Where one finds what a handler wrote.
enum Output {
    /// In a folder of its own: the file, and those that it was rolled or moved to.
    Folder(PathBuf),
    /// In memory.
    Memory(streams::Shared),
    /// At a peer, on loopback.
    Peer(peers::Received),
    /// At a server, which may still be reading.
    Received(streams::Shared),
    /// In the mails that a server took.
    Mails(servers::MailServer),
    /// At a collector, in the bodies of requests.
    Collector(servers::Collector),
    /// On the terminal, or nowhere: only its counters can be looked at.
    Unseen,
}

impl Stop {
    /// A stop, and the layer that brings the records there.
    fn new<H: Handler>(
        name: &'static str,
        setting: &'static str,
        level: LevelFilter,
        layer: HandlerLayer<H>,
        output: Output,
    ) -> (Self, BoxedLayer) {
        let handle = layer.handle();
        (Self { name, setting, level, handle, output }, layer.with_filter(level).boxed())
    }
}

fn main() -> Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let mut stops = files::stops(folder.path())?;
    stops.extend(memory::stops(folder.path())?);
    stops.extend(streams::stops()?);
    stops.extend(mails::stops()?);
    stops.extend(peers::stops()?);
    let (server, sockets) = sockets::stops()?;
    stops.extend(sockets);
    stops.extend(collector::stops()?);
    let (stops, layers): (Vec<_>, Vec<_>) = stops.into_iter().unzip();
    tracing_subscriber::registry().with(layers).init();

    report::opening(&stops);
    let begun = Instant::now();
    let waits = load::run(|round| {
        server.restart();
        files::rotate_as_logrotate_does(folder.path(), round)
    })?;
    report::load(begun.elapsed(), &waits);

    for stop in &stops {
        stop.handle.flush(Duration::from_secs(5))?;
    }
    let mut all_well = report::stops(&stops)?;
    all_well &= report::server(&server);
    let closed = tracing_handlers::shutdown(Duration::from_secs(5));
    all_well &= closed.is_complete();
    report::closing(all_well, &closed);
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
