//! How threads wait for what others do under the lock of a queue.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[cfg(loom)]
use loom::sync::{Condvar, Mutex, MutexGuard, atomic::AtomicU64};
#[cfg(not(loom))]
use std::sync::{Condvar, Mutex, MutexGuard, atomic::AtomicU64};

/// Something to wait for. A thread takes a [`Ticket`] while it has the lock under which it saw that it must wait; whatever is changed
/// under the lock after that is given as a signal after that.
#[derive(Debug)]
pub(super) struct Signal {
    given: AtomicU64,
    /// How many threads wait.
    waiting: Mutex<usize>,
    condition: Condvar,
}

/// When a thread saw that it must wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket(u64);

impl Signal {
    pub(super) fn new() -> Self {
        Self { given: AtomicU64::new(0), waiting: Mutex::new(0), condition: Condvar::new() }
    }

    pub(super) fn ticket(&self) -> Ticket {
        Ticket(self.given.load(Ordering::Relaxed))
    }

    /// Waits until the signal is given, or was since the ticket was taken; at most so long. It may end for no reason.
    pub(super) fn wait(&self, ticket: Ticket, longest: Option<Duration>) {
        let mut waiting = self.lock();
        if self.given.load(Ordering::Relaxed) != ticket.0 {
            return;
        }
        *waiting += 1;
        waiting = match longest {
            Some(longest) => self.condition.wait_timeout(waiting, longest).unwrap_or_else(PoisonError::into_inner).0,
            None => self.condition.wait(waiting).unwrap_or_else(PoisonError::into_inner),
        };
        *waiting -= 1;
    }

    /// Gives the signal to all who wait. Where nobody does, that takes no call of the system.
    pub(super) fn give(&self) {
        let waiting = self.lock();
        self.given.fetch_add(1, Ordering::Relaxed);
        let is_awaited = *waiting > 0;
        drop(waiting);
        if is_awaited {
            self.condition.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
