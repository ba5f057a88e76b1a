//! The handlers behind a queue: each gets every batch, and what one of them does harms no other.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tracing_handlers_core::buffer::Batch;
use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::{Deadline, DropReason, Error, Handler, Level, Record, RecordBuf, Stats};

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
            let records = batch.records().chain(last.map(RecordBuf::as_record)).enumerate();
            let mut records = records.filter(|(_, record)| record.level() <= target.level);
            self.hand_over(target.handler.as_ref(), &mut records, &mut lost);
        }
        lost.len() as u64
    }

    /// A panic costs the record that the handler had taken last; it gets the others all the same.
    fn hand_over<'r>(
        &self,
        handler: &dyn Handler,
        mut records: &mut dyn Iterator<Item = (usize, Record<'r>)>,
        lost: &mut BTreeSet<usize>,
    ) {
        loop {
            let mut newest = None;
            let mut rest = (&mut records).map(|(index, record)| {
                newest = Some(index);
                record
            });
            let Err(_) = catch_unwind(AssertUnwindSafe(|| self.hand_over_once(handler, &mut rest))) else { return };
            let Some(index) = newest else { return };
            lost.insert(index);
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
