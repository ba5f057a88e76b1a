//! Hands a batch to the target and finds out what became of each record, whatever the target does.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing_handlers_core::{DropReason, Error, Handler, Record, Stats, reentry};

use crate::ring::Ring;

/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Records for which the target took responsibility.
    pub(crate) delivered: u64,
    /// What went wrong, at most once a reason.
    pub(crate) losses: Vec<Loss>,
}

/// Something that went wrong on the way to the target, and how many records that cost: none where the target says so.
#[derive(Debug)]
pub(crate) struct Loss {
    pub(crate) error: Error,
    pub(crate) reason: DropReason,
    pub(crate) lost: u64,
}

/// Hands over everything in one batch. A target that stops in the middle, by a panic say, gets the rest in another.
pub(crate) fn deliver(target: &dyn Handler, batch: &Ring) -> Outcome {
    let _own_work = reentry::enter();
    let mut outcome = Outcome::default();
    let mut records = Records { left: batch.iter(), given: 0, malformed: 0 };
    let mut untaken = batch.len() as u64;
    while untaken > 0 {
        let given_before = records.given;
        let before = stats_of(target);
        let result = catch_unwind(AssertUnwindSafe(|| target.handle_batch(&mut records)));
        let count = records.given - given_before;
        match result {
            Ok(Ok(())) => outcome.delivered += count,
            Ok(Err(error)) => outcome.refused(error, before, stats_of(target), count),
            Err(_) => outcome.panicked(before, stats_of(target), count),
        }
        let left = batch.len() as u64 - records.given - records.malformed;
        if left == untaken {
            outcome.lose(Error::new("the target takes nothing of a batch"), DropReason::Failed, left);
            break;
        }
        untaken = left;
    }
    if records.malformed > 0 {
        outcome.lose(Error::new("read a record back"), DropReason::Failed, records.malformed);
    }
    outcome
}

/// The records of a batch; counts those that were taken out of it.
struct Records<I> {
    left: I,
    given: u64,
    malformed: u64,
}

impl<'r, I: Iterator<Item = &'r [u8]>> Iterator for Records<I> {
    type Item = Record<'r>;

    fn next(&mut self) -> Option<Record<'r>> {
        loop {
            // Our own encoder wrote it; one that cannot be read all the same is counted.
            match Record::decode(self.left.next()?) {
                Ok(record) => {
                    self.given += 1;
                    return Some(record);
                }
                Err(_) => self.malformed += 1,
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.left.size_hint().1)
    }
}

impl Outcome {
    /// An error tells nothing of how many records it cost; the counters of the target do, if it has any.
    fn refused(&mut self, error: Error, before: Stats, after: Stats, count: u64) {
        let counts = after.handled.saturating_sub(before.handled) >= count;
        let lost = if counts { after.dropped().saturating_sub(before.dropped()).min(count) } else { count };
        self.delivered += count - lost;
        let reason = DropReason::of(&error);
        self.lose(error, reason, lost);
    }

    fn panicked(&mut self, before: Stats, after: Stats, count: u64) {
        let responsible = |stats: Stats| stats.delivered + stats.pending;
        let kept = responsible(after).saturating_sub(responsible(before)).min(count);
        self.delivered += kept;
        self.lose(Error::panicked("the target panicked"), DropReason::Panicked, count - kept);
    }

    fn lose(&mut self, error: Error, reason: DropReason, lost: u64) {
        match self.losses.iter_mut().find(|loss| loss.reason == reason) {
            Some(loss) => loss.lost += lost,
            None => self.losses.push(Loss { error, reason, lost }),
        }
    }
}

/// Counters that panic count nothing.
fn stats_of(target: &dyn Handler) -> Stats {
    catch_unwind(AssertUnwindSafe(|| target.stats())).unwrap_or_default()
}
