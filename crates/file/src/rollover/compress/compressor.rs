//! The compressor of a handler: what it is asked for, and when it may move files.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::sync::{lock, lock_before};
use tracing_handlers_core::{Deadline, Error};

use super::Compression;
use crate::cleanup;
use crate::fs::{FileId, Fs};
use crate::settings::Settings;
use crate::upkeep::{Background, Place};

/// One thread a process: compressing takes a core as it is.
static THREAD: cleanup::Background = cleanup::Background::new("log-compress");

/// How long who gives up waits for a rename that is under way.
const LAST_MOVE: Duration = Duration::from_secs(1);

/// The rolled files of a handler, as its names tell.
pub trait Family: Send + Sync + 'static {
    /// Where they stand.
    ///
    /// # Errors
    ///
    /// There are no names.
    fn directory(&self, path: &Path) -> Result<PathBuf, Error>;

    /// Whether a rolled file would have this name, before it is compressed.
    fn has_name(&self, path: &Path, name: &Path) -> bool;

    /// Those there are, in whatever form, by the names they have before they are compressed.
    ///
    /// # Errors
    ///
    /// They cannot be looked at.
    fn names(&self, place: Place<'_>) -> Result<Vec<PathBuf>, Error>;
}

/// Compresses the rolled files of a handler in the background. Once it is dropped no file is touched any more.
pub struct Compressor {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) fs: Arc<dyn Fs>,
    pub(super) path: PathBuf,
    pub(super) compression: Compression,
    pub(super) family: Box<dyn Family>,
    pub(super) reporter: Reporter,
    /// Whoever moves rolled files has this: the handler for a rollover, the thread for a rename or an unlink. It holds what was
    /// rolled and may still be written to.
    pub(super) moves: Mutex<Option<FileId>>,
    /// There may be something to compress that nobody was told of.
    is_due: AtomicBool,
    is_abandoned: AtomicBool,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    is_running: bool,
    /// Once more, when this time is over.
    is_wanted: bool,
}

/// While it is there, the thread moves no files.
pub struct Moving<'a> {
    shared: &'a Shared,
    in_use: MutexGuard<'a, Option<FileId>>,
}

impl Moving<'_> {
    /// This file is going to be rolled; until it is released it is not to be compressed.
    pub fn rolls(&mut self, id: FileId) {
        *self.in_use = Some(id);
        self.shared.is_due.store(true, Ordering::Release);
    }
}

impl Compressor {
    /// Compresses nothing until the log is opened; then also what an earlier process left.
    ///
    /// # Errors
    ///
    /// A level that is none, and a log that others roll as well.
    pub fn new(kind: &str, settings: &Settings, compression: Compression, family: impl Family) -> Result<Self, Error> {
        compression.check()?;
        if settings.shared {
            let why = "cannot go with shared(true): others would move the files that are being compressed";
            return Err(Error::config("compress", compression, why));
        }
        let shared = Shared {
            fs: Arc::clone(&settings.fs),
            path: settings.path.clone(),
            compression,
            family: Box::new(family),
            reporter: Reporter::new(format!("{kind} {}", settings.path.display()), settings.on_failure.clone()),
            moves: Mutex::new(None),
            is_due: AtomicBool::new(true),
            is_abandoned: AtomicBool::new(false),
            queue: Mutex::default(),
            changed: Condvar::new(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Keeps the thread from moving files, for a rollover or to look at them all.
    pub fn hold(&self) -> Moving<'_> {
        Moving { shared: &self.shared, in_use: lock(&self.shared.moves) }
    }

    /// What was rolled is not written to any more.
    pub fn released(&self) {
        *lock(&self.shared.moves) = None;
        if self.shared.is_due.swap(false, Ordering::AcqRel) {
            self.shared.start();
        }
    }

    /// What closing the handler waits for.
    pub fn background(&self) -> Arc<dyn Background> {
        Arc::clone(&self.shared) as Arc<dyn Background>
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}

impl Shared {
    pub(super) fn place(&self) -> Place<'_> {
        Place { fs: &*self.fs, path: &self.path }
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Acquire)
    }

    fn start(self: &Arc<Self>) {
        let mut queue = lock(&self.queue);
        if queue.is_running {
            queue.is_wanted = true;
            return;
        }
        queue.is_running = true;
        drop(queue);
        let shared = Arc::clone(self);
        if !THREAD.run(move || shared.run()) {
            lock(&self.queue).is_running = false;
            self.changed.notify_all();
            self.reporter
                .note(Error::new(format!("compress what was rolled of {}: no thread can be had", self.path.display())));
        }
    }

    fn run(&self) {
        while !self.is_abandoned() {
            if catch_unwind(AssertUnwindSafe(|| self.sweep())).is_err() {
                self.reporter.note(Error::panicked(format!("compress what was rolled of {}", self.path.display())));
            }
            let mut queue = lock(&self.queue);
            if !std::mem::take(&mut queue.is_wanted) {
                queue.is_running = false;
                break;
            }
        }
        lock(&self.queue).is_running = false;
        self.changed.notify_all();
    }
}

impl Background for Shared {
    fn finish(&self, deadline: Deadline) -> Result<(), Error> {
        let queue = lock(&self.queue);
        let is_running = |queue: &mut Queue| queue.is_running;
        let queue = match deadline.remaining() {
            None => self.changed.wait_while(queue, is_running).unwrap_or_else(PoisonError::into_inner),
            Some(time) => self.changed.wait_timeout_while(queue, time, is_running).unwrap_or_else(PoisonError::into_inner).0,
        };
        let is_done = !queue.is_running;
        drop(queue);
        self.reporter.settle();
        let timed_out = || Error::timed_out(format!("compress what was rolled of {}", self.path.display()));
        if is_done { Ok(()) } else { Err(timed_out()) }
    }

    fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::Release);
        // Whoever has it may be about to move a file; the next one sees the mark.
        drop(lock_before(&self.moves, Deadline::after(LAST_MOVE)));
    }
}
