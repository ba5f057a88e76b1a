//! The names of rolled files: given and recognised by one description (pure).
//!
//! `app.log.2024-01-31`, and where that is taken `app.log.2024-01-31.1`, then `.2`: a rollover never overwrites and never waits. A
//! namer gets the whole of it and may put it otherwise. A name is one of ours only if it is exactly what we would give for the
//! date and the number that it holds, so the files of neighbours, whose names may begin or end alike, are never touched.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use time::macros::datetime;
use time::{Date, Month, PrimitiveDateTime, Time};
use tracing_handlers_core::Error;
use tracing_handlers_file::rollover::{Forms, Hooks};

use crate::When;

/// What stands before each number of a stamp, and how many digits it has: year, month, day, hour, minute, second.
const FIELDS: [(&str, usize); 6] = [("", 4), ("-", 2), ("-", 2), ("_", 2), ("-", 2), ("-", 2)];

/// How many numbers are tried above the highest that is known. More than one is needed only if somebody else rolls just now.
const TRIED_COUNTERS: u32 = 1_000;

/// What a namer is tried with.
const SAMPLE: PrimitiveDateTime = datetime!(2001-02-03 04:05:06);
const SAMPLE_COUNTERS: [u32; 2] = [0, 789];

/// The dated names of one file.
#[derive(Clone, Debug)]
pub(crate) struct Dated {
    pub(crate) when: When,
    pub(crate) hooks: Hooks,
    pub(crate) forms: Forms,
    /// The path is a link to the dated file that is written, which is no rolled one.
    pub(crate) is_link: bool,
}

/// A rolled file of ours. The order is that of age, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    /// When its period began, as far as the name tells.
    pub(crate) stamp: PrimitiveDateTime,
    /// 0 without a number.
    pub(crate) counter: u32,
    /// As it is without compression.
    pub(crate) path: PathBuf,
}

impl Dated {
    /// Refuses a namer that gives the file's own name, or, where old files are to be deleted, one that they are not known by.
    pub(crate) fn check(&self, path: &Path, deletes: bool) -> Result<(), Error> {
        for counter in SAMPLE_COUNTERS {
            let name = self.name(path, SAMPLE, counter)?;
            let refused =
                |why| Err(Error::config(self.hooks.naming_setting(), format_args!("{:?}", name.display().to_string()), why));
            if name == path {
                return refused("is the name of the file itself");
            }
            if deletes && self.recognise_path(path, &name).is_none() {
                return refused("does not hold the date as it was given, so old files could not be found");
            }
        }
        Ok(())
    }

    /// Where rolled files stand: beside the file, unless the namer has another place for them.
    pub(crate) fn directory(&self, path: &Path) -> Result<PathBuf, Error> {
        let name = self.name(path, SAMPLE, 0)?;
        Ok(name.parent().unwrap_or(Path::new("")).to_owned())
    }

    /// The name of the file at `path` that was begun at `stamp`; the counter tells those of one stamp apart.
    ///
    /// A namer that leaves the counter out gets it behind its name.
    pub(crate) fn name(&self, path: &Path, stamp: PrimitiveDateTime, counter: u32) -> Result<PathBuf, Error> {
        let default = with_ending(path, &write(self.when, stamp));
        let plain = self.hooks.name(default.clone())?;
        if counter == 0 {
            return Ok(plain);
        }
        let ending = counter.to_string();
        let counted = self.hooks.name(with_ending(&default, &ending))?;
        Ok(if counted == plain { with_ending(&plain, &ending) } else { counted })
    }

    /// A name for a file that was begun at `stamp`, above those that its stamp has already, so that it is known for the newest.
    pub(crate) fn next_name(
        &self,
        path: &Path,
        stamp: PrimitiveDateTime,
        ours: &[Name],
        is_taken: impl Fn(&Path) -> bool,
    ) -> Result<PathBuf, Error> {
        let text = write(self.when, stamp);
        let same = ours.iter().filter(|name| write(self.when, name.stamp) == text);
        let first = same.map(|name| name.counter.saturating_add(1)).max().unwrap_or(0);
        for counter in first..=first.saturating_add(TRIED_COUNTERS) {
            let name = self.name(path, stamp, counter)?;
            if !is_taken(&name) {
                return Ok(name);
            }
        }
        Err(Error::new(format!("find a name for {} of {text}: {TRIED_COUNTERS} are taken", path.display())))
    }

    /// The rolled files of the file at `path` that have entries in a directory, in whatever form; each once.
    pub(crate) fn ours(&self, path: &Path, directory: &Path, entries: &[OsString]) -> Vec<Name> {
        let mut taken = HashSet::new();
        let names = entries.iter().filter_map(|entry| {
            let as_it_is = self.recognise(path, directory, entry);
            as_it_is.or_else(|| self.recognise(path, directory, self.forms.plain_name(Path::new(entry))?.as_os_str()))
        });
        names.filter(|name| taken.insert(name.path.clone())).collect()
    }

    pub(crate) fn recognise_path(&self, path: &Path, name: &Path) -> Option<Name> {
        self.recognise(path, name.parent()?, name.file_name()?)
    }

    fn recognise(&self, path: &Path, directory: &Path, entry: &OsStr) -> Option<Name> {
        let full = directory.join(entry);
        let counters = counters(entry);
        let is_it = |stamp, counter| self.name(path, stamp, counter).is_ok_and(|name| name == full);
        let found = stamps(self.when, entry).find_map(|stamp| {
            let counter = counters.iter().copied().find(|&counter| is_it(stamp, counter))?;
            Some((stamp, counter))
        });
        let (stamp, counter) = found?;
        Some(Name { stamp, counter, path: full })
    }
}

/// Sorts rolled files by age, the oldest first, where the newest that can be is of `newest`.
///
/// Names of a later time are of a clock that was put back since. They are older than all that was rolled after that, so they go
/// first, and the file that was rolled just now stands last, whatever the clock did.
pub(crate) fn oldest_first(mut names: Vec<Name>, newest: PrimitiveDateTime) -> Vec<Name> {
    names.sort_by(|a, b| (a.stamp <= newest, a).cmp(&(b.stamp <= newest, b)));
    names
}

/// The date and time, as finely as this unit has them.
fn write(when: When, stamp: PrimitiveDateTime) -> String {
    let (hour, minute, second) = stamp.as_hms();
    let date = [stamp.year(), i32::from(u8::from(stamp.month())), i32::from(stamp.day())];
    let numbers = date.into_iter().chain([hour, minute, second].map(i32::from));
    let fields = FIELDS.iter().zip(numbers).take(when.fields());
    fields.map(|(&(separator, width), number)| format!("{separator}{number:0width$}")).collect()
}

/// The inverse of `write`: nothing for a text that it does not write.
fn read(when: When, mut text: &[u8]) -> Option<PrimitiveDateTime> {
    let mut numbers = [0; 6];
    for (number, (separator, width)) in numbers.iter_mut().zip(FIELDS).take(when.fields()) {
        let (digits, rest) = text.strip_prefix(separator.as_bytes())?.split_at_checked(width)?;
        (*number, text) = (decimal(digits)?, rest);
    }
    let [year, month, day, hour, minute, second] = numbers;
    let [month, day, hour, minute, second] = [month, day, hour, minute, second].map(|number| u8::try_from(number).ok());
    let date = Date::from_calendar_date(i32::try_from(year).ok()?, Month::try_from(month?).ok()?, day?).ok()?;
    let time = Time::from_hms(hour?, minute?, second?).ok()?;
    text.is_empty().then_some(PrimitiveDateTime::new(date, time))
}

/// Everything in a name that may be a stamp.
fn stamps(when: When, entry: &OsStr) -> impl Iterator<Item = PrimitiveDateTime> {
    let name = entry.as_encoded_bytes();
    let len: usize = FIELDS.iter().take(when.fields()).map(|(separator, width)| separator.len() + width).sum();
    name.windows(len).filter_map(move |text| read(when, text))
}

/// Everything in a name that may be a counter, and 0, since there may be none.
fn counters(entry: &OsStr) -> Vec<u32> {
    let runs = entry.as_encoded_bytes().split(|byte| !byte.is_ascii_digit());
    [0].into_iter().chain(runs.filter_map(decimal)).collect()
}

/// Nothing for digits with a sign, which `parse` would take.
fn decimal(digits: &[u8]) -> Option<u32> {
    let is_decimal = digits.iter().all(u8::is_ascii_digit);
    if is_decimal { std::str::from_utf8(digits).ok()?.parse().ok() } else { None }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests;
