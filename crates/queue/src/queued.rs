//! Any handler behind a queue of its own, in one line.

use std::fmt;
use std::sync::Arc;

use tracing_handlers_core::{Deadline, Error, Handler, HandlerLayer, Level, Record, Stats, register_pending};

use crate::builder::{QueueSettings, queue_settings};
use crate::listener::DROP_TIMEOUT;
use crate::targets::{Target, Targets};
use crate::worker::Worker;

/// What every handler can be told.
pub trait HandlerExt: Handler + Sized {
    /// Puts the handler behind a queue of its own, with a thread that feeds it: no caller waits for it any more.
    ///
    /// ```
    /// use tracing_handlers_queue::HandlerExt;
    /// use tracing_handlers_rotating_file::RotatingFileHandler;
    /// use tracing_subscriber::prelude::*;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("app.log");
    /// let file = RotatingFileHandler::builder(path).max_bytes(10_000_000).backup_count(5).build()?.queued().layer()?;
    /// let subscriber = tracing_subscriber::registry().with(file);
    /// # tracing::subscriber::with_default(subscriber, || tracing::info!("hello"));
    /// # assert!(std::fs::read_to_string(directory.path().join("app.log"))?.contains("hello"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn queued(self) -> QueuedBuilder<Self> {
        QueuedBuilder { settings: QueueSettings::default(), handler: self }
    }
}

impl<H: Handler> HandlerExt for H {}

/// A handler behind a queue of its own.
///
/// Its counters are those of queue and handler together: delivered is what the handler delivered. `flush` and `close` go through to
/// the handler. When it is dropped, what waits is handed on and the handler closed, for which the drop waits one second at most.
pub struct Queued<H> {
    worker: Arc<Worker>,
    handler: Arc<H>,
}

/// A [`Queued`] handler as a layer.
pub type QueuedLayer<H> = HandlerLayer<Queued<H>>;

impl<H: Handler> Queued<H> {
    /// The handler behind the queue, for actions of its own (`roll_over`, `reopen_if_moved`).
    pub fn handler(&self) -> &Arc<H> {
        &self.handler
    }
}

impl<H: Handler> Handler for Queued<H> {
    #[inline(always)]
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        self.worker.intake.handle(record)
    }

    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        self.worker.flush(deadline)
    }

    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        self.worker.close(deadline)
    }

    fn stats(&self) -> Stats {
        self.worker.stats()
    }
}

impl<H> Drop for Queued<H> {
    fn drop(&mut self) {
        // A failure was counted, and reported to the handler's hook.
        self.worker.close(Deadline::after(DROP_TIMEOUT)).ok();
    }
}

impl<H> fmt::Debug for Queued<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queued").field("stats", &self.worker.stats()).finish_non_exhaustive()
    }
}

/// Builds a [`Queued`] handler.
///
/// | setting | default |
/// |---|---|
/// | [`capacity`](Self::capacity), [`capacity_bytes`](Self::capacity_bytes) | 65,536 records, 32 MiB |
/// | [`overflow`](Self::overflow) | drop the newest |
/// | [`max_delay`](Self::max_delay), [`wake_level`](Self::wake_level) | 5 ms, `ERROR` |
/// | [`drain_on_exit`](Self::drain_on_exit) | on |
/// | [`on_failure`](Self::on_failure) | a rate-limited line on stderr |
#[must_use]
pub struct QueuedBuilder<H> {
    settings: QueueSettings,
    handler: H,
}

impl<H: Handler> QueuedBuilder<H> {
    queue_settings!();

    /// The handler, its thread started.
    ///
    /// # Errors
    ///
    /// Capacities and delays of zero, and a system that has no thread to give.
    pub fn build(self) -> Result<Queued<H>, Error> {
        let intake = Arc::new(self.settings.intake(None)?);
        let handler = Arc::new(self.handler);
        let target = Target { handler: Arc::clone(&handler) as Arc<dyn Handler>, level: Level::TRACE };
        let targets = Targets::new(vec![target], Arc::clone(&intake.reporter));
        let worker = Arc::new(Worker::new(intake, targets, true));
        worker.start()?;
        register_pending(&(Arc::clone(&worker) as Arc<dyn Handler>), worker.intake.drain_on_exit);
        Ok(Queued { worker, handler })
    }

    /// The handler as a layer.
    ///
    /// # Errors
    ///
    /// Those of [`build`](Self::build).
    pub fn layer(self) -> Result<QueuedLayer<H>, Error> {
        let hook = self.settings.on_failure.clone();
        Ok(HandlerLayer::with_hook(self.build()?, hook))
    }
}
