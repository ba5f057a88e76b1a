//! The system's own file system: the only user of `std::fs`.

use std::ffi::OsString;
#[cfg(unix)]
use std::fs::TryLockError;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Seek as _, SeekFrom};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use tracing_handlers_core::Timestamp;

#[cfg(windows)]
use super::windows::{appending, look, look_at};
use super::{Access, FileId, FileOptions, Fs, FsFile, Opened, Stat, Unlinked};

impl Stat {
    pub(super) fn of(metadata: &Metadata, id: FileId) -> Self {
        Self {
            id,
            len: metadata.len(),
            is_regular: metadata.is_file(),
            is_link: metadata.is_symlink(),
            modified: metadata.modified().ok().map(Timestamp::from),
            created: metadata.created().ok().map(Timestamp::from),
            access: access(metadata),
        }
    }
}

#[cfg(unix)]
fn file_id(metadata: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt as _;
    FileId { device: metadata.dev(), inode: metadata.ino() }
}

#[cfg(not(windows))]
fn look(path: &Path, follows_links: bool) -> io::Result<Stat> {
    let metadata = if follows_links { fs::metadata(path)? } else { fs::symlink_metadata(path)? };
    Ok(Stat::of(&metadata, file_id(&metadata)))
}

#[cfg(not(windows))]
fn look_at(file: &File) -> io::Result<Stat> {
    file.metadata().map(|metadata| Stat::of(&metadata, file_id(&metadata)))
}

#[cfg(not(windows))]
fn appending(file: File, _: &Path) -> File {
    file
}

#[cfg(unix)]
fn access(metadata: &Metadata) -> Option<Access> {
    use std::os::unix::fs::MetadataExt as _;
    Some(Access::new(metadata.mode() & 0o7777, metadata.uid(), metadata.gid()))
}

#[cfg(not(unix))]
fn access(_: &Metadata) -> Option<Access> {
    None
}

#[cfg(not(any(unix, windows)))]
fn file_id(metadata: &Metadata) -> FileId {
    let created = metadata.created().ok().map(Timestamp::from);
    FileId { device: 0, inode: created.map_or(0, |created| created.as_nanos() as u64) }
}

/// The system's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemFs;

impl Fs for SystemFs {
    fn open_append(&self, path: &Path, options: &FileOptions) -> io::Result<Opened> {
        // `read` is not asked for: a log may be write-only for its writer.
        let mut how = OpenOptions::new();
        apply(options, how.append(true));
        let opened = match how.open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => make(how, path),
            found => found.map(|file| Opened::new(appending(file, path), false)),
        };
        // What a refused link is called differs between systems, so it is looked for.
        let is_refused_link = || !options.follow_symlinks && fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
        opened.map_err(|error| if is_refused_link() { io::Error::other(REFUSED_LINK) } else { error })
    }

    fn create_new(&self, path: &Path, options: &FileOptions) -> io::Result<Opened> {
        let mut how = OpenOptions::new();
        apply(options, how.append(true).create_new(true));
        how.open(path).map(|file| Opened::new(appending(file, path), true))
    }

    fn open_read(&self, path: &Path, options: &FileOptions) -> io::Result<Box<dyn FsFile>> {
        let mut how = OpenOptions::new();
        apply(options, how.read(true));
        how.open(path).map(|file| Box::new(file) as Box<dyn FsFile>)
    }

    #[cfg(unix)]
    fn symlink(&self, target: &Path, path: &Path) -> io::Result<()> {
        std::os::unix::fs::symlink(target, path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<Unlinked> {
        // An open file keeps its blocks after its name is gone. Only regular files are opened: a pipe would wait for a
        // writer. What cannot be opened is unlinked in the time that it takes. On Windows a name may stay as long as the file is open.
        let is_regular = cfg!(unix) && fs::symlink_metadata(path)?.is_file();
        let open = if is_regular { File::open(path).ok() } else { None };
        fs::remove_file(path)?;
        Ok(open.map_or_else(Unlinked::nothing, Unlinked::keeping))
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        look(path, true)
    }

    fn stat_entry(&self, path: &Path) -> io::Result<Stat> {
        look(path, false)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    }

    fn create_dir_all(&self, directory: &Path, options: &FileOptions) -> io::Result<()> {
        match options.directory_mode {
            None => fs::create_dir_all(directory),
            Some(mode) => create_dirs_with(directory, mode),
        }
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        sync_directory(directory)
    }
}

const REFUSED_LINK: &str = "a symbolic link stands there, and follow_symlinks is off";

/// Makes the file that was missing a moment ago.
fn make(mut how: OpenOptions, path: &Path) -> io::Result<Opened> {
    match how.create_new(true).open(path) {
        // Somebody else was faster, or a symbolic link stands there whose target is still to be made.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let is_missing = fs::metadata(path).is_err();
            how.create_new(false).create(true).open(path).map(|file| Opened::new(appending(file, path), is_missing))
        }
        made => made.map(|file| Opened::new(appending(file, path), true)),
    }
}

#[cfg(unix)]
fn apply(options: &FileOptions, how: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Some(mode) = options.mode {
        how.mode(mode);
    }
    if !options.follow_symlinks {
        how.custom_flags(libc::O_NOFOLLOW);
    }
}

#[cfg(not(unix))]
fn apply(_: &FileOptions, _: &mut OpenOptions) {}

/// Makes a directory and those above it; those that were missing get exactly this mode.
#[cfg(unix)]
fn create_dirs_with(directory: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    let make = || fs::DirBuilder::new().mode(mode).create(directory);
    let made = match (make(), directory.parent()) {
        (Err(error), Some(above)) if error.kind() == ErrorKind::NotFound => {
            create_dirs_with(above, mode)?;
            make()
        }
        (made, _) => made,
    };
    match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) if fs::symlink_metadata(directory)?.permissions().mode() & 0o7777 == mode => Ok(()),
        Ok(()) => fs::set_permissions(directory, fs::Permissions::from_mode(mode)),
    }
}

#[cfg(not(unix))]
fn create_dirs_with(directory: &Path, _: u32) -> io::Result<()> {
    fs::create_dir_all(directory)
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Elsewhere the names in a directory are not synced by opening it.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

impl FsFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::Write::write(self, bytes)
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        io::Read::read(self, buffer)
    }

    fn set_modified(&self, modified: Timestamp) -> io::Result<()> {
        let since = Duration::from_nanos(modified.as_nanos().unsigned_abs());
        let time = if modified.as_nanos() < 0 { UNIX_EPOCH - since } else { UNIX_EPOCH + since };
        File::set_modified(self, time)
    }

    fn stat(&self) -> io::Result<Stat> {
        look_at(self)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    /// Not on Windows, where the lock of one handle keeps all others from reading, too.
    #[cfg(unix)]
    fn try_lock(&self) -> io::Result<bool> {
        match File::try_lock(self) {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    #[cfg(unix)]
    fn try_lock_shared(&self) -> io::Result<bool> {
        match File::try_lock_shared(self) {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    #[cfg(unix)]
    fn unlock(&self) -> io::Result<()> {
        File::unlock(self)
    }

    fn size(&mut self) -> io::Result<u64> {
        // A handle that appends writes at the end, wherever it stands.
        self.seek(SeekFrom::End(0))
    }

    fn written_up_to(&mut self) -> io::Result<u64> {
        self.stream_position()
    }

    #[cfg(unix)]
    fn set_mode(&self, mode: u32) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        self.set_permissions(fs::Permissions::from_mode(mode))
    }

    #[cfg(not(unix))]
    fn set_mode(&self, _: u32) -> io::Result<()> {
        Ok(())
    }

    #[cfg(unix)]
    fn set_owner(&self, owner: Option<u32>, group: Option<u32>) -> io::Result<()> {
        std::os::unix::fs::fchown(self, owner, group)
    }

    #[cfg(not(unix))]
    fn set_owner(&self, _: Option<u32>, _: Option<u32>) -> io::Result<()> {
        Ok(())
    }
}
