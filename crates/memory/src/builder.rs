//! Builds a `MemoryHandler`.

use std::sync::Arc;

use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::{Error, Handler, HandlerLayer, Level, OnFailure, Record, register_for_panic, register_pending};

use crate::handler::{MemoryHandler, MemoryLayer};
use crate::shared::Shared;
use crate::store::Bounds;
use crate::trigger::Trigger;

/// What is held at the most, in bytes, where nothing else is said.
const DEFAULT_BYTES: usize = 4 << 20;

/// Builds a [`MemoryHandler`].
///
/// | setting | default |
/// |---|---|
/// | [`target`](Self::target) | none |
/// | [`capacity_bytes`](Self::capacity_bytes) | 4 MiB |
/// | [`flush_level`](Self::flush_level) | `ERROR` |
/// | [`flush_when`](Self::flush_when): a function in the place of the level | none |
/// | [`flush_on_close`](Self::flush_on_close) | on; a flight recorder: off |
/// | [`drain_on_exit`](Self::drain_on_exit) | on, where `flush_on_close` is |
/// | [`dump_on_panic`](Self::dump_on_panic) | off |
/// | [`on_failure`](Self::on_failure) | a rate-limited line on stderr |
#[must_use]
pub struct MemoryHandlerBuilder {
    bounds: Bounds,
    trigger: Trigger,
    target: Option<Arc<dyn Handler>>,
    flush_on_close: Option<bool>,
    drain_on_exit: bool,
    dump_on_panic: bool,
    on_failure: Option<Arc<dyn OnFailure>>,
}

impl MemoryHandlerBuilder {
    pub(crate) fn new(capacity: usize, keeps_newest: bool) -> Self {
        Self {
            bounds: Bounds { records: capacity, bytes: DEFAULT_BYTES, keeps_newest },
            trigger: Trigger::Level(Level::ERROR),
            target: None,
            flush_on_close: None,
            drain_on_exit: true,
            dump_on_panic: false,
            on_failure: None,
        }
    }

    /// Who gets the records. Without one they are held, up to the capacity; see [`MemoryHandler::set_target`].
    ///
    /// The target works on the thread of the caller that gave the reason, under a lock that other callers do not need until they
    /// have a reason themselves. It may log into this handler: that record is held until the next reason.
    pub fn target(mut self, target: impl Handler) -> Self {
        self.target = Some(Arc::new(target));
        self
    }

    /// What is held at the most, in bytes of encoded records; a record has about 200. One that is larger is held alone. As much
    /// again may be on its way to the target.
    pub fn capacity_bytes(mut self, bytes: usize) -> Self {
        self.bounds.bytes = bytes;
        self
    }

    /// Hands over when a record is at this level or more severe. The last of this setting and [`flush_when`](Self::flush_when)
    /// holds.
    pub fn flush_level(mut self, level: Level) -> Self {
        self.trigger = Trigger::Level(level);
        self
    }

    /// Hands over when this function says so of a record, instead of at a level; the capacity goes on to be one reason more. The
    /// function runs once a record, under no lock. One that panics is reported, and the records are handed over.
    ///
    /// ```
    /// use tracing_handlers_memory::MemoryHandler;
    ///
    /// let memory = MemoryHandler::builder(1_000).flush_when(|record| record.field("urgent").is_some()).build()?;
    /// # Ok::<(), tracing_handlers_core::Error>(())
    /// ```
    pub fn flush_when(mut self, function: impl Fn(&Record<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.trigger = Trigger::When(Box::new(function));
        self
    }

    /// Whether `close` hands over what is held. If not, that is dropped and counted as `closed`; by a flight recorder as
    /// `forgotten`.
    pub fn flush_on_close(mut self, flush: bool) -> Self {
        self.flush_on_close = Some(flush);
        self
    }

    /// Whether what is held is handed over when the process ends. Not without [`flush_on_close`](Self::flush_on_close).
    pub fn drain_on_exit(mut self, drain: bool) -> Self {
        self.drain_on_exit = drain;
        self
    }

    /// Whether a panic, of any thread, hands over what is held, and flushes the target, before it unwinds or aborts. It may be held
    /// up for a second by that. See [`flush_on_panic`](tracing_handlers_core::flush_on_panic), which is the same for other handlers.
    pub fn dump_on_panic(mut self, dump: bool) -> Self {
        self.dump_on_panic = dump;
        self
    }

    /// Who is told of failures; a rate-limited line on stderr by default.
    pub fn on_failure(mut self, hook: impl OnFailure) -> Self {
        self.on_failure = Some(Arc::new(hook));
        self
    }

    /// The handler.
    ///
    /// # Errors
    ///
    /// A flight recorder without room for a record; no bytes.
    pub fn build(self) -> Result<MemoryHandler, Error> {
        let Self { bounds, trigger, target, flush_on_close, drain_on_exit, dump_on_panic, on_failure } = self;
        if bounds.keeps_newest && bounds.records == 0 {
            return Err(Error::config("capacity", 0, "a flight recorder has to hold at least one record"));
        }
        if bounds.bytes == 0 {
            return Err(Error::config("capacity_bytes", 0, "must be positive; `builder(0)` hands over each record"));
        }
        let flush_on_close = flush_on_close.unwrap_or(!bounds.keeps_newest);
        let has_hook = on_failure.is_some();
        let reporter = Reporter::new("memory", on_failure);
        let shared = Arc::new(Shared::new(bounds, trigger, flush_on_close, reporter, has_hook, target));
        let handler: Arc<dyn Handler> = Arc::clone(&shared) as Arc<dyn Handler>;
        register_pending(&handler, drain_on_exit && flush_on_close);
        if dump_on_panic {
            register_for_panic(&handler);
        }
        Ok(MemoryHandler { shared })
    }

    /// The handler as a layer.
    ///
    /// # Errors
    ///
    /// Those of [`build`](Self::build).
    pub fn layer(self) -> Result<MemoryLayer, Error> {
        let hook = self.on_failure.clone();
        Ok(HandlerLayer::with_hook(self.build()?, hook))
    }
}
