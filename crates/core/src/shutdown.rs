//! The end of a process: handlers with pending records are flushed at exit, and on request.
//!
//! Drop guards miss `process::exit`, forgotten guards and statics, and a global subscriber is never dropped. So a handler that
//! can have records pending registers itself, and a process-wide exit hook flushes it when `main` returns or (but on Windows) `process::exit` is
//! called. Nothing here takes signals, and nothing runs after `abort` or `SIGKILL`. What a forked child inherits it leaves to its parent,
//! or records that wait would come out twice.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use crate::sync::{lock, lock_before};
use crate::{Deadline, Handler, Stats, exit_hook, reentry};

/// How long the exit hook may hold up the end of the process, all handlers together.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

struct Registered {
    handler: Weak<dyn Handler>,
    drain_on_exit: bool,
    /// Of what a forked child inherits, its parent takes care.
    process: u32,
}

impl Registered {
    /// The handler, if it is there and of this process.
    fn handler(&self) -> Option<Arc<dyn Handler>> {
        self.handler.upgrade().filter(|_| self.process == process::id())
    }
}

static REGISTERED: Mutex<Vec<Registered>> = Mutex::new(Vec::new());

/// Registers a handler that can have records pending, for [`shutdown`] and, if `drain_on_exit`, for the exit hook.
///
/// The handler must do without thread-locals in `flush`, and without help from other threads.
pub fn register_pending(handler: &Arc<dyn Handler>, drain_on_exit: bool) {
    let mut registered = lock(&REGISTERED);
    registered.retain(|other| other.handler.strong_count() > 0);
    registered.push(Registered { handler: Arc::downgrade(handler), drain_on_exit, process: process::id() });
    drop(registered);
    exit_hook::install();
}

/// Flushes and closes every handler that can have records pending, newest first as Python's `logging.shutdown` does.
///
/// ```
/// use std::time::Duration;
///
/// let report = tracing_handlers_core::shutdown(Duration::from_secs(1));
/// assert!(report.is_complete());
/// println!("{report}");
/// ```
pub fn shutdown(timeout: Duration) -> ShutdownReport {
    let deadline = Deadline::after(timeout);
    let handlers: Vec<_> = lock(&REGISTERED).iter().rev().filter_map(Registered::handler).collect();
    let mut report = ShutdownReport::default();
    let _own_work = reentry::enter();
    for handler in handlers {
        // A panic of one handler must not keep the others from being closed.
        let closed = catch_unwind(AssertUnwindSafe(|| handler.close(deadline)));
        let stats = catch_unwind(AssertUnwindSafe(|| handler.stats()));
        report.handlers += 1;
        report.failed += usize::from(!matches!(closed, Ok(Ok(()))) || stats.is_err());
        report.stats = report.stats.plus(stats.unwrap_or_default());
    }
    report
}

/// What [`shutdown`] achieved.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// How many handlers were flushed and closed, or tried to.
    pub handlers: usize,
    /// How many of them failed, or did not finish in time.
    pub failed: usize,
    /// Their counters, added up; what is still `pending` is abandoned if the process ends now.
    pub stats: Stats,
}

impl ShutdownReport {
    /// Nothing failed and nothing is pending.
    pub fn is_complete(&self) -> bool {
        self.failed == 0 && self.stats.pending == 0
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let handlers = if self.handlers == 1 { "handler" } else { "handlers" };
        write!(f, "{} {handlers} with a buffer closed, {} failed; {}", self.handlers, self.failed, self.stats)
    }
}

/// The handlers that the exit hook would flush, newest first; none where others hold the list for too long.
pub(crate) fn to_drain(deadline: Deadline) -> Vec<Arc<dyn Handler>> {
    let Some(registered) = lock_before(&REGISTERED, deadline) else { return Vec::new() };
    registered.iter().rev().filter(|entry| entry.drain_on_exit).filter_map(|entry| entry.handler.upgrade()).collect()
}

/// Called by the exit hook: no thread-local, no panic out of here, no waiting for a lock beyond the deadline.
pub(crate) fn drain_at_exit() {
    let deadline = Deadline::after(EXIT_TIMEOUT);
    let Some(registered) = lock_before(&REGISTERED, deadline) else { return };
    for entry in registered.iter().rev().filter(|entry| entry.drain_on_exit) {
        if let Some(handler) = entry.handler() {
            // A failure was reported by the handler itself; at this point nobody else listens.
            catch_unwind(AssertUnwindSafe(|| handler.flush(deadline))).ok();
        }
    }
}
