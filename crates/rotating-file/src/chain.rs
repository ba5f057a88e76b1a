//! The chain of backups: `app.log.1` is the newest, `app.log.N` the oldest.
//!
//! Room is made from the far end towards the file that is written, and only as far as the first gap, so that at every moment,
//! whatever step comes last, each record stands in exactly one file, and a rollover that was cut off costs no backup.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tracing_handlers_core::Error;
use tracing_handlers_file::export::{Place, Unlinked};
use tracing_handlers_file::rollover::{Family, Forms, Hooks};

/// How many names are looked at where that cannot end by itself; a chain is not longer in practice.
const CHECKED_NAMES: usize = 1_000;

/// The numbered backups of one file.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) backup_count: usize,
    pub(crate) hooks: Hooks,
    pub(crate) forms: Forms,
}

impl Chain {
    /// Refuses a namer that gives two files one name.
    pub(crate) fn check(&self, path: &Path) -> Result<(), Error> {
        let mut taken = HashSet::from([path.to_path_buf()]);
        for number in 1..=self.backup_count.min(CHECKED_NAMES) {
            let name = self.name(path, number)?;
            if !self.forms.names(&name).into_iter().all(|form| taken.insert(form)) {
                let why = format!("gives a name that is taken, for backup {number}");
                return Err(Error::config(self.hooks.naming_setting(), format_args!("{:?}", name.display().to_string()), why));
            }
        }
        Ok(())
    }

    /// Moves the file at the path to the first place of the chain, after moving the others up. Says how long the chain is then.
    pub(crate) fn roll(&self, place: Place<'_>, unlinked: &mut Vec<Unlinked>) -> Result<usize, Error> {
        let gap = self.first_gap(place)?;
        for number in 1..gap {
            // One step moves one file: of two that are the same, one would be left behind by a crash.
            unlinked.extend(self.forms.settle(place, &self.name(place.path, number)?)?);
        }
        if gap > self.backup_count {
            unlinked.extend(self.forms.unlink(place, &self.name(place.path, self.backup_count)?)?);
        }
        for number in (1..gap.min(self.backup_count)).rev() {
            self.forms.rename(place, &self.name(place.path, number)?, &self.name(place.path, number + 1)?)?;
        }
        self.hooks.rotate(place, &self.name(place.path, 1)?)?;
        Ok(gap.min(self.backup_count))
    }

    /// The files of the first `len` backups, oldest first.
    pub(crate) fn oldest_first(&self, place: Place<'_>, len: usize) -> Result<Vec<PathBuf>, Error> {
        let mut files = Vec::new();
        for number in (1..=len).rev() {
            files.extend(self.forms.files(place, &self.name(place.path, number)?)?);
        }
        Ok(files)
    }

    /// The backups there are, oldest first; also those behind a gap, which a rollover that was cut off leaves.
    pub(crate) fn existing(&self, place: Place<'_>) -> Result<Vec<PathBuf>, Error> {
        let mut files = Vec::new();
        for name in self.names(place)? {
            files.extend(self.forms.files(place, &name)?);
        }
        Ok(files)
    }

    /// The first number that no backup has; one above the last where there is no gap.
    fn first_gap(&self, place: Place<'_>) -> Result<usize, Error> {
        for number in 1..=self.backup_count {
            let name = self.name(place.path, number)?;
            if !self.forms.is_there(place, &name)? {
                return Ok(number);
            }
        }
        Ok(self.backup_count + 1)
    }

    /// `app.log` and 3 make `app.log.3`, or what the namer makes of that.
    fn name(&self, path: &Path, number: usize) -> Result<PathBuf, Error> {
        let mut default = OsString::from(path);
        default.push(format!(".{number}"));
        self.hooks.name(PathBuf::from(default))
    }
}

impl Family for Chain {
    fn directory(&self, path: &Path) -> Result<PathBuf, Error> {
        Ok(self.name(path, 1)?.parent().unwrap_or(Path::new("")).to_owned())
    }

    fn has_name(&self, path: &Path, name: &Path) -> bool {
        (1..=self.backup_count.min(CHECKED_NAMES)).any(|number| self.name(path, number).is_ok_and(|of_chain| of_chain == name))
    }

    /// Oldest first.
    fn names(&self, place: Place<'_>) -> Result<Vec<PathBuf>, Error> {
        let gap = self.first_gap(place)?;
        let mut names = (1..gap).map(|number| self.name(place.path, number)).collect::<Result<Vec<_>, _>>()?;
        for number in gap + 1..=self.backup_count.min(CHECKED_NAMES) {
            let name = self.name(place.path, number)?;
            if self.forms.is_there(place, &name)? {
                names.push(name);
            }
        }
        names.reverse();
        Ok(names)
    }
}
