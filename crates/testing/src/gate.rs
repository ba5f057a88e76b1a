//! A place where threads wait until the test lets them go on: concurrency without sleeping.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_handlers_core::sync::lock;

/// How long anything here waits for another thread before it calls that a mistake.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// An open gate lets everybody pass; a closed one holds who comes until it is opened. Clones are the same gate.
///
/// ```
/// use std::thread;
/// use tracing_handlers_testing::Gate;
///
/// let gate = Gate::new();
/// gate.close();
/// let visitor = thread::spawn({
///     let gate = gate.clone();
///     move || gate.pass()
/// });
/// gate.wait_until_held();
/// assert!(!visitor.is_finished());
/// gate.open();
/// visitor.join().unwrap().unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gate {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_closed: bool,
    /// Counts openings, so that who waited for one goes through even if the gate is closed again before it wakes up.
    openings: u64,
    held: usize,
}

impl Gate {
    /// An open gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds who comes from now on.
    pub fn close(&self) {
        lock(&self.shared.state).is_closed = true;
    }

    /// Lets go who is held, and who comes from now on.
    pub fn open(&self) {
        let mut state = lock(&self.shared.state);
        *state = State { is_closed: false, openings: state.openings + 1, held: 0 };
        self.shared.changed.notify_all();
    }

    /// Passes the gate; waits while it is closed.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`] if nobody opens it within twice [`PATIENCE`].
    pub fn pass(&self) -> io::Result<()> {
        let mut state = lock(&self.shared.state);
        if !state.is_closed {
            return Ok(());
        }
        state.held += 1;
        self.shared.changed.notify_all();
        let openings = state.openings;
        let (mut state, is_timed_out) = self.wait(state, 2 * PATIENCE, |state| state.openings == openings);
        if is_timed_out {
            state.held -= 1;
            return Err(io::Error::new(io::ErrorKind::TimedOut, "nobody opened the gate"));
        }
        Ok(())
    }

    /// Returns when somebody is held.
    ///
    /// # Panics
    ///
    /// If nobody comes within [`PATIENCE`].
    pub fn wait_until_held(&self) {
        let (_state, is_timed_out) = self.wait(lock(&self.shared.state), PATIENCE, |state| state.held == 0);
        assert!(!is_timed_out, "nobody came to the gate");
    }

    fn wait<'g>(
        &'g self,
        state: MutexGuard<'g, State>,
        timeout: Duration,
        condition: impl Fn(&State) -> bool,
    ) -> (MutexGuard<'g, State>, bool) {
        let waited = self.shared.changed.wait_timeout_while(state, timeout, |state| condition(state));
        let (state, result) = waited.unwrap_or_else(PoisonError::into_inner);
        (state, result.timed_out())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn an_open_gate_holds_nobody() {
        let gate = Gate::new();
        gate.pass().unwrap();
        gate.close();
        gate.open();
        gate.pass().unwrap();
    }

    #[test]
    fn who_was_let_go_passes_although_the_gate_closes_again_at_once() {
        let gate = Gate::new();
        for _ in 0..100 {
            gate.close();
            thread::scope(|scope| {
                let visitor = scope.spawn(|| gate.pass());
                gate.wait_until_held();
                gate.open();
                gate.close();
                visitor.join().unwrap().unwrap();
            });
            gate.open();
        }
    }
}
