//! Who is measured. One file a crate; each knows how to install itself and how to get everything to its file.

mod flexi_logger;
mod log4rs;
mod logroller;
mod network;
mod ours;
mod plain;
mod spdlog;
mod tracing_appender;

use std::path::PathBuf;

use crate::Failed;
use crate::receiver::Wire;
use crate::workload::Workload;

/// The one with five handlers on one registry.
const FIVE: &str = "ours-five-queued";

/// Where to log, and when to roll over.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) directory: PathBuf,
    pub(crate) max_bytes: u64,
    pub(crate) backups: usize,
    /// Where the receiver listens, for those who send.
    pub(crate) port: u16,
}

impl Place {
    /// The file that is written to, where the contestant lets one choose.
    pub(crate) fn file(&self) -> PathBuf {
        self.directory.join("bench.log")
    }

    /// The receiver's local socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.join("receiver.sock")
    }
}

/// Brings that many events to where they belong, all by itself.
pub(crate) type Loop = Box<dyn FnOnce(u64) -> Result<(), Failed>>;

/// What a contestant does.
enum Work {
    /// Logs the event with a given number.
    Emit(fn(u64)),
    /// Does without events.
    Loop(Loop),
}

/// A contestant that is installed as this process's logger.
pub(crate) struct Running {
    work: Work,
    finish: Box<dyn FnOnce() -> Result<(), Failed>>,
}

impl Running {
    fn new(emit: fn(u64), finish: impl FnOnce() -> Result<(), Failed> + 'static) -> Self {
        Self { work: Work::Emit(emit), finish: Box::new(finish) }
    }

    /// One that knows no events: what the others are compared with.
    fn of_loop(work: impl FnOnce(u64) -> Result<(), Failed> + 'static) -> Self {
        Self { work: Work::Loop(Box::new(work)), finish: Box::new(|| Ok(())) }
    }

    /// What logs the event with a given number.
    pub(crate) fn emit(&self) -> fn(u64) {
        match self.work {
            Work::Emit(emit) => emit,
            Work::Loop(_) => |_| (),
        }
    }

    /// The loop of a contestant that has one.
    pub(crate) fn take_loop(self) -> Result<Loop, Self> {
        match self.work {
            Work::Loop(work) => Ok(work),
            Work::Emit(_) => Err(self),
        }
    }

    /// Returns when every event is in the file, as far as the contestant can tell.
    pub(crate) fn finish(self) -> Result<(), Failed> {
        (self.finish)()
    }
}

/// One configuration of one crate.
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    /// Whether it knows spans.
    spans: bool,
    /// Whether it rolls over by size.
    pub(crate) rolls: bool,
    pub(crate) field: Field,
    start: fn(&Place) -> Result<Running, Failed>,
}

impl Field {
    /// What `--list` says.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Network(_) => "network",
        }
    }
}

/// Who is compared with whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// Those who write files.
    Files,
    /// Those who send over this.
    Network(Wire),
}

impl Contestant {
    /// Whether it can do this workload at all.
    pub(crate) fn can(&self, workload: Workload) -> bool {
        self.spans || workload == Workload::Plain
    }

    /// In how many files each event ends.
    pub(crate) fn copies(&self) -> u64 {
        if self.name == FIVE { 5 } else { 1 }
    }

    /// Installs it as the logger of this process, once.
    pub(crate) fn start(&self, place: &Place) -> Result<Running, Failed> {
        (self.start)(place)
    }
}

/// One that writes files.
const fn files(name: &'static str, spans: bool, rolls: bool, start: fn(&Place) -> Result<Running, Failed>) -> Contestant {
    Contestant { name, spans, rolls, field: Field::Files, start }
}

/// One that sends.
const fn sends(name: &'static str, wire: Wire, start: fn(&Place) -> Result<Running, Failed>) -> Contestant {
    Contestant { name, spans: false, rolls: false, field: Field::Network(wire), start }
}

/// The contestants, in the order of the tables.
pub(crate) const ALL: &[Contestant] = &[
    files("ours-direct", true, true, ours::direct),
    files("ours-shared", true, true, ours::shared),
    files("ours-shared-buffered", true, true, ours::shared_buffered),
    files("ours-timed", true, true, ours::timed),
    files("ours-buffered", true, true, ours::buffered),
    files("ours-queued", true, true, ours::queued),
    files(FIVE, true, false, ours::five),
    files("ours-file", true, false, ours::file),
    files("ours-json", true, true, ours::json),
    files("tracing-appender-blocking", true, false, tracing_appender::blocking),
    files("tracing-appender-nonblocking", true, false, tracing_appender::non_blocking),
    files("logroller", true, true, logroller::blocking),
    files("logroller-nonblocking", true, true, logroller::non_blocking),
    files("log4rs", false, true, log4rs::rolling),
    files("flexi_logger", false, true, flexi_logger::direct),
    files("flexi_logger-buffered", false, true, flexi_logger::buffered),
    files("spdlog-rs", false, true, spdlog::rotating),
    sends("ours-tcp", Wire::Tcp, network::tcp),
    sends("loop-tcp", Wire::Tcp, plain::tcp),
    sends("ours-udp", Wire::Udp, network::udp),
    sends("loop-udp", Wire::Udp, plain::udp),
    sends("ours-unix", Wire::Unix, network::unix),
    sends("loop-unix", Wire::Unix, plain::unix),
];

/// The contestant of that name.
pub(crate) fn find(name: &str) -> Result<&'static Contestant, Failed> {
    ALL.iter().find(|contestant| contestant.name == name).ok_or_else(|| format!("no contestant is called {name}").into())
}

/// Makes a layer the whole subscriber of this process.
fn install(layer: impl tracing_subscriber::Layer<tracing_subscriber::Registry> + Send + Sync) -> Result<(), Failed> {
    use tracing_subscriber::layer::SubscriberExt;

    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;
    Ok(())
}
