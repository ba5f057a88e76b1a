//! What Windows has in the place of inodes, and files that are appended to and can be cut.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::Path;

use tracing_handlers_core::Timestamp;
use winapi_util::file::information;

use super::{FileId, FsFile, Stat};

/// Reads the attributes of a file and nothing of what is in it, so no other program is in the way.
const FILE_READ_ATTRIBUTES: u32 = 0x80;
/// Opens directories as well.
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
/// Opens a symbolic link itself.
const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;

/// What stands at a path.
pub(super) fn look(path: &Path, follows_links: bool) -> io::Result<Stat> {
    let links = if follows_links { 0 } else { FILE_FLAG_OPEN_REPARSE_POINT };
    let mut how = OpenOptions::new();
    how.access_mode(FILE_READ_ATTRIBUTES).custom_flags(FILE_FLAG_BACKUP_SEMANTICS | links);
    look_at(&how.open(path)?)
}

/// What is open here. The time of creation is no identity: a file that takes the name of another within 15 seconds inherits it
/// (*file system tunneling*).
pub(super) fn look_at(file: &File) -> io::Result<Stat> {
    let metadata = file.metadata()?;
    // Devices and pipes have none, and need none: they are never rolled.
    let id = information(file).map_or(FileId { device: 0, inode: 0 }, |found| FileId {
        device: found.volume_serial_number(),
        inode: found.file_index(),
    });
    Ok(Stat::of(&metadata, id))
}

/// A file that was opened for appending, with a second handle to cut it: one that may cut does not append.
pub(super) fn appending(file: File, path: &Path) -> Appending {
    let second = OpenOptions::new().write(true).open(path).ok();
    let is_same = |second: &File| matches!((look_at(&file), look_at(second)), (Ok(a), Ok(b)) if a.id == b.id);
    let cutter = second.filter(is_same);
    Appending { file, cutter }
}

pub(super) struct Appending {
    file: File,
    /// `None` where somebody forbids it; then nothing can be cut.
    cutter: Option<File>,
}

impl FsFile for Appending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }

    fn stat(&self) -> io::Result<Stat> {
        look_at(&self.file)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.cutter.as_ref().unwrap_or(&self.file).set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.file.set_mode(mode)
    }

    fn set_modified(&self, modified: Timestamp) -> io::Result<()> {
        FsFile::set_modified(&self.file, modified)
    }

    fn set_owner(&self, owner: Option<u32>, group: Option<u32>) -> io::Result<()> {
        self.file.set_owner(owner, group)
    }
}
