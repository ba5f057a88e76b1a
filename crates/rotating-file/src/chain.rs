//! The chain of backups: `app.log.1` is the newest, `app.log.N` the oldest.
//!
//! Room is made from the far end towards the file that is written, and only as far as the first gap, so that at every moment,
//! whatever step comes last, each record stands in exactly one file, and a rollover that was cut off costs no backup.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tracing_handlers_core::Error;
use tracing_handlers_file::export::{Place, Unlinked};
use tracing_handlers_file::rollover::{Forms, Hooks};

/// How many names are looked at where that cannot end by itself; a chain is not longer in practice.
const CHECKED_NAMES: usize = 1_000;

/// The numbered backups of one file.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) backup_count: usize,
    pub(crate) hooks: Hooks,
    /// How a backup may stand in its place.
    pub(crate) forms: Forms,
}

impl Chain {
    /// Refuses a namer that gives two files one name.
    pub(crate) fn check(&self, path: &Path) -> Result<(), Error> {
        let mut taken = HashSet::from([path.to_path_buf()]);
        for number in 1..=self.backup_count.min(CHECKED_NAMES) {
            let name = self.name(path, number)?;
            if !taken.insert(name.clone()) {
                let why = format!("gives a name that is taken, for backup {number}");
                return Err(Error::config(self.hooks.naming_setting(), format_args!("{:?}", name.display().to_string()), why));
            }
        }
        Ok(())
    }

    /// Moves the file at the path to the first place of the chain, after moving the others up. Says how long the chain is then.
    pub(crate) fn roll(&self, place: Place<'_>, unlinked: &mut Vec<Unlinked>) -> Result<usize, Error> {
        let gap = self.first_gap(place)?;
        if gap > self.backup_count {
            for form in self.forms_of(place, self.backup_count)? {
                unlinked.extend(unlink(place, &form)?);
            }
        }
        for number in (1..gap.min(self.backup_count)).rev() {
            self.move_up(place, number, unlinked)?;
        }
        self.hooks.rotate(place, &self.name(place.path, 1)?)?;
        Ok(gap.min(self.backup_count))
    }

    /// Moves a backup to the next place, which is free, in the one form that counts.
    fn move_up(&self, place: Place<'_>, number: usize, unlinked: &mut Vec<Unlinked>) -> Result<(), Error> {
        let (from, to) = (self.name(place.path, number)?, self.name(place.path, number + 1)?);
        let moves = self.forms.of(&from).zip(self.forms.of(&to));
        let mut standing = Vec::new();
        for (from, to) in moves {
            if is_there(place, &from)? {
                standing.push((from, to));
            }
        }
        let Some(((from, to), others)) = standing.split_first() else { return Ok(()) };
        // What it was made of first: two names in two places would be two files.
        for (other, _) in others {
            unlinked.extend(unlink(place, other)?);
        }
        let context = |error| Error::io(format!("rename {} to {}", from.display(), to.display()), error);
        place.fs.rename(from, to).map_err(context)
    }

    /// The first `len` backups as they stand, oldest first.
    pub(crate) fn oldest_first(&self, place: Place<'_>, len: usize) -> Result<Vec<PathBuf>, Error> {
        let standing = (1..=len).rev().map(|number| Ok(self.forms_of(place, number)?.into_iter().next()));
        standing.filter_map(Result::transpose).collect()
    }

    /// The backups there are, oldest first; also those behind a gap, which a rollover that was cut off leaves.
    pub(crate) fn existing(&self, place: Place<'_>) -> Result<Vec<PathBuf>, Error> {
        let gap = self.first_gap(place)?;
        let mut existing = self.oldest_first(place, gap - 1)?;
        for number in gap + 1..=self.backup_count.min(CHECKED_NAMES) {
            if let Some(form) = self.forms_of(place, number)?.into_iter().next() {
                existing.insert(0, form);
            }
        }
        Ok(existing)
    }

    /// Those backups that stand in plain form, oldest first.
    pub(crate) fn plain(&self, place: Place<'_>) -> Result<Vec<PathBuf>, Error> {
        let gap = self.first_gap(place)?;
        let numbers = (1..gap).chain(gap + 1..=self.backup_count.min(CHECKED_NAMES));
        let mut plain = Vec::new();
        for number in numbers {
            let name = self.name(place.path, number)?;
            if is_there(place, &name)? {
                plain.insert(0, name);
            }
        }
        Ok(plain)
    }

    /// The first number that no backup has; one above the last where there is no gap.
    fn first_gap(&self, place: Place<'_>) -> Result<usize, Error> {
        for number in 1..=self.backup_count {
            if self.forms_of(place, number)?.is_empty() {
                return Ok(number);
            }
        }
        Ok(self.backup_count + 1)
    }

    /// The names under which a backup stands, the one that counts first.
    fn forms_of(&self, place: Place<'_>, number: usize) -> Result<Vec<PathBuf>, Error> {
        let name = self.name(place.path, number)?;
        let mut standing = Vec::new();
        for form in self.forms.of(&name) {
            if is_there(place, &form)? {
                standing.push(form);
            }
        }
        Ok(standing)
    }

    /// `app.log` and 3 make `app.log.3`, or what the namer makes of that.
    fn name(&self, path: &Path, number: usize) -> Result<PathBuf, Error> {
        let mut default = OsString::from(path);
        default.push(format!(".{number}"));
        self.hooks.name(PathBuf::from(default))
    }
}

fn unlink(place: Place<'_>, name: &Path) -> Result<Option<Unlinked>, Error> {
    match place.fs.unlink(name) {
        Ok(unlinked) => Ok(Some(unlinked)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(format!("remove {}", name.display()), error)),
    }
}

fn is_there(place: Place<'_>, name: &Path) -> Result<bool, Error> {
    // A symbolic link whose target is missing is there, too: a rename would replace it.
    match place.fs.stat_entry(name) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io(format!("look at {}", name.display()), error)),
    }
}
