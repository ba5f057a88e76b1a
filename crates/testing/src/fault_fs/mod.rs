//! A file system over real files that fails, fills up, loses power or waits exactly where the test says.

mod calls;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use tracing_handlers_core::sync::lock;
use tracing_handlers_file::fs::{Fs, SystemFs};

use crate::gate::Gate;

/// What can be made to fail, or to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// [`Fs::open_append`] and [`Fs::create_new`].
    Open,
    /// [`Fs::open_read`] and [`FsFile::read`](tracing_handlers_file::fs::FsFile::read).
    Read,
    /// [`Fs::rename`]; its path is the old name.
    Rename,
    /// [`Fs::unlink`].
    Unlink,
    /// [`Fs::stat`], [`Fs::stat_entry`] and [`FsFile::stat`](tracing_handlers_file::fs::FsFile::stat), also where only
    /// [`FsFile::size`](tracing_handlers_file::fs::FsFile::size) or
    /// [`FsFile::written_up_to`](tracing_handlers_file::fs::FsFile::written_up_to) is asked.
    Stat,
    /// [`Fs::list`].
    List,
    /// [`Fs::create_dir_all`].
    CreateDir,
    /// [`FsFile::write`](tracing_handlers_file::fs::FsFile::write); the path of this and the other operations on an open file is the one that it was opened by.
    Write,
    /// [`FsFile::truncate`](tracing_handlers_file::fs::FsFile::truncate).
    Truncate,
    /// [`FsFile::sync`](tracing_handlers_file::fs::FsFile::sync) and [`Fs::sync_directory`].
    Sync,
    /// [`FsFile::set_mode`](tracing_handlers_file::fs::FsFile::set_mode), [`FsFile::set_owner`](tracing_handlers_file::fs::FsFile::set_owner) and [`FsFile::set_modified`](tracing_handlers_file::fs::FsFile::set_modified).
    SetAccess,
    /// [`FsFile::try_lock`](tracing_handlers_file::fs::FsFile::try_lock) and
    /// [`FsFile::try_lock_shared`](tracing_handlers_file::fs::FsFile::try_lock_shared).
    Lock,
    /// [`Fs::symlink`]; its path is that of the link.
    Link,
}

impl Op {
    /// Every operation.
    pub const ALL: [Op; 13] = [
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
        Self::Link,
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
    calls: usize,
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

    /// How many calls there were of any kind, also of those that failed: what the system calls would be.
    pub fn calls(&self) -> usize {
        self.state().calls
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
        state.calls += 1;
        if state.is_power_cut {
            return Err(power_cut());
        }
        state.check(op, path)?;
        Ok(state)
    }

    /// Takes note of a call that never fails.
    fn count(&self) {
        lock(&self.state).calls += 1;
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

fn power_cut() -> io::Error {
    io::Error::other("power cut")
}

fn disk_full() -> io::Error {
    if cfg!(unix) { io::Error::from_raw_os_error(ENOSPC) } else { io::ErrorKind::StorageFull.into() }
}
