//! A file system over real files that fails, fills up, loses power or waits exactly where the test says.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use tracing_handlers_core::Timestamp;
use tracing_handlers_core::sync::lock;
use tracing_handlers_file::fs::{FileOptions, Fs, FsFile, Opened, Stat, SystemFs, Unlinked};

use crate::gate::Gate;

/// What can be made to fail, or to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// [`Fs::open_append`] and [`Fs::create_new`].
    Open,
    /// [`Fs::open_read`] and [`FsFile::read`].
    Read,
    /// [`Fs::rename`]; its path is the old name.
    Rename,
    /// [`Fs::unlink`].
    Unlink,
    /// [`Fs::stat`], [`Fs::stat_entry`] and [`FsFile::stat`].
    Stat,
    /// [`Fs::list`].
    List,
    /// [`Fs::create_dir_all`].
    CreateDir,
    /// [`FsFile::write`]; the path of this and the other operations on an open file is the one that it was opened by.
    Write,
    /// [`FsFile::truncate`].
    Truncate,
    /// [`FsFile::sync`] and [`Fs::sync_directory`].
    Sync,
    /// [`FsFile::set_mode`], [`FsFile::set_owner`] and [`FsFile::set_modified`].
    SetAccess,
    /// [`FsFile::try_lock`].
    Lock,
}

impl Op {
    /// Every operation.
    pub const ALL: [Op; 12] = [
        Self::Open,
        Self::Read,
        Self::Rename,
        Self::Unlink,
        Self::Stat,
        Self::List,
        Self::CreateDir,
        Self::Write,
        Self::Truncate,
        Self::Sync,
        Self::SetAccess,
        Self::Lock,
    ];
}

/// The error that an operation fails with: a kind, or the number of the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An error of this kind.
    Kind(io::ErrorKind),
    /// The operating system's error of this number (`28`: no space left on device).
    Os(i32),
}

impl From<io::ErrorKind> for Fault {
    fn from(kind: io::ErrorKind) -> Self {
        Self::Kind(kind)
    }
}

impl From<i32> for Fault {
    fn from(number: i32) -> Self {
        Self::Os(number)
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Kind(kind) => kind.into(),
            Fault::Os(number) => Self::from_raw_os_error(number),
        }
    }
}

/// The number of "no space left on device" on Unix.
const ENOSPC: i32 = 28;

/// A file system with faults on demand. Clones share files, faults and the journal.
///
/// ```
/// use std::io::ErrorKind;
/// use tracing_handlers_file::fs::{FileOptions, Fs};
/// use tracing_handlers_testing::{FaultFs, Op};
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("app.log");
/// let fs = FaultFs::new();
///
/// fs.fail(Op::Open, ErrorKind::PermissionDenied);
/// assert!(fs.open_append(&path, &FileOptions::default()).is_err());
/// fs.heal(Op::Open);
///
/// let mut file = fs.open_append(&path, &FileOptions::default())?.file;
/// fs.disk_full_after(3);
/// assert_eq!(file.write(b"hello")?, 3);
/// assert_eq!(file.write(b"lo").unwrap_err().kind(), ErrorKind::StorageFull);
/// assert_eq!(fs.journal(), ["create app.log", "write app.log 3 of 5 bytes"]);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Steps
///
/// A step is one change that has happened: an open that made the file, a rename, an unlink, a directory made, a write, a
/// truncation, a change of mode, owner or time. What failed or changed nothing is none. Every change is made under one lock, so the journal is the order in
/// which things happened. A test of crash safety cuts the power before each of them in turn:
///
/// ```
/// # use tracing_handlers_file::fs::{FileOptions, Fs};
/// # use tracing_handlers_testing::FaultFs;
/// for step in 0.. {
///     let directory = tempfile::tempdir()?;
///     let (old, new) = (directory.path().join("old"), directory.path().join("new"));
///     let fs = FaultFs::new();
///     fs.cut_power_before(step);
///
///     // What is tested; here, a rename.
///     fs.open_append(&old, &FileOptions::default()).and_then(|_| fs.rename(&old, &new)).ok();
///
///     if !fs.is_power_cut() {
///         assert_eq!(step, 2, "the work has two steps");
///         break;
///     }
///     assert!(!new.exists(), "after {:?}", fs.journal());
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct FaultFs {
    shared: Arc<Shared>,
}

struct Shared {
    system: Box<dyn Fs>,
    gates: HashMap<Op, Gate>,
    state: Mutex<State>,
}

/// What the test asked for, and what has happened.
#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    failing_step: Option<(usize, Fault)>,
    space_left: Option<u64>,
    longest_write: Option<usize>,
    cut_before: Option<usize>,
    is_power_cut: bool,
    journal: Vec<String>,
    syncs: Vec<String>,
}

struct Rule {
    op: Op,
    applies: Box<dyn Fn(&Path) -> bool + Send>,
    times_left: Option<usize>,
    fault: Fault,
}

impl Default for FaultFs {
    fn default() -> Self {
        Self::new()
    }
}

impl FaultFs {
    /// The system's files, no faults yet.
    pub fn new() -> Self {
        Self::over(SystemFs)
    }

    /// Another file system, no faults yet.
    pub fn over(fs: impl Fs) -> Self {
        let gates = Op::ALL.into_iter().map(|op| (op, Gate::new())).collect();
        Self { shared: Arc::new(Shared { system: Box::new(fs), gates, state: Mutex::default() }) }
    }

    /// Fails every call of `op` until it is healed. Of several faults the newest that applies counts.
    pub fn fail(&self, op: Op, fault: impl Into<Fault>) {
        self.add_rule(op, |_| true, None, fault.into());
    }

    /// Fails the next `times` calls of `op`.
    pub fn fail_times(&self, op: Op, times: usize, fault: impl Into<Fault>) {
        self.add_rule(op, |_| true, Some(times), fault.into());
    }

    /// Fails the calls of `op` on paths of which `applies` says so, until it is healed. `applies` must not use this file system.
    pub fn fail_on(&self, op: Op, applies: impl Fn(&Path) -> bool + Send + 'static, fault: impl Into<Fault>) {
        self.add_rule(op, applies, None, fault.into());
    }

    /// Fails the attempt at step `step` (counted from 0) once, whatever it is; what comes after works.
    pub fn fail_step(&self, step: usize, fault: impl Into<Fault>) {
        self.state().failing_step = Some((step, fault.into()));
    }

    /// Leaves room for `bytes` more bytes: the write that exceeds them is cut short, then there is no space left on the device.
    /// Truncating, unlinking and renaming over a file give their space back. [`heal`](Self::heal) of [`Op::Write`] gives room.
    pub fn disk_full_after(&self, bytes: u64) {
        self.state().space_left = Some(bytes);
    }

    /// Makes every write take at most `bytes` bytes, without an error, until [`Op::Write`] is healed. With 0 they write nothing.
    pub fn short_writes(&self, bytes: usize) {
        self.state().longest_write = Some(bytes);
    }

    /// Takes away the faults of `op`. Power stays cut, and who is held stays held.
    pub fn heal(&self, op: Op) {
        let mut state = self.state();
        state.rules.retain(|rule| rule.op != op);
        if op == Op::Write {
            state.space_left = None;
            state.longest_write = None;
        }
    }

    /// Takes away the faults of every operation, and that of a step. Power stays cut, and who is held stays held.
    pub fn heal_all(&self) {
        Op::ALL.into_iter().for_each(|op| self.heal(op));
        self.state().failing_step = None;
    }

    /// Cuts the power when step `step` (counted from 0) is tried: neither it nor anything later has an effect, every call fails,
    /// for good. What the next process sees is seen through another file system.
    pub fn cut_power_before(&self, step: usize) {
        self.state().cut_before = Some(step);
    }

    /// Whether the power was cut.
    pub fn is_power_cut(&self) -> bool {
        self.state().is_power_cut
    }

    /// How many steps were made.
    pub fn steps(&self) -> usize {
        self.state().journal.len()
    }

    /// The steps that were made, by file name: `rename app.log -> app.log.1`.
    pub fn journal(&self) -> Vec<String> {
        self.state().journal.clone()
    }

    /// What was synced, by file name, in order: files and directories.
    pub fn syncs(&self) -> Vec<String> {
        self.state().syncs.clone()
    }

    /// Holds every call of `op` from now on, before it has any effect.
    pub fn hold(&self, op: Op) {
        self.shared.gates[&op].close();
    }

    /// Lets go the calls of `op` that are held, and those that come.
    pub fn release(&self, op: Op) {
        self.shared.gates[&op].open();
    }

    /// Returns when a call of `op` is held.
    ///
    /// # Panics
    ///
    /// If none comes within [`PATIENCE`](crate::gate::PATIENCE).
    pub fn wait_until_held(&self, op: Op) {
        self.shared.gates[&op].wait_until_held();
    }

    fn add_rule(&self, op: Op, applies: impl Fn(&Path) -> bool + Send + 'static, times_left: Option<usize>, fault: Fault) {
        self.state().rules.push(Rule { op, applies: Box::new(applies), times_left, fault });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }
}

impl fmt::Debug for FaultFs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultFs").field("journal", &self.journal()).finish_non_exhaustive()
    }
}

impl Shared {
    /// What every call passes first: the gate, the power and the faults.
    fn begin(&self, op: Op, path: &Path) -> io::Result<MutexGuard<'_, State>> {
        self.gates[&op].pass()?;
        let mut state = lock(&self.state);
        if state.is_power_cut {
            return Err(power_cut());
        }
        state.check(op, path)?;
        Ok(state)
    }

    fn len(&self, path: &Path) -> u64 {
        self.system.stat(path).map_or(0, |stat| stat.len)
    }

    fn exists(&self, path: &Path) -> bool {
        self.system.stat(path).is_ok()
    }
}

impl State {
    fn check(&mut self, op: Op, path: &Path) -> io::Result<()> {
        let mut newest_first = self.rules.iter_mut().rev();
        let Some(rule) = newest_first.find(|rule| rule.op == op && rule.times_left != Some(0) && (rule.applies)(path)) else {
            return Ok(());
        };
        rule.times_left = rule.times_left.map(|times| times - 1);
        Err(rule.fault.into())
    }

    /// Makes a change, unless the power is cut before it or it is the step that fails.
    fn step<T>(&mut self, change: impl FnOnce() -> io::Result<T>, describe: impl FnOnce(&T) -> String) -> io::Result<T> {
        let number = self.journal.len();
        if self.cut_before.is_some_and(|step| step <= number) {
            self.is_power_cut = true;
            return Err(power_cut());
        }
        if let Some((_, fault)) = self.failing_step.take_if(|(step, _)| *step == number) {
            return Err(fault.into());
        }
        let done = change()?;
        self.journal.push(describe(&done));
        Ok(done)
    }

    /// How much of a write goes through.
    fn room_for(&self, wanted: usize) -> io::Result<usize> {
        let wanted = wanted.min(self.longest_write.unwrap_or(wanted));
        let Some(space) = self.space_left else { return Ok(wanted) };
        match usize::try_from(space).unwrap_or(usize::MAX).min(wanted) {
            0 if wanted > 0 => Err(disk_full()),
            room => Ok(room),
        }
    }

    fn take_space(&mut self, bytes: usize) {
        self.space_left = self.space_left.map(|space| space.saturating_sub(bytes as u64));
    }

    fn give_space(&mut self, bytes: u64) {
        self.space_left = self.space_left.map(|space| space.saturating_add(bytes));
    }
}

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

    fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
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

fn power_cut() -> io::Error {
    io::Error::other("power cut")
}

fn disk_full() -> io::Error {
    if cfg!(unix) { io::Error::from_raw_os_error(ENOSPC) } else { io::ErrorKind::StorageFull.into() }
}
