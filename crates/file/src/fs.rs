//! The file system as handlers see it, behind a trait: tests put faults here, everybody else has [`SystemFs`].

mod system;
#[cfg(windows)]
mod windows;

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing_handlers_core::Timestamp;

pub use self::system::SystemFs;

/// The file system that a handler works on. A seam for tests that need a full disk or a power cut on demand.
///
/// Every method is one step that has happened completely or not at all, as far as the system promises that.
pub trait Fs: Send + Sync + 'static {
    /// Opens a file for appending; makes it if it is not there.
    fn open_append(&self, path: &Path, options: &FileOptions) -> io::Result<Opened>;
    /// Makes a file that is not there yet; refuses where anything stands.
    fn create_new(&self, path: &Path, options: &FileOptions) -> io::Result<Opened> {
        let (_, _) = (path, options);
        Err(ErrorKind::Unsupported.into())
    }
    /// Opens a file for reading.
    fn open_read(&self, path: &Path, options: &FileOptions) -> io::Result<Box<dyn FsFile>> {
        let (_, _) = (path, options);
        Err(ErrorKind::Unsupported.into())
    }
    /// Makes a symbolic link to `target`, which may be missing, at a path where nothing stands.
    fn symlink(&self, target: &Path, path: &Path) -> io::Result<()> {
        let (_, _) = (target, path);
        Err(ErrorKind::Unsupported.into())
    }
    /// Renames a file; a file of the new name is replaced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes the name of a file, and gives back what keeps its blocks alive: dropping that frees them, which takes
    /// milliseconds for a large file and is not the caller's business.
    fn unlink(&self, path: &Path) -> io::Result<Unlinked>;
    /// What stands at the path, links followed.
    fn stat(&self, path: &Path) -> io::Result<Stat>;
    /// What stands at the path itself: a symbolic link is looked at, not followed.
    fn stat_entry(&self, path: &Path) -> io::Result<Stat>;
    /// The names in a directory.
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>>;
    /// Makes a directory and those above it.
    fn create_dir_all(&self, directory: &Path, options: &FileOptions) -> io::Result<()>;
    /// Returns when the names in a directory are on the disk.
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;
}

/// An open file.
pub trait FsFile: Send + 'static {
    /// Appends what it can of `bytes` in one call; says how much.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Reads on from where the last call ended; 0 bytes at the end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let _ = buffer;
        Err(ErrorKind::Unsupported.into())
    }
    /// What is open here.
    fn stat(&self) -> io::Result<Stat>;
    /// The size of a file that is open for appending: the one call that is made before each record where several write, so it has to
    /// be the cheapest there is.
    fn size(&mut self) -> io::Result<u64> {
        self.stat().map(|stat| stat.len)
    }
    /// Where the last write of this handle ended, in a file that is open for appending. Asked before [`size`](Self::size) is.
    fn written_up_to(&mut self) -> io::Result<u64> {
        Err(ErrorKind::Unsupported.into())
    }
    /// Cuts the file at `len`.
    fn truncate(&self, len: u64) -> io::Result<()>;
    /// Returns when everything written is on the disk.
    fn sync(&self) -> io::Result<()>;
    /// Locks the file against other handles that lock it, in this process or another, if none of them has it; says whether.
    ///
    /// The lock is of the handle, advisory, and gone when the handle is closed, however its process ends.
    /// A file system without locks need not have this.
    fn try_lock(&self) -> io::Result<bool> {
        Err(ErrorKind::Unsupported.into())
    }
    /// As [`try_lock`](Self::try_lock), but together with others that lock it in this way. A handle that has the one lock lets go of
    /// it before it asks for the other.
    fn try_lock_shared(&self) -> io::Result<bool> {
        Err(ErrorKind::Unsupported.into())
    }
    /// Lets go of the lock.
    fn unlock(&self) -> io::Result<()> {
        Ok(())
    }
    /// Sets the permission bits. Without effect where there are none.
    fn set_mode(&self, mode: u32) -> io::Result<()>;
    /// Sets when the file was last written.
    fn set_modified(&self, modified: Timestamp) -> io::Result<()> {
        let _ = modified;
        Err(ErrorKind::Unsupported.into())
    }
    /// Gives the file to another owner or group. Without effect where files have none.
    fn set_owner(&self, owner: Option<u32>, group: Option<u32>) -> io::Result<()>;
}

/// How files and directories are made and opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileOptions {
    /// The permission bits that a file is made with. The umask takes from them; [`FsFile::set_mode`] gives them back.
    pub mode: Option<u32>,
    /// The permission bits that a directory has once it is made, whatever the umask.
    pub directory_mode: Option<u32>,
    /// Whether a symbolic link at the path of a file is followed.
    pub follow_symlinks: bool,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self { mode: None, directory_mode: None, follow_symlinks: true }
    }
}

/// A file that was opened.
pub struct Opened {
    /// The file.
    pub file: Box<dyn FsFile>,
    /// Whether opening made it.
    pub was_made: bool,
}

impl Opened {
    /// An open file, made by that or found.
    pub fn new(file: impl FsFile, was_made: bool) -> Self {
        Self { file: Box::new(file), was_made }
    }
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
    /// Whether it is a symbolic link, which only [`Fs::stat_entry`] sees.
    pub is_link: bool,
    /// When it was last written.
    pub modified: Option<Timestamp>,
    /// When it was made, where the file system knows.
    pub created: Option<Timestamp>,
    /// Whose it is, on Unix.
    pub access: Option<Access>,
}

/// Whose a file is, and who may do what with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// The permission bits, up to `0o7777`.
    pub mode: u32,
    /// The number of the user.
    pub owner: u32,
    /// The number of the group.
    pub group: u32,
}

impl Access {
    /// Of this mode, owner and group.
    pub fn new(mode: u32, owner: u32, group: u32) -> Self {
        Self { mode, owner, group }
    }
}

/// The identity of a file: device and inode on Unix, volume and index on Windows.
///
/// Elsewhere, where nobody has such a number for us, it is the time of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl Stat {
    #[cfg(test)]
    pub(crate) fn for_test(len: u64, modified: Timestamp) -> Self {
        let id = FileId { device: 0, inode: 0 };
        Self { id, len, is_regular: true, is_link: false, modified: Some(modified), created: None, access: None }
    }
}

impl<F: Fs + ?Sized> Fs for Arc<F> {
    fn open_append(&self, path: &Path, options: &FileOptions) -> io::Result<Opened> {
        (**self).open_append(path, options)
    }
    fn create_new(&self, path: &Path, options: &FileOptions) -> io::Result<Opened> {
        (**self).create_new(path, options)
    }
    fn open_read(&self, path: &Path, options: &FileOptions) -> io::Result<Box<dyn FsFile>> {
        (**self).open_read(path, options)
    }
    fn symlink(&self, target: &Path, path: &Path) -> io::Result<()> {
        (**self).symlink(target, path)
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
    fn stat_entry(&self, path: &Path) -> io::Result<Stat> {
        (**self).stat_entry(path)
    }
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        (**self).list(directory)
    }
    fn create_dir_all(&self, directory: &Path, options: &FileOptions) -> io::Result<()> {
        (**self).create_dir_all(directory, options)
    }
    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        (**self).sync_directory(directory)
    }
}

/// The path made absolute, so that a later change of the working directory moves no log (Python does the same).
pub(crate) fn absolute(path: &Path) -> io::Result<PathBuf> {
    std::path::absolute(path)
}
