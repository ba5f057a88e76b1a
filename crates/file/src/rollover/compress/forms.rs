//! The forms in which a rolled file may stand: as it was written, compressed, or, for a moment or after a crash, both.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tracing_handlers_core::Error;

use super::{Compression, temporary};
use crate::fs::{Stat, Unlinked};
use crate::upkeep::Place;

/// What can stand behind the name of a rolled file, and behind that the name of one that is being compressed.
pub(super) const ENDINGS: [&str; 2] = ["gz", "zst"];

/// Which forms of a rolled file are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forms {
    /// The file as it was written.
    #[default]
    Plain,
    /// Also those that were compressed, by whatever method.
    Compressed,
}

impl Forms {
    /// What there may be where files are compressed, or are not.
    pub fn with(compression: Option<Compression>) -> Self {
        if compression.is_some() { Self::Compressed } else { Self::Plain }
    }

    /// The names that the rolled file of this name may have.
    pub fn names(self, name: &Path) -> Vec<PathBuf> {
        let mut names = vec![name.to_owned()];
        if self == Self::Compressed {
            names.extend(ENDINGS.map(|ending| with_ending(name, ending)));
        }
        names
    }

    /// The name without what compression put behind it, if that is there.
    pub fn plain_name(self, name: &Path) -> Option<PathBuf> {
        let ending = name.extension().filter(|_| self == Self::Compressed)?;
        ENDINGS.iter().any(|known| ending == *known).then(|| name.with_extension(""))
    }

    /// Whether anything stands in the place of this name.
    ///
    /// # Errors
    ///
    /// It cannot be looked at.
    pub fn is_there(self, place: Place<'_>, name: &Path) -> Result<bool, Error> {
        for form in self.names(name) {
            if stat(place, &form)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The files that stand in the place of this name. A file whose compressed copy is there as well is left out.
    ///
    /// # Errors
    ///
    /// It cannot be looked at.
    pub fn files(self, place: Place<'_>, name: &Path) -> Result<Vec<PathBuf>, Error> {
        let mut found = Vec::new();
        for form in self.names(name) {
            found.extend(stat(place, &form)?.map(|stat| (form, stat)));
        }
        if is_copied(name, &found) {
            found.remove(0);
        }
        Ok(found.into_iter().map(|(form, _)| form).collect())
    }

    /// Removes the file of which a compressed copy is there.
    ///
    /// # Errors
    ///
    /// It cannot be looked at, or not be removed.
    pub fn settle(self, place: Place<'_>, name: &Path) -> Result<Option<Unlinked>, Error> {
        let is_done = self == Self::Plain || self.files(place, name)?.first().is_none_or(|first| first == name);
        if is_done || stat(place, name)?.is_none() {
            return Ok(None);
        }
        unlink_at_once(place, name)
    }

    /// Removes whatever stands in the place of this name.
    ///
    /// # Errors
    ///
    /// The first that cannot be removed.
    pub fn unlink(self, place: Place<'_>, name: &Path) -> Result<Vec<Unlinked>, Error> {
        let mut unlinked = Vec::new();
        for form in self.names(name) {
            unlinked.extend(if form == name && self == Self::Compressed {
                unlink_at_once(place, &form)
            } else {
                unlink(place, &form)
            }?);
        }
        Ok(unlinked)
    }

    /// Moves what stands in the place of one name to that of another, in which nothing stands.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn rename(self, place: Place<'_>, from: &Path, to: &Path) -> Result<(), Error> {
        for (from, to) in self.names(from).iter().zip(self.names(to)) {
            if self == Self::Plain || stat(place, from)?.is_some() {
                let context = |error| Error::io(format!("rename {} to {}", from.display(), to.display()), error);
                place.fs.rename(from, &to).map_err(context)?;
            }
        }
        Ok(())
    }
}

/// Whether the first of these files of one place is the file itself, and another its compressed copy.
fn is_copied(name: &Path, found: &[(PathBuf, Stat)]) -> bool {
    let Some(((first, plain), others)) = found.split_first() else { return false };
    first == name && others.iter().any(|(_, other)| is_copy(plain, other))
}

/// Whether a compressed file is made of this one.
pub(super) fn is_copy(plain: &Stat, compressed: &Stat) -> bool {
    plain.is_regular && compressed.is_regular && plain.modified.is_some() && plain.modified == compressed.modified
}

/// What stands at a path itself. A symbolic link whose target is missing is there, too: a rename would replace it.
pub(super) fn stat(place: Place<'_>, path: &Path) -> Result<Option<Stat>, Error> {
    match place.fs.stat_entry(path) {
        Ok(stat) => Ok(Some(stat)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(format!("look at {}", path.display()), error)),
    }
}

pub(super) fn unlink(place: Place<'_>, path: &Path) -> Result<Option<Unlinked>, Error> {
    match place.fs.unlink(path) {
        Ok(unlinked) => Ok(Some(unlinked)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(format!("remove {}", path.display()), error)),
    }
}

/// As [`unlink`], of a file that may be read at this moment, to be compressed. On Windows such a file may keep its name until it is closed, and would
/// be moved up the chain by whoever comes first: it gets a name that is nobody's before.
pub(super) fn unlink_at_once(place: Place<'_>, path: &Path) -> Result<Option<Unlinked>, Error> {
    if cfg!(unix) {
        return unlink(place, path);
    }
    let aside = temporary::name(path, temporary::GONE);
    match place.fs.rename(path, &aside) {
        Ok(()) => unlink(place, &aside).inspect_err(|_| {
            // Better there than under a name that nobody reads.
            place.fs.rename(&aside, path).ok();
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(format!("remove {}", path.display()), error)),
    }
}

pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}
