//! One thread a process for work that no caller should wait for: freeing the blocks of deleted files.

use std::sync::OnceLock;
use std::sync::mpsc::{self, Sender};
use std::thread;

use tracing_handlers_core::reentry;

type Job = Box<dyn FnOnce() + Send>;

/// Drops `garbage` away from the caller; at once, where no thread can be had.
pub(crate) fn drop_later<T: Send + 'static>(garbage: T) {
    let job: Job = Box::new(move || drop(garbage));
    if let Some(thread) = thread() {
        // A send fails only if the thread is gone; the job is then dropped here, which is what it is for.
        thread.send(job).ok();
    }
}

fn thread() -> Option<&'static Sender<Job>> {
    static THREAD: OnceLock<Option<Sender<Job>>> = OnceLock::new();
    THREAD.get_or_init(start).as_ref()
}

fn start() -> Option<Sender<Job>> {
    let (sender, jobs) = mpsc::channel::<Job>();
    let run = move || {
        reentry::mark_thread();
        for job in jobs {
            job();
        }
    };
    thread::Builder::new().name("log-cleanup".into()).spawn(run).ok().map(|_| sender)
}
