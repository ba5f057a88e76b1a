//! What the rotating handlers share: the hooks that name and move files, their compression, and how many of the old ones are kept.

mod builder;
mod compress;
mod expire;
mod naming;
mod retention;

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing_handlers_core::Error;

use self::naming::{NamePattern, Origin, refused};
use crate::settings::Settings;
use crate::upkeep::Place;

pub use self::compress::{Compression, Compressor, Family, Forms, Moving};
pub use self::expire::remove;
pub use self::naming::Endings;
pub use self::retention::Retention;

type Namer = Arc<dyn Fn(&Path) -> PathBuf + Send + Sync>;
type Rotator = Arc<dyn Fn(&Path, &Path) -> io::Result<()> + Send + Sync>;

/// The user's `namer` and `rotator`, or the defaults: the name as it is, and a rename. A hook that panics is contained.
#[derive(Clone, Default)]
pub struct Hooks {
    namer: Option<Namer>,
    /// Takes the place of a namer, once it was read.
    pattern: Option<String>,
    rotator: Option<Rotator>,
}

impl Hooks {
    /// Sets what makes a rolled file's name of the default one.
    pub fn set_namer(&mut self, namer: impl Fn(&Path) -> PathBuf + Send + Sync + 'static) {
        self.namer = Some(Arc::new(namer));
    }

    /// Sets the pattern of rolled files' names.
    pub fn set_pattern(&mut self, pattern: String) {
        self.pattern = Some(pattern);
    }

    /// Reads the pattern, if there is one, for the files of `path`.
    ///
    /// # Errors
    ///
    /// A configuration error for a pattern that cannot be, or that stands beside a namer.
    pub fn read_pattern(&mut self, path: &Path, endings: Endings) -> Result<(), Error> {
        let Some(pattern) = &self.pattern else { return Ok(()) };
        if self.namer.is_some() {
            return Err(refused(pattern, "and a namer cannot both name a file"));
        }
        let host = hostname::get().map_err(|error| refused(pattern, "the system does not say its name").with_source(error))?;
        let origin = Origin { host: host.to_string_lossy().into_owned(), pid: std::process::id() };
        let read = NamePattern::read(pattern, path, endings, &origin).map_err(|why| refused(pattern, why))?;
        self.set_namer(move |default| read.name(default));
        Ok(())
    }

    /// What compresses the rolled files of this family, if that is wanted.
    ///
    /// # Errors
    ///
    /// A level that is none. A rotator, or others that write to the log.
    pub fn compressor(
        &self,
        kind: &str,
        settings: &Settings,
        compression: Option<Compression>,
        family: impl Family,
    ) -> Result<Option<Compressor>, Error> {
        let Some(compression) = compression else { return Ok(None) };
        if self.rotator.is_some() {
            let why = "cannot go with a rotator: what is written to, and what was rolled, are told apart by renames";
            return Err(Error::config("compress", compression, why));
        }
        Compressor::new(kind, settings, compression, family).map(Some)
    }

    /// Whether the user moves the file.
    pub fn has_rotator(&self) -> bool {
        self.rotator.is_some()
    }

    /// Which setting the names come from, for errors.
    pub fn naming_setting(&self) -> &'static str {
        if self.pattern.is_some() { "name_pattern" } else { "namer" }
    }

    /// Sets what moves the file that was written to its new name.
    pub fn set_rotator(&mut self, rotator: impl Fn(&Path, &Path) -> io::Result<()> + Send + Sync + 'static) {
        self.rotator = Some(Arc::new(rotator));
    }

    /// The name of a rolled file.
    ///
    /// # Errors
    ///
    /// The namer panicked.
    pub fn name(&self, default: PathBuf) -> Result<PathBuf, Error> {
        let Some(namer) = &self.namer else { return Ok(default) };
        catch_unwind(AssertUnwindSafe(|| namer(&default)))
            .map_err(|_| Error::panicked(format!("the namer panicked over {}", default.display())))
    }

    /// Moves the file that was written to `to`.
    ///
    /// # Errors
    ///
    /// What the rename or the rotator said, or that it panicked.
    pub fn rotate(&self, place: Place<'_>, to: &Path) -> Result<(), Error> {
        let rotated = match &self.rotator {
            None => Ok(place.fs.rename(place.path, to)),
            Some(rotator) => catch_unwind(AssertUnwindSafe(|| rotator(place.path, to))),
        };
        let context = || format!("roll {} to {}", place.path.display(), to.display());
        match rotated {
            Ok(result) => result.map_err(|error| Error::io(context(), error)),
            Err(_) => Err(Error::panicked(format!("{}: the rotator panicked", context()))),
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").field("namer", &self.namer.is_some()).field("rotator", &self.rotator.is_some()).finish()
    }
}
