//! What the tests share: a target that remembers batches and misbehaves on request, and child processes.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex};

use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Counters, Deadline, DropReason, Error, Handler, Level, Record, RecordBuf, Stats};
use tracing_handlers_testing::Gate;

pub(crate) fn record(level: Level, message: impl Into<String>) -> RecordBuf {
    Record::builder().level(level).message(message).build()
}

/// Hands over a record where nothing stands in the way.
pub(crate) fn give(handler: &impl Handler, level: Level, message: impl Into<String>) {
    handler.handle(&record(level, message).as_record()).unwrap();
}

/// What a target does with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conduct {
    Keeps,
    Refuses,
    Panics,
}

type Conductor = Box<dyn Fn(&str) -> Conduct + Send + Sync>;

/// A target that keeps messages by batch. Clones are the same target.
#[derive(Clone)]
pub(crate) struct Target(Arc<Inner>);

struct Inner {
    batches: Mutex<Vec<Vec<String>>>,
    conductor: Mutex<Conductor>,
    counters: Counters,
    counts: bool,
    gate: Gate,
}

impl Target {
    pub(crate) fn new() -> Self {
        Self::conducted(|_| Conduct::Keeps)
    }

    /// One that decides by the message.
    pub(crate) fn conducted(conductor: impl Fn(&str) -> Conduct + Send + Sync + 'static) -> Self {
        Self::with(Box::new(conductor), true)
    }

    /// One whose `stats` are always zero.
    pub(crate) fn without_counters(conductor: impl Fn(&str) -> Conduct + Send + Sync + 'static) -> Self {
        Self::with(Box::new(conductor), false)
    }

    fn with(conductor: Conductor, counts: bool) -> Self {
        let (batches, counters) = (Mutex::default(), Counters::default());
        Self(Arc::new(Inner { batches, conductor: Mutex::new(conductor), counters, counts, gate: Gate::new() }))
    }

    pub(crate) fn conduct(&self, conduct: Conduct) {
        self.conduct_by(move |_| conduct);
    }

    pub(crate) fn conduct_by(&self, conductor: impl Fn(&str) -> Conduct + Send + Sync + 'static) {
        *lock(&self.0.conductor) = Box::new(conductor);
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// The messages of each batch that was not empty.
    pub(crate) fn batches(&self) -> Vec<Vec<String>> {
        lock(&self.0.batches).iter().filter(|batch| !batch.is_empty()).cloned().collect()
    }

    pub(crate) fn messages(&self) -> Vec<String> {
        self.batches().concat()
    }

    fn take(&self, record: &Record<'_>) -> Result<(), Error> {
        let conduct = lock(&self.0.conductor)(record.message());
        match conduct {
            Conduct::Keeps => {
                lock(&self.0.batches).last_mut().unwrap().push(record.message().to_owned());
                self.0.counters.delivered();
                Ok(())
            }
            Conduct::Refuses => {
                self.0.counters.dropped(DropReason::Failed);
                Err(Error::new("the target refuses"))
            }
            Conduct::Panics => panic!("deliberate mistake of a target"),
        }
    }
}

impl Handler for Target {
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        lock(&self.0.batches).push(Vec::new());
        self.take(record)
    }

    fn handle_batch(&self, records: &mut dyn Iterator<Item = Record<'_>>) -> Result<(), Error> {
        self.0.gate.pass().unwrap();
        lock(&self.0.batches).push(Vec::new());
        let mut first = Ok(());
        for record in records {
            let taken = self.take(&record);
            first = first.and(taken);
        }
        first
    }

    fn flush(&self, _: Deadline) -> Result<(), Error> {
        Ok(())
    }

    fn close(&self, _: Deadline) -> Result<(), Error> {
        panic!("nobody but its owner closes a target")
    }

    fn stats(&self) -> Stats {
        if self.0.counts { self.0.counters.snapshot() } else { Stats::new() }
    }
}

const WAY: &str = "TRACING_HANDLERS_MEMORY_WAY";
const PATH: &str = "TRACING_HANDLERS_MEMORY_PATH";

/// In a child process: which way it ends, and the log it writes.
pub(crate) fn child() -> Option<(String, PathBuf)> {
    Some((std::env::var(WAY).ok()?, PathBuf::from(std::env::var_os(PATH)?)))
}

/// Runs a test in a process of its own; gives how it ended, and what it left in the log and on stderr.
pub(crate) fn log_after(test: &str, way: &str) -> (ExitStatus, String, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads", "1"])
        .env(WAY, way)
        .env(PATH, &path)
        .output()
        .unwrap();
    let log = fs::read_to_string(path).unwrap_or_default();
    (output.status, log, String::from_utf8_lossy(&output.stderr).into_owned())
}
