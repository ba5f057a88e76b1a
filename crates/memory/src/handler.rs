//! `MemoryHandler`: holds records in memory until there is a reason to hand them to its target.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tracing_handlers_core::{Deadline, Error, Handler, HandlerLayer, Record, Stats};

use crate::builder::MemoryHandlerBuilder;
use crate::shared::Shared;

/// How long a handler that is dropped may wait for a target that is at work.
const DROP_TIMEOUT: Duration = Duration::from_secs(1);

/// Holds records in memory, and hands them to its target in one batch when there is a reason to: Python's `MemoryHandler`.
///
/// ```
/// use tracing_handlers_core::{Deadline, Handler, Level, Record};
/// use tracing_handlers_memory::MemoryHandler;
/// # use tracing_handlers_stream::NullHandler;
///
/// let memory = MemoryHandler::builder(100).flush_level(Level::WARN).target(NullHandler::new()).build()?;
/// memory.handle(&Record::builder().level(Level::INFO).message("it begins").build().as_record())?;
/// assert_eq!(memory.stats().pending, 1);
/// memory.handle(&Record::builder().level(Level::ERROR).message("it ends").build().as_record())?;
/// assert_eq!(memory.stats().delivered, 2);
/// # Ok::<(), tracing_handlers_core::Error>(())
/// ```
///
/// Any handler can be the target. To use one in two places, put it into an `Arc` and give away clones.
pub struct MemoryHandler {
    pub(crate) shared: Arc<Shared>,
}

/// A [`MemoryHandler`] as a layer.
pub type MemoryLayer = HandlerLayer<MemoryHandler>;

impl MemoryHandler {
    /// A handler that hands over at the flush level, and when it holds this many records; 0 hands over each record, as 1 does.
    pub fn builder(capacity: usize) -> MemoryHandlerBuilder {
        MemoryHandlerBuilder::new(capacity, false)
    }

    /// A handler that holds the newest records and forgets those before them, until there is a reason to look back: a record at
    /// the flush level, [`dump`](Self::dump), a [panic](MemoryHandlerBuilder::dump_on_panic).
    ///
    /// What came before the error goes along with it: the target gets one batch, the error last. For mail that is one message.
    ///
    /// ```
    /// use tracing_handlers_memory::MemoryHandler;
    /// # use tracing_handlers_stream::NullHandler as File;
    /// use tracing_subscriber::prelude::*;
    ///
    /// let layer = MemoryHandler::flight_recorder(1_000).target(File::new()).dump_on_panic(true).layer()?;
    /// let handle = layer.handle();
    /// tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
    ///     (0..5_000).for_each(|step| tracing::debug!(step, "at work"));
    ///     tracing::error!("it is broken");
    /// });
    /// assert_eq!(handle.stats().delivered, 1_000);
    /// # Ok::<(), tracing_handlers_core::Error>(())
    /// ```
    pub fn flight_recorder(capacity: usize) -> MemoryHandlerBuilder {
        MemoryHandlerBuilder::new(capacity, true)
    }

    /// Hands everything held to the target now, and flushes the target.
    ///
    /// # Errors
    ///
    /// Those of [`flush`](Handler::flush), which is the same with a deadline.
    pub fn dump(&self) -> Result<(), Error> {
        self.flush(Deadline::never())
    }

    /// Puts another target in the place of the one there is, which is given back: Python's `setTarget`. What is held goes to the
    /// new one; a batch that is under way still goes to the old.
    ///
    /// [`shutdown`](tracing_handlers_core::shutdown) closes the newest handler first: a target with a buffer that was built after
    /// this handler is closed before it.
    pub fn set_target(&self, target: impl Handler) -> Option<Arc<dyn Handler>> {
        self.shared.replace_target(Some(Arc::new(target)))
    }

    /// Takes the target away: Python's `setTarget(None)`. Records are held until there is one again; past the capacity the oldest
    /// are dropped, and counted as `full`.
    pub fn take_target(&self) -> Option<Arc<dyn Handler>> {
        self.shared.replace_target(None)
    }
}

impl Handler for MemoryHandler {
    #[inline]
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        self.shared.handle(record)
    }

    /// Hands everything held to the target and flushes that. Without a target what is held stays, which is an error.
    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        self.shared.flush(deadline)
    }

    /// Flushes, if it [is to](MemoryHandlerBuilder::flush_on_close), and lets go of the target, which is not closed.
    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        self.shared.close(deadline)
    }

    fn stats(&self) -> Stats {
        self.shared.stats()
    }
}

impl Drop for MemoryHandler {
    fn drop(&mut self) {
        // A failure was counted and reported by `close`.
        self.shared.close(Deadline::after(DROP_TIMEOUT)).ok();
    }
}

impl fmt::Debug for MemoryHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryHandler").field("stats", &self.shared.stats()).finish_non_exhaustive()
    }
}
