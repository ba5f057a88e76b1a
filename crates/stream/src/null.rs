//! `NullHandler`: takes every record and does nothing with it.

use tracing_handlers_core::{Counters, Deadline, Error, Handler, HandlerLayer, Record, Stats};

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
}

/// The layer of a [`NullHandler`].
pub type NullLayer = HandlerLayer<NullHandler>;

impl NullHandler {
    /// A handler that does nothing.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Handler for NullHandler {
    fn handle(&self, _: &Record<'_>) -> Result<(), Error> {
        self.counters.delivered();
        Ok(())
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
