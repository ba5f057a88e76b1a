//! How long a file is followed that others roll each time before this handler has its lock.

use tracing_handlers_core::Deadline;

use crate::sink::turns::PATIENCE;
use crate::upkeep::Verdict;

/// So often it is done without a look at the clock. What is due to be rolled again at once, as a `rotator` did nothing, is rolled no more
/// often.
const FREE_ROUNDS: usize = 16;

/// A file that is followed until this handler is the one that has it, or for as long as it waits for a lock.
#[derive(Default)]
pub(super) struct Chase {
    rounds: usize,
    deadline: Option<Deadline>,
}

impl Chase {
    /// Whether to give up, though `verdict` is what has to be done.
    pub(super) fn is_over(&mut self, verdict: Verdict) -> bool {
        self.rounds += 1;
        let mut deadline = || *self.deadline.get_or_insert_with(|| Deadline::after(PATIENCE));
        self.rounds >= FREE_ROUNDS && (verdict == Verdict::Roll || deadline().has_passed())
    }
}
