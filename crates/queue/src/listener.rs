//! `QueueListener`: the end of a queue that records come out of.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tracing_handlers_core::{Deadline, Error, Handler, Level, register_pending};

use crate::handler::QueueHandler;
use crate::intake::{Intake, Place};
use crate::targets::{Target, Targets};
use crate::worker::Worker;

/// How long the drop of a listener waits for its handlers.
pub(crate) const DROP_TIMEOUT: Duration = Duration::from_secs(1);

/// Takes records out of a queue, on a thread of its own, and hands them to its handlers, many at a time.
///
/// A handler that fails or panics costs its own record and nobody else's. The listener stops when it is dropped, after it handed on what
/// was in, for which it waits one second at most; [`stop`](Self::stop) waits as long as it is told, and says whether that was enough.
///
/// ```
/// use std::time::Duration;
/// use tracing_handlers_core::{Handler, Level, Record};
/// use tracing_handlers_queue::{QueueHandler, QueueListener};
/// # use tracing_handlers_testing::CollectingHandler;
///
/// # let (everything, errors) = (CollectingHandler::new(), CollectingHandler::new());
/// let queue = QueueHandler::builder().build()?;
/// let listener = QueueListener::builder(&queue).handler(everything.clone()).handler_at(Level::ERROR, errors.clone()).start()?;
///
/// queue.handle(&Record::builder().message("hello").build().as_record())?;
/// listener.stop(Duration::from_secs(1))?;
/// assert_eq!((everything.lines().len(), errors.lines().len()), (1, 0));
///
/// listener.start()?; // and on it goes
/// assert!(listener.start().is_err(), "it runs");
/// # Ok::<(), tracing_handlers_core::Error>(())
/// ```
pub struct QueueListener {
    worker: Arc<Worker>,
}

impl QueueListener {
    /// A builder of one for the other end of `queue`.
    pub fn builder(queue: &QueueHandler) -> QueueListenerBuilder {
        QueueListenerBuilder { intake: Arc::clone(&queue.intake), targets: Vec::new() }
    }

    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// It runs already, another listener takes records out of the same queue, or the system has no thread to give.
    pub fn start(&self) -> Result<(), Error> {
        self.worker.start()?;
        let worker: Arc<dyn Handler> = Arc::clone(&self.worker) as Arc<dyn Handler>;
        register_pending(&worker, self.worker.intake.drain_on_exit);
        Ok(())
    }

    /// Hands on what is in the queue, then ends the thread. Records that come later wait for the next [`start`](Self::start). The handlers
    /// are neither flushed nor closed. Idempotent.
    ///
    /// # Errors
    ///
    /// The time was up first; the thread ends when its handlers let it.
    pub fn stop(&self, timeout: Duration) -> Result<(), Error> {
        self.worker.stop(Deadline::after(timeout))
    }
}

impl Drop for QueueListener {
    fn drop(&mut self) {
        // Who needs to know calls `stop`.
        self.worker.stop(Deadline::after(DROP_TIMEOUT)).ok();
    }
}

impl fmt::Debug for QueueListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueListener").field("is_running", &self.worker.is_running()).finish_non_exhaustive()
    }
}

/// Builds a [`QueueListener`].
#[must_use]
pub struct QueueListenerBuilder {
    intake: Arc<Intake>,
    targets: Vec<Target>,
}

impl QueueListenerBuilder {
    /// One more handler, for all records.
    pub fn handler(self, handler: impl Handler) -> Self {
        self.handler_at(Level::TRACE, handler)
    }

    /// One more handler, for records of this level and more important ones (Python's `respect_handler_level`).
    pub fn handler_at(mut self, level: Level, handler: impl Handler) -> Self {
        self.targets.push(Target { handler: Arc::new(handler), level });
        self
    }

    /// The listener, not yet started.
    ///
    /// # Errors
    ///
    /// No handler, or a queue that this process only writes to.
    pub fn build(self) -> Result<QueueListener, Error> {
        if self.targets.is_empty() {
            return Err(Error::config("handler", "(none)", "a listener needs at least one"));
        }
        if matches!(&self.intake.place, Place::Own(own) if !own.can_be_read()) {
            return Err(Error::config("queue", "one of your own", "has no source that a listener could read"));
        }
        let targets = Targets::new(self.targets, Arc::clone(&self.intake.reporter));
        Ok(QueueListener { worker: Arc::new(Worker::new(self.intake, targets, false)) })
    }

    /// The listener, started.
    ///
    /// # Errors
    ///
    /// Those of [`build`](Self::build) and of [`QueueListener::start`].
    pub fn start(self) -> Result<QueueListener, Error> {
        let listener = self.build()?;
        listener.start()?;
        Ok(listener)
    }
}
