//! `NullHandler`: takes every record and does nothing with it.

use std::sync::atomic::{AtomicBool, Ordering};

use tracing_handlers_core::{Counters, Deadline, DropReason, Error, Handler, HandlerLayer, Record, Stats};

/// Does nothing with a record but count it as delivered: Python's `NullHandler`, for libraries and for switching a place off.
///
/// ```
/// use tracing_handlers_core::{Handler, Record};
/// use tracing_handlers_stream::NullHandler;
///
/// let handler = NullHandler::new();
/// handler.handle(&Record::builder().message("nobody reads this").build().as_record())?;
/// assert_eq!(handler.stats().delivered, 1);
/// # Ok::<(), tracing_handlers_core::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct NullHandler {
    counters: Counters,
    is_closed: AtomicBool,
}

/// A [`NullHandler`] as a layer.
pub type NullLayer = HandlerLayer<NullHandler>;

impl NullHandler {
    /// A handler that does nothing.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Handler for NullHandler {
    fn handle(&self, _: &Record<'_>) -> Result<(), Error> {
        if self.is_closed.load(Ordering::Relaxed) {
            self.counters.dropped(DropReason::Closed);
            return Err(Error::closed("null"));
        }
        self.counters.delivered();
        Ok(())
    }

    fn flush(&self, _: Deadline) -> Result<(), Error> {
        Ok(())
    }

    fn close(&self, _: Deadline) -> Result<(), Error> {
        self.is_closed.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn stats(&self) -> Stats {
        self.counters.snapshot()
    }
}
