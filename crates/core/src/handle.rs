//! Handles: flush, close and count a handler whose layer moved into a registry.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::stats::Counters;
use crate::{Deadline, Error, Handler, Stats, reentry};

/// A cheap, cloneable handle of a handler behind a layer.
///
/// ```
/// # use tracing_handlers_core::{Deadline, Error, Handler, HandlerLayer, Record, Stats};
/// # struct Silent;
/// # impl Handler for Silent {
/// #     fn handle(&self, _: &Record<'_>) -> Result<(), Error> { Ok(()) }
/// #     fn flush(&self, _: Deadline) -> Result<(), Error> { Ok(()) }
/// #     fn close(&self, _: Deadline) -> Result<(), Error> { Ok(()) }
/// #     fn stats(&self) -> Stats { Stats::new() }
/// # }
/// use std::time::Duration;
///
/// let layer = HandlerLayer::new(Silent);
/// let handle = layer.handle();
/// // … the layer moves into the registry; at the end:
/// handle.flush(Duration::from_secs(1))?;
/// println!("{}", handle.stats());
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Handle {
    handler: Arc<dyn Handler>,
    refused: Arc<Counters>,
}

impl Handle {
    pub(crate) fn new(handler: Arc<dyn Handler>, refused: Arc<Counters>) -> Self {
        Self { handler, refused }
    }

    /// `Ok` once every record handled before this call has reached the place its guarantees name.
    ///
    /// # Errors
    ///
    /// The handler's error, or that the time was up.
    pub fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let _own_work = reentry::enter();
        self.handler.flush(Deadline::after(timeout))
    }

    /// Flushes and lets go of the destination; later records are refused and counted. Idempotent.
    ///
    /// # Errors
    ///
    /// The handler's error, or that the time was up.
    pub fn close(&self, timeout: Duration) -> Result<(), Error> {
        let _own_work = reentry::enter();
        self.handler.close(Deadline::after(timeout))
    }

    /// The handler's counters, with the records that its layer refused.
    pub fn stats(&self) -> Stats {
        self.handler.stats().plus(self.refused.snapshot())
    }

    /// A guard that closes the handler when it is dropped.
    pub fn guard(&self, timeout: Duration) -> Guard {
        Guard { handle: self.clone(), timeout }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// Closes a handler when dropped. Nobody needs one: what is pending is flushed at exit all the same.
#[derive(Debug)]
#[must_use = "a guard that is dropped at once closes the handler at once"]
pub struct Guard {
    handle: Handle,
    timeout: Duration,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // A failure was reported to the handler's hook; there is nobody else to tell.
        self.handle.close(self.timeout).ok();
    }
}
