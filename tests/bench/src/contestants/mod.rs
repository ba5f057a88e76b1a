//! Who is measured. One file a crate; each knows how to install itself and how to get everything to its file.

mod flexi_logger;
mod log4rs;
mod logroller;
mod ours;
mod spdlog;
mod tracing_appender;

use std::path::PathBuf;

use crate::Failed;
use crate::workload::Workload;

/// The two that everyone is compared with.
pub(crate) const BASELINES: [&str; 2] = ["tracing-appender-blocking", "tracing-appender-nonblocking"];

/// The one with five handlers on one registry.
const FIVE: &str = "ours-five-queued";

/// Where to log, and when to roll over.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) directory: PathBuf,
    pub(crate) max_bytes: u64,
    pub(crate) backups: usize,
}

impl Place {
    /// The file that is written to, where the contestant lets one choose.
    pub(crate) fn file(&self) -> PathBuf {
        self.directory.join("bench.log")
    }
}

/// A contestant that is installed as this process's logger.
pub(crate) struct Running {
    emit: fn(u64),
    finish: Box<dyn FnOnce() -> Result<(), Failed>>,
}

impl Running {
    fn new(emit: fn(u64), finish: impl FnOnce() -> Result<(), Failed> + 'static) -> Self {
        Self { emit, finish: Box::new(finish) }
    }

    /// What logs the event with a given number.
    pub(crate) fn emit(&self) -> fn(u64) {
        self.emit
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
    start: fn(&Place) -> Result<Running, Failed>,
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

/// The contestants, in the order of the tables.
pub(crate) const ALL: &[Contestant] = &[
    Contestant { name: "ours-direct", spans: true, rolls: true, start: ours::direct },
    Contestant { name: "ours-shared", spans: true, rolls: true, start: ours::shared },
    Contestant { name: "ours-shared-buffered", spans: true, rolls: true, start: ours::shared_buffered },
    Contestant { name: "ours-timed", spans: true, rolls: true, start: ours::timed },
    Contestant { name: "ours-buffered", spans: true, rolls: true, start: ours::buffered },
    Contestant { name: "ours-queued", spans: true, rolls: true, start: ours::queued },
    Contestant { name: FIVE, spans: true, rolls: false, start: ours::five },
    Contestant { name: "ours-file", spans: true, rolls: false, start: ours::file },
    Contestant { name: "ours-json", spans: true, rolls: true, start: ours::json },
    Contestant { name: "tracing-appender-blocking", spans: true, rolls: false, start: tracing_appender::blocking },
    Contestant { name: "tracing-appender-nonblocking", spans: true, rolls: false, start: tracing_appender::non_blocking },
    Contestant { name: "logroller", spans: true, rolls: true, start: logroller::blocking },
    Contestant { name: "logroller-nonblocking", spans: true, rolls: true, start: logroller::non_blocking },
    Contestant { name: "log4rs", spans: false, rolls: true, start: log4rs::rolling },
    Contestant { name: "flexi_logger", spans: false, rolls: true, start: flexi_logger::direct },
    Contestant { name: "flexi_logger-buffered", spans: false, rolls: true, start: flexi_logger::buffered },
    Contestant { name: "spdlog-rs", spans: false, rolls: true, start: spdlog::rotating },
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
