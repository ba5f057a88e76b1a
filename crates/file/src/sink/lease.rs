//! How long a handler keeps the lock that it shares with others: until its thread looks the next time.
//!
//! The thread is woken by the first record of a stream and looks as long as the stream goes on. An idle handler has no lock and a thread that
//! sleeps.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Error, reentry};

use super::Shared;
use crate::upkeep::Upkeep;

/// Says that the lock is kept.
#[derive(Default)]
pub(super) struct Lease {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The lock is kept.
    is_out: bool,
    /// The thread has to be woken.
    is_asleep: bool,
    is_over: bool,
}

impl Lease {
    /// The lock is kept from now on.
    pub(super) fn begin(&self) {
        let mut state = lock(&self.state);
        state.is_out = true;
        if state.is_asleep {
            self.changed.notify_one();
        }
    }

    /// Returns when a lock that is kept has to be let go of; `false` when it is over.
    fn wait(&self, length: Duration) -> bool {
        let mut state = lock(&self.state);
        loop {
            // Where records come in a stream, one lease follows the other, and nobody has to wake this thread.
            let waited = self.changed.wait_timeout_while(state, length, |state| !state.is_over);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.is_over || std::mem::take(&mut state.is_out) {
                return !state.is_over;
            }
            state.is_asleep = true;
            let woken = self.changed.wait_while(state, |state| !state.is_out && !state.is_over);
            state = woken.unwrap_or_else(PoisonError::into_inner);
            state.is_asleep = false;
        }
    }
}

/// The thread that lets go of the lock; ends when this is dropped.
pub(super) struct Landlord {
    lease: Arc<Lease>,
}

impl Landlord {
    pub(super) fn start<U: Upkeep>(shared: &Arc<Shared<U>>, lease: Arc<Lease>, length: Duration) -> Result<Self, Error> {
        let (weak, its_lease) = (Arc::downgrade(shared), Arc::clone(&lease));
        let run = move || {
            reentry::mark_thread();
            while its_lease.wait(length) {
                let Some(shared) = weak.upgrade() else { break };
                shared.end_lease();
            }
        };
        let spawned = thread::Builder::new().name("log-lease".into()).spawn(run);
        spawned.map_err(|error| Error::io("start the thread log-lease", error))?;
        Ok(Self { lease })
    }
}

impl Drop for Landlord {
    fn drop(&mut self) {
        lock(&self.lease.state).is_over = true;
        self.lease.changed.notify_one();
    }
}
