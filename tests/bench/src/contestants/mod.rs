//! Who is measured. One file a crate; each knows how to install itself and how to get everything to its file.

mod errors;
mod flexi_logger;
mod ftlog;
mod log4rs;
mod logforth;
mod logroller;
mod lossy;
mod network;
mod ours;
mod plain;
mod python;
mod slog;
mod spdlog;
mod stopped;
mod syslog;
mod tracing_appender;

use std::collections::BTreeMap;
use std::path::PathBuf;

use tracing_handlers::{DropReason, Stats};

use crate::Failed;
use crate::receiver::Wire;
use crate::workload::Workload;

pub(crate) use self::python::SCRIPT;

/// The one with five handlers on one registry.
const FIVE: &str = "ours-five-queued";

/// The one with five handlers behind one queue.
const FIVE_BEHIND_ONE: &str = "ours-one-queue-for-five";

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
    counts: Box<dyn Fn() -> Counts>,
    consumer: Option<Box<dyn Consumer>>,
}

/// How many records became what, by name, as far as the contestant can tell.
pub(crate) type Counts = BTreeMap<String, f64>;

/// Who takes the records out of a queue, and can be kept from it.
pub(crate) trait Consumer {
    fn stop(&mut self) -> Result<(), Failed>;
    fn go_on(&mut self) -> Result<(), Failed>;
}

impl Running {
    fn new(emit: fn(u64), finish: impl FnOnce() -> Result<(), Failed> + 'static) -> Self {
        Self { work: Work::Emit(emit), finish: Box::new(finish), counts: Box::new(Counts::new), consumer: None }
    }

    /// One that knows no events: what the others are compared with.
    fn of_loop(work: impl FnOnce(u64) -> Result<(), Failed> + 'static) -> Self {
        Self { work: Work::Loop(Box::new(work)), ..Self::new(|_| (), || Ok(())) }
    }

    fn with_counts(self, counts: impl Fn() -> Counts + 'static) -> Self {
        Self { counts: Box::new(counts), ..self }
    }

    fn with_consumer(self, consumer: impl Consumer + 'static) -> Self {
        Self { consumer: Some(Box::new(consumer)), ..self }
    }

    /// What can tell how many records became what, also after the end.
    pub(crate) fn take_counts(&mut self) -> Box<dyn Fn() -> Counts> {
        std::mem::replace(&mut self.counts, Box::new(Counts::new))
    }

    /// Who can be stopped.
    pub(crate) fn take_consumer(&mut self) -> Option<Box<dyn Consumer>> {
        self.consumer.take()
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
    /// Whether a thread of its own writes.
    pub(crate) queued: bool,
    start: Start,
}

/// What makes it the logger of a process.
#[derive(Clone, Copy)]
enum Start {
    Here(fn(&Place) -> Result<Running, Failed>),
    /// `bench.py` does, in a process of Python.
    Python,
}

impl Field {
    /// What `--list` says.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Lossy => "lossy",
            Self::Stopped => "stopped",
            Self::Errors => "errors",
            Self::Network(_) => "network",
        }
    }
}

/// Who is compared with whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// Those who write files.
    Files,
    /// Those who drop what finds no room.
    Lossy,
    /// Those whose consumer can be stopped.
    Stopped,
    /// Those who tell somebody of errors.
    Errors,
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
        if self.name == FIVE || self.name == FIVE_BEHIND_ONE { 5 } else { 1 }
    }

    /// Installs it as the logger of this process, once.
    pub(crate) fn start(&self, place: &Place) -> Result<Running, Failed> {
        match self.start {
            Start::Here(start) => start(place),
            Start::Python => Err(format!("{} is no contestant of this process", self.name).into()),
        }
    }

    /// Whether it runs in Python.
    pub(crate) fn is_python(&self) -> bool {
        matches!(self.start, Start::Python)
    }

    /// The same with a thread of its own.
    const fn behind_a_queue(mut self) -> Self {
        self.queued = true;
        self
    }
}

/// One that writes files.
const fn files(name: &'static str, spans: bool, rolls: bool, start: fn(&Place) -> Result<Running, Failed>) -> Contestant {
    Contestant { name, spans, rolls, field: Field::Files, queued: false, start: Start::Here(start) }
}

/// One that plays on a field without spans and rollovers.
const fn on(field: Field, name: &'static str, start: fn(&Place) -> Result<Running, Failed>) -> Contestant {
    Contestant { name, spans: false, rolls: false, field, queued: false, start: Start::Here(start) }
}

/// One that sends.
const fn sends(name: &'static str, wire: Wire, start: fn(&Place) -> Result<Running, Failed>) -> Contestant {
    on(Field::Network(wire), name, start)
}

/// One that runs in Python.
const fn python(name: &'static str, field: Field) -> Contestant {
    Contestant { name, spans: false, rolls: false, field, queued: true, start: Start::Python }
}

/// The contestants, in the order of the tables.
pub(crate) const ALL: &[Contestant] = &[
    files("ours-direct", true, true, ours::direct),
    files("ours-shared", true, true, ours::shared),
    files("ours-shared-buffered", true, true, ours::shared_buffered),
    files("ours-timed", true, true, ours::timed),
    files("ours-buffered", true, true, ours::buffered),
    files("ours-queued", true, true, ours::queued).behind_a_queue(),
    files(FIVE, true, false, ours::five).behind_a_queue(),
    files(FIVE_BEHIND_ONE, true, false, ours::five_behind_one).behind_a_queue(),
    files("ours-file", true, false, ours::file),
    files("ours-json", true, true, ours::json),
    files("tracing-appender-blocking", true, false, tracing_appender::blocking),
    files("tracing-appender-nonblocking", true, false, tracing_appender::non_blocking).behind_a_queue(),
    files("logroller", true, true, logroller::blocking),
    files("logroller-nonblocking", true, true, logroller::non_blocking).behind_a_queue(),
    files("log4rs", false, true, log4rs::rolling),
    files("flexi_logger", false, true, flexi_logger::direct),
    files("flexi_logger-buffered", false, true, flexi_logger::buffered),
    files("flexi_logger-async", false, true, flexi_logger::queued).behind_a_queue(),
    files("spdlog-rs", false, true, spdlog::rotating),
    files("spdlog-rs-async", false, true, spdlog::queued).behind_a_queue(),
    files("slog-async", false, false, slog::lossless).behind_a_queue(),
    files("ftlog", false, false, ftlog::lossless).behind_a_queue(),
    files("logforth", false, true, logforth::direct),
    files("logforth-async", false, true, logforth::queued).behind_a_queue(),
    python("cpython-queue", Field::Files),
    on(Field::Lossy, "ours-queued-lossy", lossy::ours),
    on(Field::Lossy, "tracing-appender-lossy", lossy::tracing_appender),
    on(Field::Lossy, "spdlog-rs-lossy", spdlog::lossy),
    on(Field::Lossy, "slog-async-lossy", slog::lossy),
    on(Field::Lossy, "ftlog-lossy", ftlog::lossy),
    on(Field::Lossy, "logforth-lossy", logforth::lossy),
    python("cpython-queue-lossy", Field::Lossy),
    on(Field::Stopped, "ours-queue", stopped::queue),
    on(Field::Stopped, "ours-socket", stopped::socket),
    on(Field::Stopped, "ours-socket-dead", stopped::dead_socket),
    on(Field::Stopped, "ours-syslog", stopped::syslog),
    on(Field::Stopped, "tracing-appender-gated", stopped::tracing_appender),
    on(Field::Errors, "ours-errors-queue", errors::queue),
    on(Field::Errors, "ours-errors-file", errors::file),
    on(Field::Errors, "ours-errors-smtp", errors::smtp),
    on(Field::Errors, "ours-errors-http", errors::http),
    sends("ours-tcp", Wire::Tcp, network::tcp),
    sends("loop-tcp", Wire::Tcp, plain::tcp),
    sends("ours-udp", Wire::Udp, network::udp),
    sends("loop-udp", Wire::Udp, plain::udp),
    sends("ours-unix", Wire::Unix, network::unix),
    sends("loop-unix", Wire::Unix, plain::unix),
    sends("ours-syslog-tcp", Wire::SyslogTcp, network::syslog_tcp),
    sends("syslog-tcp", Wire::SyslogTcp, syslog::syslog_tcp),
    sends("fasyslog-tcp", Wire::SyslogTcp, syslog::fasyslog_tcp),
    sends("cpython-syslog-tcp", Wire::SyslogTcp, python::syslog_tcp),
    sends("ours-syslog-udp", Wire::SyslogUdp, network::syslog_udp),
    sends("syslog-udp", Wire::SyslogUdp, syslog::syslog_udp),
    sends("fasyslog-udp", Wire::SyslogUdp, syslog::fasyslog_udp),
    sends("cpython-syslog-udp", Wire::SyslogUdp, python::syslog_udp),
    sends("ours-http", Wire::Http, network::http),
];

/// The contestant of that name.
pub(crate) fn find(name: &str) -> Result<&'static Contestant, Failed> {
    ALL.iter().find(|contestant| contestant.name == name).ok_or_else(|| format!("no contestant is called {name}").into())
}

/// How many records wait at most, wherever that can be set: the default of ours.
const QUEUE_RECORDS: usize = 1 << 16;

/// Counts of events are far below what an `f64` holds exactly.
#[allow(clippy::cast_precision_loss)]
fn as_f64(count: u64) -> f64 {
    count as f64
}

/// What ours can tell.
fn counts(stats: Stats) -> Counts {
    let known =
        [("handled", stats.handled), ("delivered", stats.delivered), ("pending", stats.pending), ("dropped", stats.dropped())];
    let mut counts: Counts = known.into_iter().map(|(name, count)| (name.to_owned(), as_f64(count))).collect();
    counts.extend(DropReason::ALL.map(|reason| (format!("dropped_{}", reason.as_str()), as_f64(stats.dropped_for(reason)))));
    counts
}

/// Makes a layer the whole subscriber of this process.
fn install(layer: impl tracing_subscriber::Layer<tracing_subscriber::Registry> + Send + Sync) -> Result<(), Failed> {
    use tracing_subscriber::layer::SubscriberExt;

    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;
    Ok(())
}
