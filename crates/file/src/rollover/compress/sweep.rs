//! Compresses all rolled files that are not compressed yet, one after the other.

use std::error::Error as _;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use tracing_handlers_core::Error;

use super::compressor::Shared;
use super::forms::{ENDINGS, is_copy, stat, unlink, unlink_at_once, with_ending};
use super::temporary;
use crate::access::Wanted;
use crate::fs::{FileOptions, FsFile, Stat};

const CHUNK: usize = 64 * 1024;

/// How often a file is looked for that moves on in the chain meanwhile.
const FOLLOWED_AT_MOST: usize = 16;

/// A rolled file that is not written to any more.
struct Source {
    /// It stays open, so that no other file can get its number.
    file: Box<dyn FsFile>,
    stat: Stat,
    name: PathBuf,
}

impl Shared {
    /// What fails is reported, stays as it is, and is tried again after the next rollover.
    pub(super) fn sweep(&self) {
        if let Err(error) = self.remove_leftovers() {
            self.reporter.note(error);
        }
        let names = self.family.names(self.place()).unwrap_or_else(|error| {
            self.reporter.note(error);
            Vec::new()
        });
        for name in names {
            if self.is_abandoned() {
                return;
            }
            if let Err(error) = self.compress(name) {
                let is_full = is_full(&error);
                self.reporter.note(error);
                if is_full {
                    // The log needs what little room there is.
                    return;
                }
            }
        }
    }

    /// Removes what a process left that ended while it was compressing.
    fn remove_leftovers(&self) -> Result<(), Error> {
        let directory = self.family.directory(&self.path)?;
        let entries = match self.fs.list(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::io(format!("list {}", directory.display()), error)),
        };
        for entry in entries {
            let plain = entry.to_str().and_then(temporary::plain_name);
            if plain.is_some_and(|plain| self.family.has_name(&self.path, &directory.join(plain))) {
                unlink(self.place(), &directory.join(&entry))?;
            }
        }
        Ok(())
    }

    fn compress(&self, name: PathBuf) -> Result<(), Error> {
        let Some(mut source) = self.open(name)? else { return Ok(()) };
        for ending in ENDINGS {
            match stat(self.place(), &with_ending(&source.name, ending))? {
                None => {}
                Some(other) if is_copy(&source.stat, &other) => return self.remove(&source),
                // Another file that was rolled when nothing was compressed any more.
                Some(_) => return Ok(()),
            }
        }
        let temporary = temporary::name(&source.name, self.compression.ending());
        let copied = self.copy(&mut source, &temporary).and_then(|is_whole| match is_whole {
            true => self.put_in_place(&source, &temporary),
            false => Ok(None),
        });
        match copied {
            Ok(Some(directory)) => {
                self.fs
                    .sync_directory(&directory)
                    .map_err(|error| Error::io(format!("sync {}", directory.display()), error))?;
                self.remove(&source)
            }
            Ok(None) => unlink(self.place(), &temporary).map(drop),
            Err(error) => {
                // What it says is more than what this could.
                unlink(self.place(), &temporary).ok();
                Err(error)
            }
        }
    }

    /// Nothing for a file that may still be written to, for what is no file, and for what is gone.
    fn open(&self, name: PathBuf) -> Result<Option<Source>, Error> {
        if !stat(self.place(), &name)?.is_some_and(|stat| stat.is_regular) {
            return Ok(None);
        }
        let options = FileOptions { follow_symlinks: cfg!(not(unix)), ..FileOptions::default() };
        let context = |error| Error::io(format!("read {}", name.display()), error);
        let file = match self.fs.open_read(&name, &options) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(context(error)),
        };
        let stat = file.stat().map_err(context)?;
        let is_in_use = *tracing_handlers_core::sync::lock(&self.moves) == Some(stat.id);
        Ok((stat.is_regular && !is_in_use).then_some(Source { file, stat, name }))
    }

    /// Writes the compressed copy and brings it to the disk. Says whether it is whole: it is given up when nobody wants it any more.
    fn copy(&self, source: &mut Source, temporary: &Path) -> Result<bool, Error> {
        let read_error = |error| Error::io(format!("read {}", source.name.display()), error);
        let write_error = |error| Error::io(format!("write {}", temporary.display()), error);
        let mut encoder = self.compression.into_file(self.make(source, temporary)?).map_err(write_error)?;
        let mut chunk = vec![0; CHUNK];
        loop {
            let len = match source.file.read(&mut chunk) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read.map_err(read_error)?,
            };
            if self.is_abandoned() {
                return Ok(false);
            }
            let Some(bytes) = chunk.get(..len).filter(|bytes| !bytes.is_empty()) else { break };
            encoder.write_all(bytes).map_err(write_error)?;
        }
        let file = encoder.finish().map_err(write_error)?;
        let touched = source.stat.modified.map_or(Ok(()), |modified| file.set_modified(modified));
        touched.and_then(|()| file.sync()).map_err(write_error)?;
        Ok(true)
    }

    /// Makes the file that the copy is written to, with the rights of its source as far as that is allowed.
    fn make(&self, source: &Source, temporary: &Path) -> Result<Box<dyn FsFile>, Error> {
        let wanted = Wanted { mode: None, like: source.stat.access };
        let options = FileOptions { mode: wanted.mode_to_make_with(), ..FileOptions::default() };
        let make = || self.fs.create_new(temporary, &options);
        let made = match make() {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.fs.unlink(temporary).and_then(|_| make()),
            made => made,
        };
        let file = made.map_err(|error| Error::io(format!("create {}", temporary.display()), error))?.file;
        if let Some(has) = file.stat().ok().and_then(|stat| stat.access) {
            // Who may not give files away keeps them; the rights of a group that it could not get are gone then.
            wanted.give(&*file, has).ok();
        }
        Ok(file)
    }

    /// Gives the copy its name. Nothing if its source is gone, has changed, or has another copy; else where it stands.
    fn put_in_place(&self, source: &Source, temporary: &Path) -> Result<Option<PathBuf>, Error> {
        let now = source.file.stat().map_err(|error| Error::io(format!("look at {}", source.name.display()), error))?;
        if (now.len, now.modified) != (source.stat.len, source.stat.modified) {
            return Ok(None);
        }
        self.where_it_is(source, |name| {
            let target = with_ending(name, self.compression.ending());
            if stat(self.place(), &target)?.is_some() {
                return Ok(None);
            }
            let context = |error| Error::io(format!("rename {} to {}", temporary.display(), target.display()), error);
            self.fs.rename(temporary, &target).map_err(context)?;
            Ok(Some(name.parent().unwrap_or(Path::new("")).to_owned()))
        })
    }

    /// Removes a file whose copy is there.
    fn remove(&self, source: &Source) -> Result<(), Error> {
        let unlinked = self.where_it_is(source, |name| {
            for ending in ENDINGS {
                if stat(self.place(), &with_ending(name, ending))?.is_some_and(|copy| is_copy(&source.stat, &copy)) {
                    return unlink_at_once(self.place(), name);
                }
            }
            Ok(None)
        })?;
        // Its blocks are freed when nobody waits for the lock.
        drop(unlinked);
        Ok(())
    }

    /// Does something with the source under the name that it has now, while nobody moves it. It is looked for beforehand, so that
    /// nobody waits for that.
    fn where_it_is<T>(&self, source: &Source, action: impl Fn(&Path) -> Result<Option<T>, Error>) -> Result<Option<T>, Error> {
        for _ in 0..FOLLOWED_AT_MOST {
            let Some(name) = self.find(source)? else { return Ok(None) };
            let _moves = tracing_handlers_core::sync::lock(&self.moves);
            if self.is_abandoned() {
                return Ok(None);
            }
            if self.is_at(source, &name)? {
                return action(&name);
            }
        }
        Ok(None)
    }

    fn find(&self, source: &Source) -> Result<Option<PathBuf>, Error> {
        if self.is_at(source, &source.name)? {
            return Ok(Some(source.name.clone()));
        }
        for name in self.family.names(self.place())? {
            if self.is_at(source, &name)? {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    fn is_at(&self, source: &Source, name: &Path) -> Result<bool, Error> {
        Ok(stat(self.place(), name)?.is_some_and(|stat| stat.id == source.stat.id))
    }
}

fn is_full(error: &Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|source| matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
}
