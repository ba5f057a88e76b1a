//! What the handler, the exit hook and the panic hook share: two locks, and what happens between them.
//!
//! Callers put records under the lock of the store, which nobody holds for longer than a copy takes. Who delivers holds the lock
//! of the delivery, which keeps batches in their order, and swaps its empty ring for the full one. Locks are taken in this order:
//! delivery, store. The target works under the first of them and never under the second.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::sync::{lock, lock_before};
use tracing_handlers_core::{Deadline, DropReason, Error, Handler, Record, Stats, reentry};

use crate::delivery::{Outcome, deliver};
use crate::ring::Ring;
use crate::store::{Bounds, Pushed, Store};
use crate::trigger::Trigger;

pub(crate) struct Shared {
    bounds: Bounds,
    trigger: Trigger,
    flush_on_close: bool,
    reporter: Reporter,
    /// Without a hook, what the target has reported already is not said a second time.
    has_hook: bool,
    store: Mutex<Store>,
    delivery: Mutex<Ring>,
    /// The thread that holds `delivery`, 0 for none: a target that comes back here must not wait for itself.
    deliverer: AtomicUsize,
}

impl Shared {
    pub(crate) fn new(
        bounds: Bounds,
        trigger: Trigger,
        flush_on_close: bool,
        reporter: Reporter,
        has_hook: bool,
        target: Option<Arc<dyn Handler>>,
    ) -> Self {
        Self {
            bounds,
            trigger,
            flush_on_close,
            reporter,
            has_hook,
            store: Mutex::new(Store::new(target)),
            delivery: Mutex::default(),
            deliverer: AtomicUsize::new(0),
        }
    }

    pub(crate) fn replace_target(&self, target: Option<Arc<dyn Handler>>) -> Option<Arc<dyn Handler>> {
        lock(&self.store).replace_target(target)
    }

    fn is_delivering_here(&self) -> bool {
        self.deliverer.load(Ordering::Relaxed) == this_thread()
    }

    /// Hands everything held to the target, in one batch; gives the target that it went to.
    fn hand_over(&self, deadline: Deadline) -> Result<Option<Arc<dyn Handler>>, Error> {
        if self.is_delivering_here() {
            return Err(self.reporter.note(Error::timed_out("flush memory: its own target, at work, asks for it")));
        }
        let Some(mut batch) = lock_before(&self.delivery, deadline) else {
            return Err(Error::timed_out("flush memory: its target is at work"));
        };
        let Some(target) = lock(&self.store).take(&mut batch) else { return Ok(None) };
        self.deliverer.store(this_thread(), Ordering::Relaxed);
        let outcome = deliver(&*target, &batch);
        self.deliverer.store(0, Ordering::Relaxed);
        batch.clear(self.bounds.bytes);
        lock(&self.store).settle(&outcome);
        drop(batch);
        self.report(outcome)?;
        Ok(Some(target))
    }

    /// Tells the failure hook; the first that cost records is the caller's.
    fn report(&self, outcome: Outcome) -> Result<(), Error> {
        let mut result = Ok(());
        for loss in outcome.losses {
            let error = self.tell(loss.error, loss.reason, loss.lost);
            if result.is_ok() && loss.lost > 0 {
                result = Err(error);
            }
        }
        result
    }

    fn tell(&self, error: Error, reason: DropReason, lost: u64) -> Error {
        if error.is_reported() && !self.has_hook {
            return error;
        }
        let text = "hand records to the target of memory";
        let outer = if error.is_panicked() { Error::panicked(text) } else { Error::new(text) }.with_source(error);
        if lost > 0 { self.reporter.lost(outer, reason, lost) } else { self.reporter.note(outer) }
    }

    /// Drops what is held when it closes: by the way, on purpose, or because there is no target.
    fn discard(&self) -> Result<(), Error> {
        let reason = if self.bounds.keeps_newest { DropReason::Forgotten } else { DropReason::Closed };
        let discarded = lock(&self.store).discard(reason);
        if discarded == 0 || self.bounds.keeps_newest {
            return Ok(());
        }
        let why = if self.flush_on_close { "there is no target" } else { "it is not to flush" };
        let error = self.reporter.lost(Error::new(format!("close memory with records in it: {why}")), reason, discarded);
        if self.flush_on_close { Err(error) } else { Ok(()) }
    }

    fn flush_target(&self, target: &dyn Handler, deadline: Deadline) -> Result<(), Error> {
        let _own_work = reentry::enter();
        match catch_unwind(AssertUnwindSafe(|| target.flush(deadline))) {
            Ok(Err(error)) if !error.is_reported() => {
                Err(self.reporter.note(Error::new("flush the target of memory").with_source(error)))
            }
            Ok(result) => result,
            Err(_) => Err(self.reporter.note(Error::panicked("the target of memory panicked while it flushed"))),
        }
    }
}

impl Handler for Shared {
    #[inline]
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        let is_trigger = self.trigger.is_pulled_by(record, &self.reporter);
        let can_flush = !self.is_delivering_here();
        let pushed = lock(&self.store).push(record, self.bounds, is_trigger, can_flush);
        match pushed {
            Pushed::Kept => Ok(()),
            Pushed::Due => self.hand_over(Deadline::never()).map(drop),
            Pushed::Crowded(gone) => {
                let error = Error::full("memory is full and has no target: the oldest records are dropped");
                self.reporter.lost(error, DropReason::Full, gone);
                Ok(())
            }
            Pushed::Closed => Err(self.reporter.lost(Error::closed("memory"), DropReason::Closed, 1)),
        }
    }

    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        let result = match self.hand_over(deadline) {
            Ok(Some(target)) => self.flush_target(&*target, deadline),
            Ok(None) if lock(&self.store).is_empty() => Ok(()),
            Ok(None) => Err(self.reporter.note(Error::new("flush memory: there is no target"))),
            Err(error) => Err(error),
        };
        self.reporter.settle();
        result
    }

    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        lock(&self.store).close();
        let flushed = if self.flush_on_close && lock(&self.store).target().is_some() { self.flush(deadline) } else { Ok(()) };
        if flushed.as_ref().is_err_and(Error::is_timed_out) && !lock(&self.store).is_empty() {
            // Held until the next attempt.
            return flushed;
        }
        let discarded = self.discard();
        let target = self.replace_target(None);
        drop(target);
        self.reporter.settle();
        flushed.and(discarded)
    }

    fn stats(&self) -> Stats {
        lock(&self.store).stats()
    }
}

/// A number that no other thread has at the same time. Unlike `ThreadId` it can be had at the end of a process.
fn this_thread() -> usize {
    thread_local! {
        static PLACE: u8 = const { 0 };
    }
    PLACE.with(|place| std::ptr::from_ref(place).addr())
}
