//! Threads of the process, one for each kind of work that no caller should wait for: freeing the blocks of deleted files, and
//! compressing rolled ones, which must not hold up the first.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Sender};
use std::thread;

use tracing_handlers_core::reentry;

type Job = Box<dyn FnOnce() + Send>;

/// A thread that does one job after the other. It starts with the first and stays.
pub(crate) struct Background {
    name: &'static str,
    thread: OnceLock<Option<Sender<Job>>>,
}

static CLEANUP: Background = Background::new("log-cleanup");

/// Drops `garbage` away from the caller; at once, where no thread can be had.
pub(crate) fn drop_later<T: Send + 'static>(garbage: T) {
    // A job that is not taken is dropped here, which is what it is for.
    CLEANUP.run(move || drop(garbage));
}

impl Background {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, thread: OnceLock::new() }
    }

    /// Hands a job over. Says whether it was taken: without a thread it is not.
    pub(crate) fn run(&self, job: impl FnOnce() + Send + 'static) -> bool {
        let thread = self.thread.get_or_init(|| start(self.name)).as_ref();
        thread.is_some_and(|thread| thread.send(Box::new(job)).is_ok())
    }
}

fn start(name: &str) -> Option<Sender<Job>> {
    let (sender, jobs) = mpsc::channel::<Job>();
    let run = move || {
        reentry::mark_thread();
        for job in jobs {
            // A job that panics says so itself; the next one is not to suffer for it.
            catch_unwind(AssertUnwindSafe(job)).ok();
        }
    };
    thread::Builder::new().name(name.into()).spawn(run).ok().map(|_| sender)
}
