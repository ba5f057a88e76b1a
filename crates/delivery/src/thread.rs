//! The one thread of a process that does the work of all network handlers: `log-delivery`.
//!
//! It runs a runtime of its own, so it works with and without one in the application, and outlives that. It starts with the first
//! handler, and never ends.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::process;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;
use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Error, reentry};

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Running {
    /// A forked child has the memory of its parent, and none of its threads.
    process: u32,
    jobs: UnboundedSender<Job>,
}

static RUNNING: Mutex<Option<Running>> = Mutex::new(None);

thread_local! {
    static IS_DELIVERY: Cell<bool> = const { Cell::new(false) };
}

/// Whether this is the delivery thread: what waits for it here would wait for ever.
pub(crate) fn is_this_thread() -> bool {
    IS_DELIVERY.try_with(Cell::get).unwrap_or(false)
}

/// Has the thread do this; starts it if there is none.
pub(crate) fn spawn(job: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
    let mut job: Job = Box::pin(job);
    let mut running = lock(&RUNNING);
    if let Some(Running { process, jobs }) = running.as_ref()
        && *process == process::id()
    {
        match jobs.send(job) {
            Ok(()) => return Ok(()),
            Err(refused) => job = refused.0,
        }
    }
    let jobs = start()?;
    // The thread has just begun: it takes the job.
    jobs.send(job).map_err(|_| Error::new("start the delivery thread"))?;
    *running = Some(Running { process: process::id(), jobs });
    Ok(())
}

/// Ends after that time, whatever runtime it is awaited in; nothing is left behind where it is dropped before.
pub(crate) fn after(time: Duration) -> Result<oneshot::Receiver<()>, Error> {
    let (mut bell, ends) = oneshot::channel();
    spawn(async move { drop(tokio::time::timeout(time, bell.closed()).await) })?;
    Ok(ends)
}

fn start() -> Result<UnboundedSender<Job>, Error> {
    let failed = |error| Error::io("start the delivery thread", error);
    let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (sender, receiver) = mpsc::unbounded_channel();
    let builder = thread::Builder::new().name("log-delivery".to_owned());
    builder.spawn(move || run(&runtime, receiver)).map_err(failed)?;
    Ok(sender)
}

fn run(runtime: &Runtime, mut jobs: UnboundedReceiver<Job>) {
    reentry::mark_thread();
    IS_DELIVERY.set(true);
    // Tasks of the runtime, not of a `LocalSet`: the hook at the end of a process wakes them from a thread whose locals are gone, which the
    // wakers of that do not survive.
    runtime.block_on(async {
        while let Some(job) = jobs.recv().await {
            tokio::spawn(job);
        }
    });
}
