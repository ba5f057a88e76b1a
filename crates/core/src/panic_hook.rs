//! What is pending when a thread panics: flushed from the panic hook, for those who ask for it.
//!
//! The hook runs before the thread unwinds and, with `panic = "abort"`, before the process ends, where no exit hook runs. It may
//! run with any lock held by the thread that panicked, and a second panic within it would end the process. So the work is done by
//! a thread of its own, and waited for no longer than [`PANIC_TIMEOUT`].

use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::thread;
use std::time::Duration;

use crate::failure::Reporter;
use crate::sync::{lock, lock_before};
use crate::{Deadline, Error, Handler, reentry, shutdown};

/// How long a panic may be held up, all handlers together.
const PANIC_TIMEOUT: Duration = Duration::from_secs(1);
/// The thread that flushes; what panics there flushes nothing.
const THREAD: &str = "log-panic";

/// Handlers that are flushed at a panic only.
static REGISTERED: Mutex<Vec<Weak<dyn Handler>>> = Mutex::new(Vec::new());
static FLUSHES_PENDING: AtomicBool = AtomicBool::new(false);
static IS_INSTALLED: AtomicBool = AtomicBool::new(false);

/// Has a panic of any thread flush every handler that the end of the process would, within a second for all.
///
/// Worth it with `panic = "abort"`, and where a panic is followed by an abort: nothing is flushed then otherwise. The hook that was
/// set before runs first, then the handlers are flushed, newest first; so what that hook logs is kept too. A hook that is set later
/// has to call the one it replaces. Panics that a handler contains flush nothing.
///
/// ```
/// tracing_handlers_core::flush_on_panic();
/// ```
pub fn flush_on_panic() {
    FLUSHES_PENDING.store(true, Ordering::Relaxed);
    install();
}

/// Has a panic of any thread flush this handler, as [`flush_on_panic`] does; for handlers that are not flushed at exit.
pub fn register_for_panic(handler: &Arc<dyn Handler>) {
    let mut registered = lock(&REGISTERED);
    registered.retain(|other| other.strong_count() > 0);
    registered.push(Arc::downgrade(handler));
    drop(registered);
    install();
}

fn install() {
    // While this thread panics the standard library lets nobody touch the hook; the next call does it.
    if thread::panicking() || IS_INSTALLED.swap(true, Ordering::Relaxed) {
        return;
    }
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        before(info);
        on_panic();
    }));
}

/// Called by the panic hook, on the thread that panicked.
fn on_panic() {
    let is_contained = reentry::is_own_work() && cfg!(panic = "unwind");
    if is_contained || thread::current().name() == Some(THREAD) {
        return;
    }
    let deadline = Deadline::after(PANIC_TIMEOUT);
    let (done, wait) = mpsc::channel();
    let flush = move || {
        reentry::mark_thread();
        flush_all(deadline);
        // Nobody listens any longer where the time was up.
        done.send(()).ok();
    };
    match thread::Builder::new().name(THREAD.into()).spawn(flush) {
        Ok(_) => drop(wait.recv_timeout(PANIC_TIMEOUT)),
        Err(error) => drop(Reporter::new("panic hook", None).note(Error::io(format!("start the thread {THREAD}"), error))),
    }
}

fn flush_all(deadline: Deadline) {
    let mut handlers: Vec<Arc<dyn Handler>> = match lock_before(&REGISTERED, deadline) {
        Some(registered) => registered.iter().rev().filter_map(Weak::upgrade).collect(),
        None => Vec::new(),
    };
    if FLUSHES_PENDING.load(Ordering::Relaxed) {
        handlers.extend(shutdown::to_drain(deadline));
    }
    for (index, handler) in handlers.iter().enumerate() {
        // One whose lock is held, by the thread that panicked say, must leave the others their share of the time.
        let others = u32::try_from(handlers.len() - index).unwrap_or(u32::MAX);
        let share = deadline.remaining().map_or(deadline, |left| Deadline::after(left / others));
        // A failure was reported by the handler itself, and the panic of one must not keep the others from being flushed.
        catch_unwind(AssertUnwindSafe(|| handler.flush(share))).ok();
    }
}
