//! The guard that keeps a handler's own work from being logged through a handler.
//!
//! `tracing` does not stop an event that is raised inside `on_event` from coming back to the same layer, so an error path
//! that logs would recurse until the stack ends. A thread-local flag is set while a layer captures and a handler runs, and
//! for the life of every thread that this project starts; an event raised under it is counted, not handled.

use std::cell::Cell;

thread_local! {
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Held while our own work runs on this thread.
#[derive(Debug)]
pub struct OwnWork(());

/// Marks this thread as busy with our own work, or says that it is already (`None`).
#[inline]
pub fn enter() -> Option<OwnWork> {
    if BUSY.replace(true) { None } else { Some(OwnWork(())) }
}

/// Whether this thread is busy with our own work.
pub fn is_own_work() -> bool {
    BUSY.get()
}

/// Marks this thread as ours for the rest of its life: nothing it raises is ever handled.
pub fn mark_thread() {
    BUSY.set(true);
}

impl Drop for OwnWork {
    #[inline]
    fn drop(&mut self) {
        BUSY.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_outermost_entry_gets_the_guard() {
        let outer = enter();
        assert!(outer.is_some() && is_own_work());
        assert!(enter().is_none());
        assert!(is_own_work(), "a refused entry must not clear the flag");
        drop(outer);
        assert!(!is_own_work());
    }
}
