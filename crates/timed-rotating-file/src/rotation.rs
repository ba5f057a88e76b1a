//! When the file is due, and how it is moved away: the schedule, the size, the dated names and the deletion of old files.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use time::PrimitiveDateTime;
use tracing_handlers_core::{Error, Timestamp};
use tracing_handlers_file::export::{Aftermath, Arrival, Background, LogFile, Place, Upkeep, Verdict};
use tracing_handlers_file::fs::Stat;
use tracing_handlers_file::rollover::{Compressor, Family, Retention, remove};

use crate::Schedule;
use crate::link;
use crate::names::{Dated, Name, oldest_first};

/// Rolls by the clock, and by size where a limit is set, into dated files.
pub(crate) struct Rotation {
    schedule: Schedule,
    names: Dated,
    retention: Retention,
    /// 0 for no limit.
    max_bytes: u64,
    alarm: Alarm,
    compressor: Option<Compressor>,
}

/// The next rollover, and since when it has been that.
#[derive(Clone, Copy, Debug)]
struct Alarm {
    set_at: Timestamp,
    due_at: Timestamp,
}

/// A clock that is put back by no more than a minute, in nanoseconds, is waited for.
const SMALL_STEP: i64 = 60_000_000_000;

/// How far the times of a file lie behind the clock at most, in nanoseconds: they are those of the system's last tick. A file that was
/// begun at the end of a period must not count as one of the period before.
const COARSENESS: i64 = 10_000_000;

impl Alarm {
    fn set(schedule: &Schedule, now: Timestamp) -> Self {
        Self { set_at: now, due_at: schedule.next_rollover(now) }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        now >= self.due_at
    }

    /// The clock was put back by more than a whole period since: the rollover would come that much too late.
    ///
    /// A short period is no reason to follow every small correction of the clock, nor a batch that took its time.
    fn is_stale(&self, now: Timestamp) -> bool {
        let period = self.due_at.as_nanos().saturating_sub(self.set_at.as_nanos());
        now.as_nanos() < self.set_at.as_nanos().saturating_sub(period.max(SMALL_STEP))
    }
}

impl Rotation {
    pub(crate) fn new(
        schedule: Schedule,
        names: Dated,
        retention: Retention,
        max_bytes: u64,
        compressor: Option<Compressor>,
    ) -> Self {
        // `opening` sets it to what the file says.
        let alarm = Alarm { set_at: Timestamp::default(), due_at: Timestamp::default() };
        Self { schedule, names, retention, max_bytes, alarm, compressor }
    }

    fn is_due(&mut self, file: &LogFile, arrival: Arrival) -> bool {
        if self.alarm.is_stale(arrival.at) {
            self.alarm = Alarm::set(&self.schedule, arrival.at);
        }
        let len = file.len().saturating_add(arrival.waiting);
        let is_bare = file.is_bare() && arrival.waiting == 0;
        if !self.alarm.is_due(arrival.at) {
            return self.max_bytes > 0 && !is_bare && len.saturating_add(arrival.incoming) >= self.max_bytes;
        }
        if is_bare && !self.names.is_link {
            // Nothing to keep: the file goes on into the next period. One that bears a date cannot.
            self.alarm = Alarm::set(&self.schedule, arrival.at);
        }
        !is_bare || self.names.is_link
    }

    /// Moves the file to the name of its period, or to the next free one behind that.
    fn move_away(&self, place: Place<'_>, stamp: PrimitiveDateTime, aftermath: &mut Aftermath) -> Result<(), Error> {
        let target = self.next_name(place, stamp, aftermath)?;
        self.names.hooks.rotate(place, &target)
    }

    /// Lets the path lead to the file of the period that begins now. One in which nothing stands goes.
    fn lead_on(&self, place: Place<'_>, now: Timestamp, old: &Stat, aftermath: &mut Aftermath) -> Result<(), Error> {
        link::point(place, &self.next_name(place, self.stamp_at(now), aftermath)?)?;
        if old.len == 0 {
            let is_old = |name: &&Name| place.fs.stat_entry(&name.path).is_ok_and(|stat| stat.id == old.id);
            let ours = self.names.rolled(place).unwrap_or_default();
            ours.iter().filter(is_old).for_each(|name| remove(place, &name.path, aftermath));
        }
        Ok(())
    }

    /// What a file is named after that is begun at `now`.
    fn stamp_at(&self, now: Timestamp) -> PrimitiveDateTime {
        self.schedule.stamp(self.schedule.next_rollover(now))
    }

    /// A name for a file of this stamp that nobody has.
    fn next_name(&self, place: Place<'_>, stamp: PrimitiveDateTime, aftermath: &mut Aftermath) -> Result<PathBuf, Error> {
        let ours = match self.names.rolled(place) {
            Ok(ours) => ours,
            Err(error) => {
                // A directory that cannot be read may be written to all the same.
                aftermath.notes.push(error);
                Vec::new()
            }
        };
        // What cannot be looked at is not moved over.
        let is_taken = |name: &Path| self.names.forms.is_there(place, name).unwrap_or(true);
        self.names.next_name(place.path, stamp, &ours, is_taken)
    }

    /// What the file that is written now is named after once it is rolled.
    fn stamp(&self) -> PrimitiveDateTime {
        self.schedule.stamp(self.alarm.due_at)
    }

    /// All rolled files, oldest first. Only regular files count: a directory or a link of such a name is somebody else's.
    pub(crate) fn existing(&self, place: Place<'_>) -> Result<Vec<PathBuf>, Error> {
        let _moving = self.compressor.as_ref().map(Compressor::hold);
        self.existing_until(self.stamp(), place)
    }

    fn existing_until(&self, newest: PrimitiveDateTime, place: Place<'_>) -> Result<Vec<PathBuf>, Error> {
        let is_file = |path: &PathBuf| place.fs.stat_entry(path).is_ok_and(|stat| stat.is_regular);
        let ours = oldest_first(self.names.rolled(place)?, newest);
        let files = ours.iter().map(|name| self.names.forms.files(place, &name.path).unwrap_or_default());
        Ok(files.flatten().filter(is_file).collect())
    }

    /// What a rollover would delete now.
    pub(crate) fn surplus(&self, place: Place<'_>, now: Timestamp) -> Result<Vec<PathBuf>, Error> {
        let _moving = self.compressor.as_ref().map(Compressor::hold);
        self.surplus_until(self.stamp(), place, now)
    }

    fn surplus_until(&self, newest: PrimitiveDateTime, place: Place<'_>, now: Timestamp) -> Result<Vec<PathBuf>, Error> {
        let existing = self.existing_until(newest, place)?;
        Ok(self.retention.expired(place, &existing, now).to_vec())
    }

    fn delete_surplus(&self, newest: PrimitiveDateTime, place: Place<'_>, now: Timestamp, aftermath: &mut Aftermath) {
        if self.retention == Retention::default() {
            return;
        }
        self.settle(place, aftermath);
        match self.surplus_until(newest, place, now) {
            Ok(surplus) => surplus.iter().for_each(|path| remove(place, path, aftermath)),
            Err(error) => aftermath.notes.push(error),
        }
    }

    /// Removes files that have been compressed, where a crash left both.
    fn settle(&self, place: Place<'_>, aftermath: &mut Aftermath) {
        if self.compressor.is_none() {
            return;
        }
        // That the directory cannot be read is noted by who looks for what is to be deleted.
        for name in self.names.rolled(place).unwrap_or_default() {
            match self.names.forms.settle(place, &name.path) {
                Ok(unlinked) => aftermath.unlinked.extend(unlinked),
                Err(error) => aftermath.notes.push(error),
            }
        }
    }

    /// Moves the file at the path away, and deletes what is not kept.
    fn roll_file(&self, place: Place<'_>, now: Timestamp, aftermath: &mut Aftermath) -> Result<(), Error> {
        let stamp = self.stamp();
        let mut moving = self.compressor.as_ref().map(Compressor::hold);
        match place.fs.stat(place.path) {
            Ok(stat) if stat.is_regular => {
                if let Some(moving) = &mut moving {
                    moving.rolls(stat.id);
                }
                match self.names.is_link {
                    true => self.lead_on(place, now, &stat, aftermath)?,
                    false => self.move_away(place, stamp, aftermath)?,
                }
            }
            Ok(_) => return Err(Error::new(format!("roll {}: not a regular file", place.path.display()))),
            // Somebody removed it: there is nothing to keep.
            Err(error) if error.kind() == ErrorKind::NotFound && self.names.is_link => {
                link::point(place, &self.next_name(place, self.stamp_at(now), aftermath)?)?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io(format!("look at {}", place.path.display()), error)),
        }
        self.delete_surplus(stamp, place, now, aftermath);
        Ok(())
    }
}

impl Upkeep for Rotation {
    fn is_timed(&self) -> bool {
        true
    }

    /// The first period is that of the contents: it began when the file was made or last written, whichever is earlier.
    fn opening(&mut self, before: Option<&Stat>, now: Timestamp) {
        let began = before.and_then(|stat| stat.created.into_iter().chain(stat.modified).min());
        self.alarm = Alarm::set(&self.schedule, began.unwrap_or(now).min(now));
    }

    fn rolls(&self) -> bool {
        true
    }

    /// What stands at the path is moved to its date, unless it is a link that leads somewhere.
    fn before_opening(&mut self, place: Place<'_>, now: Timestamp, aftermath: &mut Aftermath) -> Result<(), Error> {
        if !self.names.is_link {
            return Ok(());
        }
        match place.fs.stat_entry(place.path) {
            Ok(stat) if stat.is_link && link::current(place).is_some() => return Ok(()),
            Ok(stat) if stat.is_regular => {
                self.move_away(place, self.stamp(), aftermath)?;
                self.alarm = Alarm::set(&self.schedule, now);
            }
            Ok(stat) if !stat.is_link => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io(format!("look at {}", place.path.display()), error)),
        }
        link::point(place, &self.next_name(place, self.stamp(), aftermath)?)
    }

    fn released(&mut self) {
        if let Some(compressor) = &self.compressor {
            compressor.released();
        }
    }

    fn background(&self) -> Option<Arc<dyn Background>> {
        self.compressor.as_ref().map(Compressor::background)
    }

    /// The period is that of the new file.
    fn followed(&mut self, stat: &Stat, now: Timestamp) {
        let began = stat.created.into_iter().chain(stat.modified).min().unwrap_or(now);
        let began = Timestamp::from_nanos(began.as_nanos().saturating_add(COARSENESS));
        self.alarm = Alarm::set(&self.schedule, began.min(now));
    }

    #[inline]
    fn inspect(&mut self, _: Place<'_>, file: &mut LogFile, arrival: Arrival) -> Verdict {
        if file.is_regular() && self.is_due(file, arrival) { Verdict::Roll } else { Verdict::Write }
    }

    /// Nothing to keep is no rolled file, also on request.
    fn rolls_bare_files(&self) -> bool {
        false
    }

    fn roll(&mut self, place: Place<'_>, now: Timestamp, aftermath: &mut Aftermath) -> Result<(), Error> {
        self.roll_file(place, now, aftermath)?;
        // A record may have waited for a lock, or in a buffer, while others rolled: the new file is of no earlier period than the old.
        self.alarm = Alarm::set(&self.schedule, now.max(self.alarm.set_at));
        Ok(())
    }
}

impl Dated {
    /// The rolled files there are.
    fn rolled(&self, place: Place<'_>) -> Result<Vec<Name>, Error> {
        let directory = Dated::directory(self, place.path)?;
        let mut rolled = match place.fs.list(&directory) {
            Ok(entries) => self.ours(place.path, &directory, &entries),
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(Error::io(format!("list {}", directory.display()), error)),
        };
        if let Some(current) = self.is_link.then(|| link::current(place)).flatten() {
            rolled.retain(|name| place.fs.stat_entry(&name.path).map_or(true, |stat| stat.id != current));
        }
        Ok(rolled)
    }
}

impl Family for Dated {
    fn directory(&self, path: &Path) -> Result<PathBuf, Error> {
        Dated::directory(self, path)
    }

    fn has_name(&self, path: &Path, name: &Path) -> bool {
        self.recognise_path(path, name).is_some()
    }

    fn names(&self, place: Place<'_>) -> Result<Vec<PathBuf>, Error> {
        Ok(self.rolled(place)?.into_iter().map(|name| name.path).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::When;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn an_alarm_is_stale_once_the_clock_is_a_period_behind_it() {
        let alarm = Alarm::set(&Schedule::new(When::Hours).utc(true), at(100_000));
        assert!(!alarm.is_stale(at(100_000)));
        assert!(!alarm.is_stale(at(96_400)), "a small step back is waited out");
        assert!(alarm.is_stale(at(96_399)));
        let alarm = Alarm::set(&Schedule::new(When::Seconds).utc(true), at(100_000));
        assert!(!alarm.is_stale(at(99_940)), "so is a minute, however short the period");
        assert!(alarm.is_stale(at(99_939)));
    }
}
