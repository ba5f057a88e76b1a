//! What the clock on the wall shows at a moment, and when it shows what. The only file that knows daylight saving.
//!
//! Moments are seconds since 1970-01-01T00:00:00Z. Readings are the same count of what the wall shows, as if that were UTC: date and
//! time of the day are the reading divided by the seconds of a day, and the rest. The calendar is worked out on readings, where
//! every day has 24 hours.

use time::{OffsetDateTime, UtcOffset};

/// The seconds of a day on the wall.
pub(crate) const DAY: i64 = 86_400;

/// No clock is this far from UTC: `time` has 25:59:59 at most.
const FARTHEST: i64 = 26 * 3_600;

/// How far the clocks of a zone are ahead of UTC, at any moment; the rest follows from that.
///
/// A zone's clock is put at most once in 52 hours. The nearest two changes in the tz database (2025b) are 95 hours apart, in
/// Freetown in 1939.
pub(crate) trait Offsets {
    /// The seconds that the wall is ahead of UTC at this moment.
    fn offset_at(&self, moment: i64) -> i64;

    /// What the wall shows at this moment.
    fn reading(&self, moment: i64) -> i64 {
        moment.saturating_add(self.offset_at(moment))
    }

    /// The first moment from `from` on at which the wall shows `reading`, which is no earlier than what it shows at `from`.
    ///
    /// A reading that the clock jumps over comes as long after the jump as it is ahead of the last reading before: where 02:00
    /// becomes 03:00, 02:30 is at 03:30.
    fn first(&self, from: i64, reading: i64) -> i64 {
        let from = from.max(reading.saturating_sub(FARTHEST));
        let moment = reading.saturating_sub(self.offset_at(from));
        match self.change(from, moment) {
            // The clock was put before it came that far, perhaps to this reading itself.
            Some(change) if change.reading() <= reading => reading.saturating_sub(change.after),
            _ => moment,
        }
    }

    /// The change of the clock after `from` and not after `until`, which is not more than 52 hours later.
    fn change(&self, from: i64, until: i64) -> Option<Change> {
        let (before, after) = (self.offset_at(from), self.offset_at(until));
        if from >= until || before == after {
            return None;
        }
        let (mut old, mut new) = (from, until);
        while new - old > 1 {
            let between = old + (new - old) / 2;
            if self.offset_at(between) == before {
                old = between;
            } else {
                new = between;
            }
        }
        Some(Change { at: new, before, after })
    }

    /// The last change of the clock until `moment` that can still matter: none older than a day is looked for.
    fn last_change(&self, moment: i64) -> Option<Change> {
        self.change(moment.saturating_sub(DAY), moment)
    }
}

/// The clock on the wall is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The first moment with the new offset.
    pub(crate) at: i64,
    /// The old offset.
    pub(crate) before: i64,
    /// The new offset.
    pub(crate) after: i64,
}

impl Change {
    /// What the wall shows when it has just been put.
    pub(crate) fn reading(self) -> i64 {
        self.at + self.after
    }

    /// How much of the past the wall shows once more.
    pub(crate) fn repeated(self) -> i64 {
        (self.before - self.after).max(0)
    }
}

/// The two clocks that a schedule can follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zone {
    Utc,
    Local,
}

impl Offsets for Zone {
    #[inline]
    fn offset_at(&self, moment: i64) -> i64 {
        match self {
            Self::Utc => 0,
            Self::Local => local_offset_at(moment).map_or(0, |offset| offset.whole_seconds().into()),
        }
    }
}

/// Nothing where the system does not know its zone: then that is UTC, as it is for the times in records.
fn local_offset_at(moment: i64) -> Option<UtcOffset> {
    UtcOffset::local_offset_at(OffsetDateTime::from_unix_timestamp(moment).ok()?).ok()
}
