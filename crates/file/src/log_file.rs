//! One open log file: appends whole records, knows its size, leaves no torn record behind.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::process;

use tracing_handlers_core::Error;

use crate::access::Wanted;
use crate::fs::{FileId, FileOptions, Fs, FsFile, Opened, Stat};

/// An open file that records are appended to.
pub struct LogFile {
    open: Box<dyn FsFile>,
    id: FileId,
    len: u64,
    is_regular: bool,
    /// A record that could be neither finished nor taken back stands at the end.
    is_torn: bool,
    was_made: bool,
    /// Where the header ends that this handle wrote, if it did.
    header_end: u64,
    /// Its size before the first record of this handle.
    begun_at: u64,
    /// The size of the footer at its end, if there is one.
    footer_len: usize,
    is_unsynced: bool,
    /// Others append to it as well.
    is_shared: bool,
    hold: Hold,
    /// Which process opened it.
    process: u32,
}

/// What this handle has of the file's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    Nothing,
    /// Others may have as much.
    Shared,
    /// Nobody else has anything.
    Exclusive,
}

impl LogFile {
    /// Opens for appending, makes the file and the directories above it where they are missing, and empties it if asked.
    ///
    /// # Errors
    ///
    /// What the file system says, with the path.
    pub fn open(fs: &dyn Fs, path: &Path, truncate: bool, options: &FileOptions) -> Result<Self, Error> {
        let failed = |error| Error::io(format!("open {}", path.display()), error);
        let Opened { file: open, was_made } = open_or_make_directory(fs, path, options).map_err(failed)?;
        let stat = open.stat().map_err(failed)?;
        let mut file = Self {
            open,
            id: stat.id,
            len: stat.len,
            is_regular: stat.is_regular,
            is_torn: false,
            was_made,
            header_end: 0,
            begun_at: stat.len,
            footer_len: 0,
            is_unsynced: false,
            is_shared: false,
            hold: Hold::Nothing,
            process: process::id(),
        };
        if truncate && file.is_regular {
            file.open.truncate(0).map_err(failed)?;
            file.was_truncated_to(0);
        }
        Ok(file)
    }

    /// Its size in bytes, as far as this handle wrote and saw it.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether nothing is in it but the header that this handle wrote, if it did.
    pub fn is_bare(&self) -> bool {
        self.len <= self.header_end
    }

    /// Whether opening made it.
    pub fn was_made(&self) -> bool {
        self.was_made
    }

    /// Which file it is.
    pub fn id(&self) -> FileId {
        self.id
    }

    /// Whether it is a regular file; devices, pipes and sockets are never rolled.
    pub fn is_regular(&self) -> bool {
        self.is_regular
    }

    /// Takes note that somebody else cut the file.
    pub fn was_truncated_to(&mut self, len: u64) {
        self.len = len;
        self.header_end = self.header_end.min(len);
        self.begun_at = self.begun_at.min(len);
        self.footer_len = 0;
    }

    /// Takes note that others append to it.
    pub(crate) fn share(&mut self) {
        self.is_shared = true;
    }

    /// Takes note of what others appended.
    #[inline]
    pub(crate) fn has_grown_to(&mut self, len: u64) {
        self.len = len;
    }

    /// Whether nobody else has the lock.
    #[inline]
    pub(crate) fn is_locked(&self) -> bool {
        self.hold == Hold::Exclusive
    }

    /// Whether it is locked together with others that only write.
    #[inline]
    pub(crate) fn is_joined(&self) -> bool {
        self.hold == Hold::Shared
    }

    /// Locks it if nobody else has the lock; says whether it is locked now. A lock that was shared is given up first, as no
    /// system promises to turn the one into the other without a gap.
    #[inline]
    pub(crate) fn try_lock(&mut self) -> io::Result<bool> {
        if !self.is_locked() {
            self.unlock()?;
            if self.open.try_lock()? {
                self.hold = Hold::Exclusive;
            }
        }
        Ok(self.is_locked())
    }

    /// Locks it together with others that only write, if nobody has it alone; says whether.
    #[inline]
    pub(crate) fn try_join(&mut self) -> io::Result<bool> {
        if self.hold == Hold::Nothing && self.open.try_lock_shared()? {
            self.hold = Hold::Shared;
        }
        Ok(self.hold != Hold::Nothing)
    }

    /// Lets others have the lock.
    #[inline]
    pub(crate) fn unlock(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.hold, Hold::Nothing) {
            Hold::Nothing => Ok(()),
            Hold::Shared | Hold::Exclusive => self.open.unlock(),
        }
    }

    /// Looks how far others have brought it, or cut it.
    #[inline]
    pub(crate) fn measure(&mut self) -> io::Result<()> {
        match self.open.size()? {
            len if len < self.len => self.was_truncated_to(len),
            len => self.len = len,
        }
        Ok(())
    }

    /// Gives a file that opening made the owner, group and mode that it is to have.
    pub(crate) fn give_access(&self, wanted: Wanted) -> io::Result<()> {
        let has = if self.was_made { self.open.stat()?.access } else { None };
        has.map_or(Ok(()), |has| wanted.give(&*self.open, has))
    }

    /// Writes what stands before the first record.
    pub(crate) fn append_header(&mut self, header: &[u8]) -> io::Result<()> {
        self.append(header)?;
        self.header_end = self.len;
        self.begun_at = self.len;
        Ok(())
    }

    /// Whether a footer is due when it is let go of: there are records of this handle, and no footer yet.
    pub(crate) fn lacks_footer(&self) -> bool {
        self.len > self.begun_at && self.footer_len == 0
    }

    /// Writes what stands behind the last record.
    pub(crate) fn append_footer(&mut self, footer: &[u8]) -> io::Result<()> {
        self.append(footer)?;
        self.footer_len = footer.len();
        Ok(())
    }

    /// More records come after all.
    pub(crate) fn take_footer_back(&mut self) {
        self.take_back(self.footer_len);
        self.footer_len = 0;
    }

    /// Takes over what is known of a file that `old` is open on, too.
    pub(crate) fn continues(&mut self, old: &Self) {
        (self.header_end, self.begun_at) = (old.header_end, old.begun_at);
        self.is_unsynced |= old.is_unsynced;
    }

    /// Whether something was written that is perhaps not on the disk.
    pub(crate) fn is_unsynced(&self) -> bool {
        self.is_unsynced && self.is_regular
    }

    /// Returns when all that was written is on the disk.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.open.sync()?;
        self.is_unsynced = false;
        Ok(())
    }

    /// Appends the record whole, or leaves the file as it was.
    pub fn append(&mut self, record: &[u8]) -> io::Result<()> {
        let (written, result) = self.append_some(record);
        if result.is_ok() && written == record.len() {
            return Ok(());
        }
        self.take_back(written);
        result.and(Err(ErrorKind::WriteZero.into()))
    }

    /// Appends as much as the system takes; says how much that was, also when it failed. Beside others that is what it takes in one
    /// call, as they may write before the next.
    pub fn append_some(&mut self, bytes: &[u8]) -> (usize, io::Result<()>) {
        if let Err(error) = self.end_torn_record() {
            return (0, Err(error));
        }
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match self.open.write(rest) {
                Ok(0) => return (written, Err(ErrorKind::WriteZero.into())),
                Ok(count) => {
                    written += count;
                    self.len += count as u64;
                    self.is_unsynced = true;
                    if self.hold == Hold::Shared && written < bytes.len() {
                        self.len = self.open.written_up_to().unwrap_or(self.len);
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return (written, Err(error)),
            }
        }
        (written, Ok(()))
    }

    /// Takes back the last `count` bytes of this handle. Where that cannot be done (a pipe; somebody else wrote behind
    /// them), the next record begins on a new line.
    pub fn take_back(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        let before = self.len.saturating_sub(count as u64);
        // Without the lock somebody else may append between the look and the cut.
        let may_cut = self.is_regular && (self.is_locked() || !self.is_shared);
        let is_last = may_cut && self.open.stat().is_ok_and(|stat| stat.len == self.len);
        if is_last && self.open.truncate(before).is_ok() {
            self.len = before;
        } else {
            self.is_torn = true;
        }
    }

    /// What the system says of the open file.
    pub fn stat(&self) -> io::Result<Stat> {
        self.open.stat()
    }

    fn end_torn_record(&mut self) -> io::Result<()> {
        if self.is_torn {
            self.open.write(b"\n")?;
            self.len += 1;
            self.is_torn = false;
        }
        Ok(())
    }
}

/// A process that is being started somewhere else in this one has a copy of the handle for a moment: closing ours alone would leave the
/// lock to it. It is one lock for all copies, so a child that drops what it inherited leaves it alone.
impl Drop for LogFile {
    fn drop(&mut self) {
        if self.process == process::id() {
            // Where that fails, the system does it when the last copy is closed.
            self.unlock().ok();
        }
    }
}

fn open_or_make_directory(fs: &dyn Fs, path: &Path, options: &FileOptions) -> io::Result<Opened> {
    match fs.open_append(path, options) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let Some(directory) = path.parent() else { return Err(error) };
            fs.create_dir_all(directory, options)?;
            fs.open_append(path, options)
        }
        opened => opened,
    }
}
