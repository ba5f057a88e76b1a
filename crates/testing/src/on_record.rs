//! A handler that is a function.

use tracing_handlers_core::{Counters, Deadline, DropReason, Error, Handler, Record, Stats};

/// A handler that does with each record what a function says, and has nothing to flush or close. What the function takes is delivered,
/// what it refuses dropped; one that panics counts nothing.
///
/// ```
/// use tracing_handlers_core::Handler;
/// use tracing_handlers_testing::{CollectingHandler, OnRecord, record};
///
/// let target = CollectingHandler::new();
/// let inner = target.clone();
/// let picky = OnRecord::new(move |record| {
///     assert_ne!(record.message(), "bad");
///     inner.handle(record)
/// });
/// picky.handle(&record("good").as_record())?;
/// assert_eq!((target.lines().len(), picky.stats().delivered), (1, 1));
/// # Ok::<(), tracing_handlers_core::Error>(())
/// ```
pub struct OnRecord<F> {
    handle: F,
    counters: Counters,
}

impl<F: Fn(&Record<'_>) -> Result<(), Error> + Send + Sync + 'static> OnRecord<F> {
    /// A handler that calls this.
    pub fn new(handle: F) -> Self {
        Self { handle, counters: Counters::default() }
    }
}

impl<F: Fn(&Record<'_>) -> Result<(), Error> + Send + Sync + 'static> Handler for OnRecord<F> {
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        let handled = (self.handle)(record);
        match &handled {
            Ok(()) => self.counters.delivered(),
            Err(error) => self.counters.dropped(DropReason::of(error)),
        }
        handled
    }

    fn flush(&self, _: Deadline) -> Result<(), Error> {
        Ok(())
    }

    fn close(&self, _: Deadline) -> Result<(), Error> {
        Ok(())
    }

    fn stats(&self) -> Stats {
        self.counters.snapshot()
    }
}
