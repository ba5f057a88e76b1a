//! A handler that keeps what it gets, and a failure hook that keeps what it is told.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Deadline, DropReason, Error, Failure, Handler, OnFailure, Record, RecordBuf, Stats};

use crate::format::line_of;
use crate::gate::Gate;

/// A record of this message; everything else as [`Record::builder`] has it.
pub fn record(message: impl Into<String>) -> RecordBuf {
    Record::builder().message(message).build()
}

/// Gives a handler a [`record`] that it must accept.
///
/// # Panics
///
/// If it does not.
pub fn handle(handler: &impl Handler, message: &str) {
    handler.handle(&record(message).as_record()).unwrap();
}

/// A handler that keeps every record in memory: a target for handlers that pass records on. Clones are the same handler.
///
/// It can be told to fail, and to hold who brings a record.
///
/// ```
/// use tracing_handlers_core::Handler;
/// use tracing_handlers_testing::{CollectingHandler, record};
///
/// let handler = CollectingHandler::new();
/// handler.handle(&record("one").as_record())?;
/// handler.fail(std::io::ErrorKind::BrokenPipe);
/// assert!(handler.handle(&record("two").as_record()).is_err());
/// handler.mend();
/// assert_eq!(handler.lines(), ["one"]);
/// assert_eq!(handler.stats().dropped(), 1);
/// # Ok::<(), tracing_handlers_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct CollectingHandler {
    shared: Arc<Mutex<Collected>>,
    gate: Gate,
}

#[derive(Debug, Default)]
struct Collected {
    records: Vec<RecordBuf>,
    stats: Stats,
    fault: Option<io::ErrorKind>,
    flushes: usize,
    is_closed: bool,
}

impl CollectingHandler {
    /// A handler that keeps every record.
    pub fn new() -> Self {
        Self::default()
    }

    /// The records so far.
    pub fn records(&self) -> Vec<RecordBuf> {
        lock(&self.shared).records.clone()
    }

    /// The messages so far, as [`MessageOnly`](crate::MessageOnly) writes them.
    pub fn lines(&self) -> Vec<String> {
        lock(&self.shared).records.iter().map(|record| line_of(record.as_record().message())).collect()
    }

    /// How often it was flushed; closing is not counted.
    pub fn flushes(&self) -> usize {
        lock(&self.shared).flushes
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        lock(&self.shared).is_closed
    }

    /// Refuses every record and every flush from now on.
    pub fn fail(&self, kind: io::ErrorKind) {
        lock(&self.shared).fault = Some(kind);
    }

    /// Works again.
    pub fn mend(&self) {
        lock(&self.shared).fault = None;
    }

    /// The gate that every record passes before it is kept.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }
}

impl Handler for CollectingHandler {
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        let passed = self.gate.pass();
        let mut collected = lock(&self.shared);
        collected.stats.handled += 1;
        let refusal = match passed {
            Err(error) => Err(Error::io("pass the gate", error)),
            Ok(()) => collected.check(),
        };
        if let Err(error) = refusal {
            collected.stats.add_dropped(DropReason::of(&error), 1);
            return Err(error);
        }
        collected.records.push(record.to_buf());
        collected.stats.delivered += 1;
        Ok(())
    }

    fn flush(&self, _: Deadline) -> Result<(), Error> {
        let mut collected = lock(&self.shared);
        collected.flushes += 1;
        if collected.is_closed { Ok(()) } else { collected.check() }
    }

    fn close(&self, _: Deadline) -> Result<(), Error> {
        lock(&self.shared).is_closed = true;
        Ok(())
    }

    fn stats(&self) -> Stats {
        lock(&self.shared).stats
    }
}

impl Collected {
    fn check(&self) -> Result<(), Error> {
        match self.fault {
            _ if self.is_closed => Err(Error::closed("the collecting handler")),
            Some(kind) => Err(Error::io("collect a record", kind.into())),
            None => Ok(()),
        }
    }
}

/// A failure hook that keeps what it is told. Clones share it.
///
/// ```
/// use tracing_handlers_core::{DropReason, Error};
/// use tracing_handlers_core::failure::Reporter;
/// use tracing_handlers_testing::FailureLog;
///
/// let failures = FailureLog::new();
/// let reporter = Reporter::new("file app.log", Some(std::sync::Arc::new(failures.clone())));
/// reporter.lost(Error::new("write app.log"), DropReason::Failed, 3);
/// assert_eq!(failures.texts(), ["file app.log: write app.log"]);
/// assert_eq!(failures.lost(), 3);
/// ```
#[derive(Clone, Default)]
pub struct FailureLog {
    seen: Arc<Mutex<Vec<Seen>>>,
    then: Option<Arc<dyn OnFailure>>,
}

struct Seen {
    text: String,
    lost: u64,
    reason: Option<DropReason>,
}

impl FailureLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// This log, with a second hook that is told everything too, after the log was written.
    #[must_use]
    pub fn then(mut self, hook: impl OnFailure) -> Self {
        self.then = Some(Arc::new(hook));
        self
    }

    /// Every failure on one line: `handler: what was tried: cause`.
    pub fn texts(&self) -> Vec<String> {
        lock(&self.seen).iter().map(|seen| seen.text.clone()).collect()
    }

    /// How many failures were reported.
    pub fn len(&self) -> usize {
        lock(&self.seen).len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many records were reported as lost.
    pub fn lost(&self) -> u64 {
        lock(&self.seen).iter().map(|seen| seen.lost).sum()
    }

    /// How many records were reported as lost for one reason.
    pub fn lost_for(&self, reason: DropReason) -> u64 {
        lock(&self.seen).iter().filter(|seen| seen.reason == Some(reason)).map(|seen| seen.lost).sum()
    }
}

impl OnFailure for FailureLog {
    fn on_failure(&self, failure: &Failure<'_>) {
        let text = format!("{}: {}", failure.handler, failure.error.one_line());
        lock(&self.seen).push(Seen { text, lost: failure.lost, reason: failure.reason });
        if let Some(hook) = &self.then {
            hook.on_failure(failure);
        }
    }
}

impl fmt::Debug for FailureLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.texts()).finish()
    }
}
