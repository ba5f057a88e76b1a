//! The calls of the file system and of its files: each passes gate, power and faults, then does what it says.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing_handlers_core::Timestamp;
use tracing_handlers_file::fs::{FileOptions, Fs, FsFile, Opened, Stat, Unlinked};

use super::{FaultFs, Op, Shared};

impl Fs for FaultFs {
    fn open_append(&self, path: &Path, options: &FileOptions) -> io::Result<Opened> {
        let shared = &self.shared;
        let mut state = shared.begin(Op::Open, path)?;
        let open = || shared.system.open_append(path, options);
        let opened = if shared.exists(path) { open()? } else { state.step(open, |_| format!("create {}", name(path)))? };
        let file = FaultFile { file: opened.file, path: path.to_owned(), shared: Arc::clone(shared) };
        Ok(Opened::new(file, opened.was_made))
    }

    fn create_new(&self, path: &Path, options: &FileOptions) -> io::Result<Opened> {
        let shared = &self.shared;
        let mut state = shared.begin(Op::Open, path)?;
        if shared.exists(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let opened = state.step(|| shared.system.create_new(path, options), |_| format!("create {}", name(path)))?;
        let file = FaultFile { file: opened.file, path: path.to_owned(), shared: Arc::clone(shared) };
        Ok(Opened::new(file, true))
    }

    fn open_read(&self, path: &Path, options: &FileOptions) -> io::Result<Box<dyn FsFile>> {
        let _state = self.shared.begin(Op::Read, path)?;
        let file = self.shared.system.open_read(path, options)?;
        Ok(Box::new(FaultFile { file, path: path.to_owned(), shared: Arc::clone(&self.shared) }))
    }

    fn symlink(&self, target: &Path, path: &Path) -> io::Result<()> {
        let shared = &self.shared;
        let mut state = shared.begin(Op::Link, path)?;
        state.step(|| shared.system.symlink(target, path), |()| format!("link {} -> {}", name(path), name(target)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let shared = &self.shared;
        let mut state = shared.begin(Op::Rename, from)?;
        let replaced = shared.len(to);
        state.step(|| shared.system.rename(from, to), |()| format!("rename {} -> {}", name(from), name(to)))?;
        state.give_space(replaced);
        Ok(())
    }

    fn unlink(&self, path: &Path) -> io::Result<Unlinked> {
        let shared = &self.shared;
        let mut state = shared.begin(Op::Unlink, path)?;
        let freed = shared.len(path);
        let unlinked = state.step(|| shared.system.unlink(path), |_| format!("unlink {}", name(path)))?;
        state.give_space(freed);
        Ok(unlinked)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let _state = self.shared.begin(Op::Stat, path)?;
        self.shared.system.stat(path)
    }

    fn stat_entry(&self, path: &Path) -> io::Result<Stat> {
        let _state = self.shared.begin(Op::Stat, path)?;
        self.shared.system.stat_entry(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let _state = self.shared.begin(Op::List, directory)?;
        self.shared.system.list(directory)
    }

    fn create_dir_all(&self, directory: &Path, options: &FileOptions) -> io::Result<()> {
        let shared = &self.shared;
        let mut state = shared.begin(Op::CreateDir, directory)?;
        let create = || shared.system.create_dir_all(directory, options);
        if shared.exists(directory) { create() } else { state.step(create, |()| format!("mkdir {}", name(directory))) }
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        let mut state = self.shared.begin(Op::Sync, directory)?;
        self.shared.system.sync_directory(directory)?;
        state.syncs.push(name(directory));
        Ok(())
    }
}

struct FaultFile {
    file: Box<dyn FsFile>,
    path: PathBuf,
    shared: Arc<Shared>,
}

impl FsFile for FaultFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Self { file, path, shared } = self;
        let mut state = shared.begin(Op::Write, path)?;
        let room = state.room_for(bytes.len())?;
        if room == 0 {
            return Ok(0);
        }
        let written = state
            .step(|| file.write(&bytes[..room]), |written| format!("write {} {}", name(path), part(*written, bytes.len())))?;
        state.take_space(written);
        Ok(written)
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let _state = self.shared.begin(Op::Read, &self.path)?;
        self.file.read(buffer)
    }

    fn set_modified(&self, modified: Timestamp) -> io::Result<()> {
        let mut state = self.shared.begin(Op::SetAccess, &self.path)?;
        state.step(|| self.file.set_modified(modified), |()| format!("touch {}", name(&self.path)))
    }

    fn stat(&self) -> io::Result<Stat> {
        let _state = self.shared.begin(Op::Stat, &self.path)?;
        self.file.stat()
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let mut state = self.shared.begin(Op::Truncate, &self.path)?;
        let before = self.file.stat()?.len;
        state.step(|| self.file.truncate(len), |()| format!("truncate {} to {len} bytes", name(&self.path)))?;
        state.give_space(before.saturating_sub(len));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.shared.begin(Op::Sync, &self.path)?;
        self.file.sync()?;
        state.syncs.push(name(&self.path));
        Ok(())
    }

    fn try_lock(&self) -> io::Result<bool> {
        let _state = self.shared.begin(Op::Lock, &self.path)?;
        self.file.try_lock()
    }

    fn try_lock_shared(&self) -> io::Result<bool> {
        let _state = self.shared.begin(Op::Lock, &self.path)?;
        self.file.try_lock_shared()
    }

    fn unlock(&self) -> io::Result<()> {
        self.shared.count();
        self.file.unlock()
    }

    fn size(&mut self) -> io::Result<u64> {
        let _state = self.shared.begin(Op::Stat, &self.path)?;
        self.file.size()
    }

    fn written_up_to(&mut self) -> io::Result<u64> {
        let _state = self.shared.begin(Op::Stat, &self.path)?;
        self.file.written_up_to()
    }

    fn set_mode(&self, mode: u32) -> io::Result<()> {
        let mut state = self.shared.begin(Op::SetAccess, &self.path)?;
        state.step(|| self.file.set_mode(mode), |()| format!("chmod {} {mode:03o}", name(&self.path)))
    }

    fn set_owner(&self, owner: Option<u32>, group: Option<u32>) -> io::Result<()> {
        let mut state = self.shared.begin(Op::SetAccess, &self.path)?;
        let change = format!("chown {} {}", name(&self.path), owner_and_group(owner, group));
        state.step(|| self.file.set_owner(owner, group), |()| change)
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// As `chown` takes them: `1000:100`, `1000`, `:100`.
fn owner_and_group(owner: Option<u32>, group: Option<u32>) -> String {
    let text = |id: Option<u32>| id.map(|id| id.to_string()).unwrap_or_default();
    if group.is_some() { format!("{}:{}", text(owner), text(group)) } else { text(owner) }
}

fn part(written: usize, wanted: usize) -> String {
    if written == wanted { format!("{written} bytes") } else { format!("{written} of {wanted} bytes") }
}
