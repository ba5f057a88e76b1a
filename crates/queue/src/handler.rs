//! `QueueHandler`: the end of a queue that records go into.

use std::fmt;
use std::sync::Arc;

use tracing_handlers_core::{Deadline, Error, Handler, HandlerLayer, Record, Stats};

use crate::builder::QueueHandlerBuilder;
use crate::intake::Intake;

/// Puts records into a queue, for a [`QueueListener`](crate::QueueListener) to take out: the caller copies the record and is done.
///
/// ```
/// use tracing_handlers_core::{Deadline, Handler, Record};
/// use tracing_handlers_queue::{QueueHandler, QueueListener};
/// # use tracing_handlers_testing::CollectingHandler;
///
/// # let slow = CollectingHandler::new();
/// let queue = QueueHandler::builder().capacity(10_000).build()?;
/// let listener = QueueListener::builder(&queue).handler(slow.clone()).start()?;
///
/// queue.handle(&Record::builder().message("hello").build().as_record())?;
/// queue.flush(Deadline::after(std::time::Duration::from_secs(1)))?;
/// assert_eq!(slow.lines(), ["hello"]);
/// # drop(listener);
/// # Ok::<(), tracing_handlers_core::Error>(())
/// ```
///
/// Delivered is what the listener handed to its handlers; what these make of it they count themselves. Where one handler stands behind
/// the queue, [`queued`](crate::HandlerExt::queued) is shorter and counts both together.
#[derive(Clone)]
pub struct QueueHandler {
    pub(crate) intake: Arc<Intake>,
}

/// A [`QueueHandler`] as a layer.
pub type QueueLayer = HandlerLayer<QueueHandler>;

impl QueueHandler {
    /// A builder of one.
    pub fn builder() -> QueueHandlerBuilder {
        QueueHandlerBuilder::new()
    }

    /// What is in can reach nobody without a listener.
    fn without_listener(&self) -> Result<(), Error> {
        self.intake.report_all();
        match self.intake.stats().pending {
            0 => Ok(()),
            pending => Err(Error::new(format!("no listener takes {pending} records out of the queue"))),
        }
    }
}

impl Handler for QueueHandler {
    #[inline(always)]
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        self.intake.handle(record)
    }

    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        match self.intake.listener().filter(|worker| worker.is_running()) {
            Some(worker) => worker.flush(deadline),
            None => self.without_listener(),
        }
    }

    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        self.intake.close();
        self.flush(deadline)
    }

    fn stats(&self) -> Stats {
        self.intake.stats()
    }
}

impl fmt::Debug for QueueHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueHandler").field("stats", &self.intake.stats()).finish_non_exhaustive()
    }
}
