//! The handlers behind a queue: each gets every batch, and what one of them does harms no other.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tracing_handlers_core::buffer::{Batch, Records};
use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::{Deadline, DropReason, Error, Handler, Level, Record, RecordBuf, Stats};

/// What a handler gets of a batch and of the record behind it.
struct Meant<'r> {
    records: Records<'r>,
    last: Option<Record<'r>>,
    level: Level,
    /// How many records were looked at: the number of the one that was given last.
    taken: usize,
}

impl<'r> Iterator for Meant<'r> {
    type Item = Record<'r>;

    #[inline]
    fn next(&mut self) -> Option<Record<'r>> {
        loop {
            let record = match self.records.next() {
                Some(record) => record,
                None => self.last.take()?,
            };
            self.taken += 1;
            if record.level() <= self.level {
                return Some(record);
            }
        }
    }
}

/// The handlers, and who is told of what they do not tell themselves.
pub(crate) struct Targets {
    targets: Vec<Target>,
    reporter: Arc<Reporter>,
}

pub(crate) struct Target {
    pub(crate) handler: Arc<dyn Handler>,
    /// Records less important than this are none of its business.
    pub(crate) level: Level,
}

impl Targets {
    pub(crate) fn new(targets: Vec<Target>, reporter: Arc<Reporter>) -> Self {
        Self { targets, reporter }
    }

    /// Hands the records to every handler, in order and in one call each. Gives how many of them a handler panicked over.
    pub(crate) fn deliver(&self, batch: &Batch, last: Option<&RecordBuf>) -> u64 {
        let mut lost = BTreeSet::new();
        for target in &self.targets {
            let last = last.map(RecordBuf::as_record);
            let mut records = Meant { records: batch.records(), last, level: target.level, taken: 0 };
            self.hand_over(target.handler.as_ref(), &mut records, &mut lost);
        }
        lost.len() as u64
    }

    /// A panic costs the record that the handler had taken last; it gets the others all the same.
    fn hand_over(&self, handler: &dyn Handler, records: &mut Meant<'_>, lost: &mut BTreeSet<usize>) {
        loop {
            let before = records.taken;
            let Err(_) = catch_unwind(AssertUnwindSafe(|| self.hand_over_once(handler, records))) else { return };
            if records.taken == before {
                return;
            }
            lost.insert(records.taken);
            self.reporter.lost(Error::panicked("a handler behind the queue panicked over a record"), DropReason::Panicked, 1);
        }
    }

    /// What a handler does not report of its failures is reported here, with what its counters say of them.
    fn hand_over_once(&self, handler: &dyn Handler, records: &mut dyn Iterator<Item = Record<'_>>) {
        let before = handler.stats().dropped();
        let Err(error) = handler.handle_batch(records) else { return };
        if error.is_reported() {
            return;
        }
        match handler.stats().dropped().saturating_sub(before) {
            0 => self.reporter.note(error),
            dropped => {
                let reason = DropReason::of(&error);
                self.reporter.lost(error, reason, dropped)
            }
        };
    }

    /// Flushes all of them; gives the first error.
    pub(crate) fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        self.each(|handler| handler.flush(deadline))
    }

    /// Closes all of them; gives the first error.
    pub(crate) fn close(&self, deadline: Deadline) -> Result<(), Error> {
        self.each(|handler| handler.close(deadline))
    }

    fn each(&self, what: impl Fn(&dyn Handler) -> Result<(), Error>) -> Result<(), Error> {
        let mut first = Ok(());
        for target in &self.targets {
            let result = catch_unwind(AssertUnwindSafe(|| what(target.handler.as_ref())));
            first = first.and(result.unwrap_or_else(|_| Err(Error::panicked("a handler behind the queue panicked"))));
        }
        first
    }

    /// Their counters, added up.
    pub(crate) fn stats(&self) -> Stats {
        let stats = self.targets.iter().map(|target| catch_unwind(AssertUnwindSafe(|| target.handler.stats())));
        stats.flatten().fold(Stats::new(), Stats::plus)
    }
}
