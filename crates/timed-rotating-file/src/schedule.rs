//! When a file is rolled by the clock, and what it is named after (pure).

use time::{OffsetDateTime, PrimitiveDateTime, Time};
use tracing_handlers_core::{Error, Timestamp};

use crate::When;
use crate::zone::{DAY, Offsets, Zone};

/// Says when a file is rolled over, from nothing but the time: it keeps no state and asks no clock.
///
/// | setting | default | |
/// |---|---|---|
/// | [`interval`](Self::interval) | 1 | how many units |
/// | [`at_time`](Self::at_time) | midnight | when of the day; for `Midnight` and `Weekday` only |
/// | [`utc`](Self::utc) | off | the system's zone, or UTC |
/// | [`aligned`](Self::aligned) | off | for `Seconds`, `Minutes`, `Hours` and `Days`: at round times of the clock |
///
/// ```
/// use time::macros::time;
/// use tracing_handlers_core::Timestamp;
/// use tracing_handlers_timed_rotating_file::{Schedule, When};
///
/// let noon = Schedule::new(When::Midnight).at_time(time!(12:00)).utc(true).check()?;
/// assert_eq!(noon.next_rollover(Timestamp::from_unix_seconds(0)).unix_seconds(), 43_200);
///
/// let quarters = Schedule::new(When::Minutes).interval(15).aligned(true).utc(true).check()?;
/// assert_eq!(quarters.next_rollover(Timestamp::from_unix_seconds(1_000)).unix_seconds(), 1_800);
/// # Ok::<(), tracing_handlers_core::Error>(())
/// ```
///
/// # When the clock is put
///
/// `Midnight`, `Weekday` and aligned intervals follow the clock on the wall:
///
/// - A time that the clock jumps over comes as long after the jump as it is ahead of the last time before: where 02:00 becomes
///   03:00, `at_time` 02:30 is at 03:30 that day.
/// - Of a time that comes twice, the first counts that is later than now. A day is counted by the date on the wall: who asks on
///   the second pass before that time is told of it once more, as in Python.
/// - An aligned interval that is not longer than the hour that comes twice is rolled on both passes; a longer one is rolled once.
///
/// Intervals that are not aligned are seconds that pass; changes of the clock do not touch them.
///
/// Rollovers beyond the year 2262, where timestamps end, are at that end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    when: When,
    interval: u32,
    at_time: Option<Time>,
    zone: Zone,
    aligned: bool,
}

impl Schedule {
    /// One unit of `when`, in the system's zone.
    pub fn new(when: When) -> Self {
        Self { when, interval: 1, at_time: None, zone: Zone::Local, aligned: false }
    }

    /// How many units from one rollover to the next.
    #[must_use]
    pub fn interval(mut self, units: u32) -> Self {
        self.interval = units;
        self
    }

    /// The time of the day for `Midnight` and `Weekday`, to the second; as in Python the others do without.
    ///
    /// Without it a weekly file is rolled at the midnight that ends the day, with 00:00 at the one that begins it.
    #[must_use]
    pub fn at_time(mut self, at_time: Time) -> Self {
        self.at_time = Some(at_time);
        self
    }

    /// UTC instead of the system's zone, for rollovers and names.
    #[must_use]
    pub fn utc(mut self, utc: bool) -> Self {
        self.zone = if utc { Zone::Utc } else { Zone::Local };
        self
    }

    /// Rolls at round times of the clock: every 15 minutes on the quarter, every 6 hours at 0, 6, 12 and 18 o'clock, every day at
    /// midnight, whenever the file was begun.
    ///
    /// The times are the multiples of the interval since 1970-01-01 00:00 on the clock. Those of an interval that divides a day are
    /// the same every day. `Midnight` and `Weekday` are what they are.
    #[must_use]
    pub fn aligned(mut self, aligned: bool) -> Self {
        self.aligned = aligned;
        self
    }

    /// This schedule, if it can be kept.
    ///
    /// # Errors
    ///
    /// A configuration error for an interval of 0. Without this check it counts as 1.
    pub fn check(self) -> Result<Self, Error> {
        if self.interval == 0 {
            return Err(Error::config("interval", 0, "must be at least one"));
        }
        Ok(self)
    }

    /// When a file is rolled that was begun, or last rolled, at `now`: a whole second, always later than `now`.
    pub fn next_rollover(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_unix_seconds(self.next_in(&self.zone, now.unix_seconds()))
    }

    /// When the period began that ends with this rollover. The rolled file is named after it.
    ///
    /// It is a whole interval back on the clock that the schedule follows, though the first period of a process is often shorter.
    pub fn period_start(&self, rollover: Timestamp) -> Timestamp {
        Timestamp::from_unix_seconds(self.start_in(&self.zone, rollover.unix_seconds()))
    }

    /// What the clock showed, or would have shown, when the period began that ends with this rollover.
    ///
    /// Names are made of this and not of [`period_start`](Self::period_start): a time that was jumped over has its place among the
    /// names as well, while the moment that takes its place may bear the date of the next file.
    pub(crate) fn stamp(&self, rollover: Timestamp) -> PrimitiveDateTime {
        let reading = self.start_reading(&self.zone, rollover.unix_seconds());
        let shown = OffsetDateTime::from_unix_timestamp(reading).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        PrimitiveDateTime::new(shown.date(), shown.time())
    }

    fn next_in(&self, zone: &impl Offsets, now: i64) -> i64 {
        match self.rule() {
            Rule::Elapsed => now.saturating_add(self.period()),
            Rule::Aligned => self.next_multiple(zone, now),
            Rule::Daily { end } => zone.first(now, self.due_reading(zone.reading(now), end)),
        }
    }

    fn start_in(&self, zone: &impl Offsets, rollover: i64) -> i64 {
        let start = match self.rule() {
            Rule::Elapsed => rollover.saturating_sub(self.period()),
            Rule::Aligned | Rule::Daily { .. } => zone.first(i64::MIN, self.start_reading(zone, rollover)),
        };
        // The start was jumped over and comes late, the end was not.
        if start < rollover { start } else { rollover.saturating_sub(self.period()) }
    }

    fn start_reading(&self, zone: &impl Offsets, rollover: i64) -> i64 {
        match self.rule() {
            Rule::Elapsed => zone.reading(rollover.saturating_sub(self.period())),
            Rule::Aligned | Rule::Daily { .. } => self.rollover_reading(zone, rollover).saturating_sub(self.period()),
        }
    }

    /// What the wall shows at a rollover, or would have shown if the clock had not been put just before.
    fn rollover_reading(&self, zone: &impl Offsets, rollover: i64) -> i64 {
        let shown = zone.reading(rollover);
        let Some(change) = zone.last_change(rollover) else { return shown };
        let otherwise = rollover.saturating_add(change.before);
        let never_shown = rollover == change.at || otherwise < change.reading();
        if never_shown && self.is_due_at(otherwise) { otherwise } else { shown }
    }

    /// Whether this is a reading to be rolled at.
    fn is_due_at(&self, reading: i64) -> bool {
        match self.rule() {
            Rule::Elapsed => true,
            Rule::Aligned => reading.rem_euclid(self.period()) == 0,
            Rule::Daily { end } => {
                let since_end = reading - end;
                since_end.rem_euclid(DAY) == 0 && self.days_to_wait(since_end.div_euclid(DAY)) == 0
            }
        }
    }

    /// The next multiple of the period on the wall.
    fn next_multiple(&self, zone: &impl Offsets, now: i64) -> i64 {
        let period = self.period();
        let due = zone.first(now, multiple_above(zone.reading(now), period));
        // What is repeated or jumped over is too short to hold a multiple more.
        if period >= DAY {
            return due;
        }
        let Some(change) = zone.change(now, due) else { return due };
        if (1..period).contains(&change.repeated()) {
            return due;
        }
        // The clock that was put has multiples of its own: the same again if it was put back, others if it was put forward.
        due.min(zone.first(change.at, multiple_above(change.reading() - 1, period)))
    }

    /// The reading at the end of the day that is due; `reading` is before it.
    fn due_reading(&self, reading: i64, end: i64) -> i64 {
        let today = reading.div_euclid(DAY);
        let day = if reading.rem_euclid(DAY) < end { today } else { today + 1 };
        let further = self.period() - self.when.unit_seconds();
        (day + self.days_to_wait(day)) * DAY + end + further
    }

    /// How many days after this one the day of the week is; days are counted from 1970-01-01.
    fn days_to_wait(&self, day: i64) -> i64 {
        let When::Weekday(weekday) = self.when else { return 0 };
        // That was a Thursday.
        let days_from_monday = day + 3;
        (i64::from(weekday.number_days_from_monday()) - days_from_monday).rem_euclid(7)
    }

    fn rule(&self) -> Rule {
        match self.when {
            When::Midnight | When::Weekday(_) => Rule::Daily { end: self.end_of_day() },
            When::Seconds | When::Minutes | When::Hours | When::Days if self.aligned => Rule::Aligned,
            When::Seconds | When::Minutes | When::Hours | When::Days => Rule::Elapsed,
        }
    }

    /// The second of the day at which a file is rolled: without a time of the day, after the last.
    fn end_of_day(&self) -> i64 {
        self.at_time.map_or(DAY, |time| {
            let (hour, minute, second) = time.as_hms();
            (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second)
        })
    }

    /// The length of an interval where no clock is put.
    fn period(&self) -> i64 {
        self.when.unit_seconds() * i64::from(self.interval.max(1))
    }
}

/// The three ways in which rollovers follow each other.
#[derive(Clone, Copy)]
enum Rule {
    /// So many seconds later.
    Elapsed,
    /// At the next multiple of the interval on the wall.
    Aligned,
    /// When the wall shows this second of the day, 0 to [`DAY`], on the days that count.
    Daily { end: i64 },
}

fn multiple_above(reading: i64, period: i64) -> i64 {
    (reading.div_euclid(period) + 1) * period
}

#[cfg(test)]
mod tests;
