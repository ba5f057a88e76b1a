//! The only user of `std::fs`, behind a trait: tests put faults here, everybody else has [`SystemFs`].

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing_handlers_core::Timestamp;

/// The file system that a handler works on. A seam for tests that need a full disk or a power cut on demand.
///
/// Every method is one step that has happened completely or not at all, as far as the system promises that.
pub trait Fs: Send + Sync + 'static {
    /// Opens a file for appending; makes it if it is not there.
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn FsFile>>;
    /// Renames a file; a file of the new name is replaced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes the name of a file, and gives back what keeps its blocks alive: dropping that frees them, which takes
    /// milliseconds for a large file and is not the caller's business.
    fn unlink(&self, path: &Path) -> io::Result<Unlinked>;
    /// What stands at the path, links followed.
    fn stat(&self, path: &Path) -> io::Result<Stat>;
    /// The names in a directory.
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>>;
    /// Makes a directory and those above it.
    fn create_dir_all(&self, directory: &Path) -> io::Result<()>;
}

/// An open file.
pub trait FsFile: Send + 'static {
    /// Appends what it can of `bytes` in one call; says how much.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// What is open here.
    fn stat(&self) -> io::Result<Stat>;
    /// Cuts the file at `len`.
    fn truncate(&self, len: u64) -> io::Result<()>;
    /// Returns when everything written is on the disk.
    fn sync(&self) -> io::Result<()>;
}

/// What keeps an unlinked file's blocks alive until it is dropped.
pub struct Unlinked {
    _open: Option<Box<dyn Send>>,
}

impl Unlinked {
    /// Nothing is kept: the blocks were freed at once.
    pub fn nothing() -> Self {
        Self { _open: None }
    }

    /// Keeps the blocks until `open` is dropped.
    pub fn keeping(open: impl Send + 'static) -> Self {
        Self { _open: Some(Box::new(open)) }
    }
}

/// What is known of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stat {
    /// Which file it is, whatever its name.
    pub id: FileId,
    /// Its size in bytes.
    pub len: u64,
    /// Whether it is a regular file (not a directory, device, pipe or socket).
    pub is_regular: bool,
    /// When it was last written.
    pub modified: Option<Timestamp>,
    /// When it was made, where the file system knows.
    pub created: Option<Timestamp>,
}

/// The identity of a file: device and inode on Unix.
///
/// Elsewhere, where the standard library has no such number, it is the time of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl Stat {
    #[cfg(test)]
    pub(crate) fn for_test(len: u64, modified: Timestamp) -> Self {
        let id = FileId { device: 0, inode: 0 };
        Self { id, len, is_regular: true, modified: Some(modified), created: None }
    }

    fn of(metadata: &Metadata) -> Self {
        Self {
            id: file_id(metadata),
            len: metadata.len(),
            is_regular: metadata.is_file(),
            modified: metadata.modified().ok().map(Timestamp::from),
            created: metadata.created().ok().map(Timestamp::from),
        }
    }
}

#[cfg(unix)]
fn file_id(metadata: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt as _;
    FileId { device: metadata.dev(), inode: metadata.ino() }
}

#[cfg(not(unix))]
fn file_id(metadata: &Metadata) -> FileId {
    let created = metadata.created().ok().map(Timestamp::from);
    FileId { device: 0, inode: created.map_or(0, |created| created.as_nanos() as u64) }
}

/// The system's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemFs;

impl Fs for SystemFs {
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        // `read` is not asked for: a log may be write-only for its writer.
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Box::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<Unlinked> {
        // An open file keeps its blocks after its name is gone. Only regular files are opened: a pipe would wait for a
        // writer. What cannot be opened is unlinked in the time that it takes.
        let is_regular = fs::symlink_metadata(path)?.is_file();
        let open = if is_regular { File::open(path).ok() } else { None };
        fs::remove_file(path)?;
        Ok(open.map_or_else(Unlinked::nothing, Unlinked::keeping))
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        fs::metadata(path).map(|metadata| Stat::of(&metadata))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    }

    fn create_dir_all(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)
    }
}

impl FsFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::Write::write(self, bytes)
    }

    fn stat(&self) -> io::Result<Stat> {
        self.metadata().map(|metadata| Stat::of(&metadata))
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

impl<F: Fs + ?Sized> Fs for Arc<F> {
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        (**self).open_append(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        (**self).rename(from, to)
    }
    fn unlink(&self, path: &Path) -> io::Result<Unlinked> {
        (**self).unlink(path)
    }
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        (**self).stat(path)
    }
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        (**self).list(directory)
    }
    fn create_dir_all(&self, directory: &Path) -> io::Result<()> {
        (**self).create_dir_all(directory)
    }
}

/// The path made absolute, so that a later change of the working directory moves no log (Python does the same).
pub(crate) fn absolute(path: &Path) -> io::Result<PathBuf> {
    std::path::absolute(path)
}
