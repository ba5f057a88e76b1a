//! `Delivery`: the caller's side. Everything here returns at once, or by a deadline.

use std::fmt;
use std::future::Future;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tracing_handlers_core::buffer::{BoundedQueue, Pushed};
use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Deadline, DropReason, Error, Handler, Record, Stats, register_pending};

use crate::connection::{ConnectionState, Connections};
use crate::outcome::{Encode, Transport};
use crate::settings::Settings;
use crate::task::Task;
use crate::thread;

/// What caller and task share.
pub(crate) struct Shared {
    pub(crate) queue: BoundedQueue,
    pub(crate) reporter: Reporter,
    /// One try at once, whatever the wait was for.
    pub(crate) poke: Notify,
    /// Something was settled.
    pub(crate) settled: Notify,
    /// When the queue is closed: until when the task may try.
    closing: Mutex<Option<Deadline>>,
    /// That was said, or changed.
    closes: Notify,
    /// The time of a close was not enough.
    pub(crate) has_given_up: AtomicBool,
    pub(crate) status: Mutex<Status>,
    pub(crate) connections: Connections,
    process: u32,
    /// The task runs on the delivery thread, which has timers for everybody.
    has_thread: bool,
}

/// How it goes with the peer.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Status {
    /// Whether there is a connection, or why there is none.
    pub connection: ConnectionState,
    /// Attempts made.
    pub attempts: u64,
    /// Attempts that followed a failed one.
    pub retries: u64,
    /// Attempts that failed since the last that did not. A connection that the peer ended as soon as it was made counts as well; then it is all of
    /// those since one that lasted, whatever was sent over them.
    pub failures: u32,
    /// Bytes of the attempts that did not fail.
    pub bytes: u64,
    /// What the newest failure was, also if all is well since.
    pub last_error: Option<String>,
}

/// A handler whose records a task brings to a peer. Network handlers are made of one.
pub struct Delivery {
    shared: Arc<Shared>,
}

impl Delivery {
    /// A delivery whose task runs on the process's delivery thread. `name` is for reports: `socket tcp://127.0.0.1:9000`.
    ///
    /// # Errors
    ///
    /// Settings that let nothing through, and a system that has no thread to give.
    pub fn start(name: &str, settings: Settings, encode: impl Encode, transport: impl Transport) -> Result<Self, Error> {
        let drain_on_exit = settings.drain_on_exit;
        let (delivery, task) = Self::parts(name, settings, encode, transport, true)?;
        thread::spawn(task.run())?;
        register_pending(&(Arc::clone(&delivery.shared) as Arc<dyn Handler>), drain_on_exit);
        Ok(delivery)
    }

    /// A delivery and the future that does its work, for tests on a clock that is paused. `flush` and `close` would wait in vain on the
    /// thread that runs it: use [`flush_async`](Self::flush_async).
    ///
    /// # Errors
    ///
    /// Settings that let nothing through.
    pub fn with_future(
        name: &str,
        settings: Settings,
        encode: impl Encode,
        transport: impl Transport,
    ) -> Result<(Self, impl Future<Output = ()>), Error> {
        let (delivery, task) = Self::parts(name, settings, encode, transport, false)?;
        Ok((delivery, task.run()))
    }

    fn parts<E: Encode, T: Transport>(
        name: &str,
        settings: Settings,
        encode: E,
        mut transport: T,
        has_thread: bool,
    ) -> Result<(Self, Task<E, T>), Error> {
        let settings = settings.check()?;
        let connections = Connections::to_last(settings.lasting());
        transport.report_to(&connections);
        let shared = Arc::new(Shared {
            queue: BoundedQueue::new(settings.limits),
            reporter: Reporter::new(name, settings.on_failure.clone()),
            poke: Notify::new(),
            settled: Notify::new(),
            closing: Mutex::new(None),
            closes: Notify::new(),
            has_given_up: AtomicBool::new(false),
            status: Mutex::default(),
            connections,
            process: process::id(),
            has_thread,
        });
        let task = Task::new(Arc::clone(&shared), settings, encode, transport);
        Ok((Self { shared }, task))
    }

    /// How it goes with the peer.
    pub fn status(&self) -> Status {
        let shared = &self.shared;
        let is_closed = shared.queue.is_over() && shared.queue.stats().pending == 0;
        let connection = if is_closed { ConnectionState::Closed } else { shared.connections.state() };
        Status { connection, ..lock(&shared.status).clone() }
    }

    /// As [`flush`](Handler::flush), without blocking a thread. It needs no runtime: the delivery thread minds the deadline.
    ///
    /// # Errors
    ///
    /// Those of `flush`.
    pub async fn flush_async(&self, deadline: Deadline) -> Result<(), Error> {
        let shared = &self.shared;
        let sequence = shared.begin_flush()?;
        let done = async {
            loop {
                let settled = shared.settled.notified();
                if shared.queue.is_done(sequence) {
                    return;
                }
                settled.await;
            }
        };
        let is_done = match deadline.remaining() {
            None => {
                done.await;
                true
            }
            Some(left) if shared.has_thread => {
                let late = thread::after(left)?;
                tokio::select! {
                    biased;
                    () = done => true,
                    _ = late => false,
                }
            }
            Some(left) => tokio::time::timeout(left, done).await.is_ok(),
        };
        shared.end_flush(is_done)
    }
}

impl Shared {
    fn begin_close(&self, deadline: Deadline) {
        *lock(&self.closing) = Some(deadline);
        self.queue.close();
        self.closes.notify_one();
    }

    /// The time that a close leaves, if there is one.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        let closing = *lock(&self.closing);
        closing.and_then(|deadline| deadline.remaining())
    }

    /// Returns when all the time is up that a close leaves, also one that comes meanwhile.
    pub(crate) async fn close_is_over(&self) {
        loop {
            let closes = self.closes.notified();
            match self.time_left() {
                Some(left) => {
                    if tokio::time::timeout(left, closes).await.is_err() {
                        return;
                    }
                }
                None => closes.await,
            }
        }
    }

    /// What `step` gives, if it does so in that time, and before the time of a close is up.
    pub(crate) async fn in_time<T>(&self, time: Duration, step: impl Future<Output = T>) -> Option<T> {
        let step = async {
            tokio::select! {
                biased;
                output = step => Some(output),
                () = self.close_is_over() => None,
            }
        };
        tokio::time::timeout(time, step).await.ok().flatten()
    }

    fn begin_flush(&self) -> Result<u64, Error> {
        if self.process != process::id() {
            return Err(Error::new("flush in a forked process, which has no delivery thread"));
        }
        let sequence = self.queue.barrier();
        // Where nothing waits there is nothing to try at once, and the next record would be taken for it.
        if !self.queue.is_done(sequence) {
            self.poke.notify_one();
        }
        Ok(sequence)
    }

    fn end_flush(&self, is_done: bool) -> Result<(), Error> {
        self.report_drops(self.queue.take_unreported());
        self.reporter.settle();
        if is_done && !self.has_given_up.load(Ordering::SeqCst) {
            return Ok(());
        }
        let error = Error::timed_out(format!("bring records to {}", self.reporter.handler()));
        Err(match &lock(&self.status).last_error {
            Some(newest) => error.with_source(newest.clone()),
            None => error,
        })
    }

    fn report_drops(&self, drops: Option<Stats>) {
        if let Some(drops) = drops {
            self.reporter.lost_by_reason(&drops, refused);
        }
    }

    #[cold]
    fn settle_push(&self, pushed: Pushed) -> Result<(), Error> {
        self.report_drops(pushed.report.map(|drops| *drops));
        pushed.result.map_err(|reason| refused(reason).reported())
    }
}

fn refused(reason: DropReason) -> Error {
    match reason {
        DropReason::Closed => Error::closed("the handler"),
        _ => Error::full("wait for the peer"),
    }
}

/// What the exit hook and `shutdown` see.
impl Handler for Shared {
    #[inline]
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        let pushed = self.queue.push(record);
        if pushed.result.is_ok() && pushed.report.is_none() {
            return Ok(());
        }
        self.settle_push(pushed)
    }

    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        if thread::is_this_thread() {
            return Err(Error::new("flush on the delivery thread"));
        }
        let sequence = self.begin_flush()?;
        let is_done = self.queue.wait_until_done(sequence, deadline);
        self.end_flush(is_done)
    }

    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        self.begin_close(deadline);
        self.flush(deadline)
    }

    fn stats(&self) -> Stats {
        self.queue.stats()
    }
}

impl Handler for Delivery {
    #[inline]
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        self.shared.handle(record)
    }

    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        self.shared.flush(deadline)
    }

    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        self.shared.close(deadline)
    }

    fn stats(&self) -> Stats {
        self.shared.stats()
    }
}

impl Drop for Delivery {
    /// What waits is tried for a second, in the background: nobody waits for it. The end of the process would.
    fn drop(&mut self) {
        self.shared.begin_close(Deadline::after(Duration::from_secs(1)));
        self.shared.poke.notify_one();
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (handler, stats) = (self.shared.reporter.handler(), self.shared.queue.stats());
        f.debug_struct("Delivery").field("handler", &handler).field("stats", &stats).finish_non_exhaustive()
    }
}
