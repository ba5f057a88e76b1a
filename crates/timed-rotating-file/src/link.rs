//! The path as a symbolic link to the dated file that is written.
//!
//! A rollover makes a link to the next file and renames it over the old one, in one step: whoever follows the path has the one file or
//! the other. The file itself is made when the path is opened.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tracing_handlers_core::Error;
use tracing_handlers_file::export::Place;
use tracing_handlers_file::fs::FileId;

/// Lets the path lead to `target`, which need not be there.
pub(crate) fn point(place: Place<'_>, target: &Path) -> Result<(), Error> {
    let context = |error| Error::io(format!("let {} lead to {}", place.path.display(), target.display()), error);
    let temporary = temporary(place.path);
    match place.fs.unlink(&temporary) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(context(error)),
    }
    // Beside each other, they may be moved together.
    let is_beside = target.parent() == place.path.parent();
    let shown = target.file_name().filter(|_| is_beside).map_or(target, Path::new);
    place.fs.symlink(shown, &temporary).map_err(context)?;
    place.fs.rename(&temporary, place.path).map_err(context)
}

/// The file that the path leads to, if it is there.
pub(crate) fn current(place: Place<'_>) -> Option<FileId> {
    place.fs.stat(place.path).ok().map(|stat| stat.id)
}

/// Where a link is made before it takes the place of the other; what a crash leaves there is replaced.
fn temporary(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".link");
    path.with_file_name(name)
}
