//! Where records wait: the bounded queue, or one of the user's own; and the books of those that go in.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tracing_handlers_core::buffer::{Batch, BoundedQueue, Pushed, summary};
use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Counters, DropReason, Error, Record, RecordBuf, Stats};

use crate::own::{PutError, Queue};
use crate::worker::Worker;

/// So many records of a user's queue make a batch.
const OWN_BATCH: usize = 256;

/// What a `QueueHandler` and its listener share.
pub(crate) struct Intake {
    pub(crate) place: Place,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) drain_on_exit: bool,
    /// Who takes records out.
    listener: Mutex<Weak<Worker>>,
}

/// Where records wait.
#[allow(clippy::large_enum_variant, reason = "there is one of it a queue")]
pub(crate) enum Place {
    Bounded(BoundedQueue),
    Own(OwnQueue),
}

/// A user's queue, and what became of the records that it was given.
pub(crate) struct OwnQueue {
    queue: Box<dyn Queue>,
    counters: Counters,
    is_closed: Mutex<bool>,
}

impl OwnQueue {
    pub(crate) fn new(queue: Box<dyn Queue>) -> Self {
        Self { queue, counters: Counters::default(), is_closed: Mutex::new(false) }
    }

    fn put(&self, record: Record<'_>) -> Result<(), DropReason> {
        let result = match *lock(&self.is_closed) {
            true => Err(PutError::Closed),
            false => self.queue.put(record.to_buf()),
        };
        let reason = match result {
            Ok(()) => {
                self.counters.delivered();
                return Ok(());
            }
            Err(PutError::Closed) => DropReason::Closed,
            Err(PutError::Full) => DropReason::Full,
        };
        self.counters.dropped(reason);
        Err(reason)
    }

    /// The next record of the queue, after a while or never.
    pub(crate) fn take(&self, timeout: Duration) -> Option<RecordBuf> {
        self.queue.source().and_then(|source| source.take(timeout))
    }

    pub(crate) fn can_be_read(&self) -> bool {
        self.queue.source().is_some()
    }

    /// Takes what is there, as much as makes a batch.
    fn fill(&self, batch: &mut Batch) {
        while batch.len() < OWN_BATCH {
            let Some(record) = self.take(Duration::ZERO) else { return };
            batch.push(&record.as_record());
        }
    }
}

impl Intake {
    pub(crate) fn new(place: Place, reporter: Arc<Reporter>, drain_on_exit: bool) -> Self {
        Self { place, reporter, drain_on_exit, listener: Mutex::default() }
    }

    /// Takes a record in, or counts it as dropped; drops are reported together.
    #[inline(always)]
    pub(crate) fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        match &self.place {
            Place::Bounded(queue) => {
                let Pushed { result, report } = queue.push(record);
                if result.is_ok() && report.is_none() {
                    return Ok(());
                }
                self.settle(result, report)
            }
            Place::Own(own) => own.put(*record).map_err(|reason| self.reporter.lost(refused(reason), reason, 1)),
        }
    }

    #[cold]
    fn settle(&self, result: Result<(), DropReason>, report: Option<Box<Stats>>) -> Result<(), Error> {
        if let Some(drops) = report {
            self.reporter.lost_by_reason(&drops, refused);
        }
        result.map_err(|reason| refused(reason).reported())
    }

    /// Reports what was held back so far.
    pub(crate) fn report_all(&self) {
        if let Place::Bounded(queue) = &self.place
            && let Some(drops) = queue.take_unreported()
        {
            self.reporter.lost_by_reason(&drops, refused);
        }
        self.reporter.settle();
    }

    /// Takes no more records from now on.
    pub(crate) fn close(&self) {
        match &self.place {
            Place::Bounded(queue) => queue.close(),
            Place::Own(own) => *lock(&own.is_closed) = true,
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        match &self.place {
            Place::Bounded(queue) => queue.stats(),
            Place::Own(own) => own.counters.snapshot(),
        }
    }

    /// Who takes records out, if somebody does.
    pub(crate) fn listener(&self) -> Option<Arc<Worker>> {
        lock(&self.listener).upgrade()
    }

    /// Makes `worker` the one who takes records out; `false` if another does.
    pub(crate) fn claim(&self, worker: &Arc<Worker>) -> bool {
        let mut listener = lock(&self.listener);
        let is_free = listener.upgrade().is_none_or(|other| Arc::ptr_eq(&other, worker) || !other.is_running());
        if is_free {
            *listener = Arc::downgrade(worker);
        }
        is_free
    }

    /// Takes what is there and hands it to `deliver`, which gives how many were lost and what its handlers counted. Says whether
    /// it found anything.
    pub(crate) fn pass(&self, batch: &mut Batch, deliver: impl Fn(&Batch, Option<&RecordBuf>) -> (u64, Stats)) -> bool {
        match &self.place {
            Place::Bounded(queue) => {
                let (all, mut has_found) = (queue.accepted(), false);
                loop {
                    let taken = queue.take(batch);
                    let summary = taken.summary.map(|drops| summary(&drops));
                    if taken.records > 0 || summary.is_some() {
                        let (lost, target) = deliver(batch, summary.as_ref());
                        queue.finish(lost, target);
                        has_found = true;
                    }
                    // Others may come for as long as it takes.
                    if !taken.is_more || queue.is_done(all) {
                        return has_found;
                    }
                }
            }
            Place::Own(own) => {
                own.fill(batch);
                let found = !batch.is_empty();
                if found {
                    deliver(batch, None);
                    batch.clear();
                }
                found
            }
        }
    }
}

/// The error of a record that was not taken.
fn refused(reason: DropReason) -> Error {
    match reason {
        DropReason::Closed => Error::closed("the queue"),
        _ => Error::full("put into the queue"),
    }
}
