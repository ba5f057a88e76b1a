//! The consumer of a queue: a thread of its own, or whoever flushes where that is gone.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::Duration;

use tracing_handlers_core::buffer::{Batch, BoundedQueue, Pace};
use tracing_handlers_core::sync::{lock, lock_before};
use tracing_handlers_core::{Deadline, Error, Handler, Record, Stats, reentry};

use crate::intake::{Intake, OwnQueue, Place};
use crate::targets::Targets;

/// A thread that lives takes up records within this time, unless it is busy with others.
const TAKEN_UP_WITHIN: Duration = Duration::from_millis(100);

/// How long a listener waits for a record of a user's queue before it looks whether it should stop.
const OWN_WAIT: Duration = Duration::from_millis(50);

/// Takes records out of a queue and hands them to handlers.
pub(crate) struct Worker {
    pub(crate) intake: Arc<Intake>,
    targets: Targets,
    /// Who holds this takes records out and hands them on, so they keep their order whoever does it.
    batch: Mutex<Batch>,
    /// How many wait for `batch`: the thread lets them go first.
    waiting: AtomicUsize,
    is_stopped: AtomicBool,
    thread: Mutex<Option<Running>>,
    ended: Condvar,
    /// The handlers are nobody else's: they are closed with the queue.
    owns_targets: bool,
}

struct Running {
    handle: JoinHandle<()>,
    has_ended: bool,
}

impl Worker {
    pub(crate) fn new(intake: Arc<Intake>, targets: Targets, owns_targets: bool) -> Self {
        Self {
            intake,
            targets,
            batch: Mutex::default(),
            waiting: AtomicUsize::new(0),
            is_stopped: AtomicBool::new(false),
            thread: Mutex::new(None),
            ended: Condvar::new(),
            owns_targets,
        }
    }

    /// Starts the thread.
    pub(crate) fn start(self: &Arc<Self>) -> Result<(), Error> {
        if !self.intake.claim(self) {
            return Err(Error::new("start a listener: another one takes records out of this queue"));
        }
        let mut thread = lock(&self.thread);
        if thread.is_some() {
            return Err(Error::new("start a listener that runs"));
        }
        self.set_stopped(false);
        let worker = Arc::clone(self);
        let builder = thread::Builder::new().name("log-queue".to_owned());
        let handle = builder.spawn(move || worker.run()).map_err(|error| Error::io("start the thread of a queue", error))?;
        *thread = Some(Running { handle, has_ended: false });
        Ok(())
    }

    pub(crate) fn is_running(&self) -> bool {
        lock(&self.thread).is_some()
    }

    fn is_this_thread(&self) -> bool {
        let is_this = |id: ThreadId| id == thread::current().id();
        lock(&self.thread).as_ref().is_some_and(|running| is_this(running.handle.thread().id()))
    }

    /// Has the thread hand on what is there by now, and waits until it has ended.
    pub(crate) fn stop(&self, deadline: Deadline) -> Result<(), Error> {
        if self.is_this_thread() {
            return Err(Error::new("stop a queue from a handler behind it"));
        }
        self.set_stopped(true);
        let mut thread = lock(&self.thread);
        while thread.as_ref().is_some_and(|running| !running.has_ended) {
            if deadline.has_passed() {
                return Err(Error::timed_out("stop the thread of a queue"));
            }
            let left = deadline.remaining().unwrap_or(Duration::MAX);
            thread = self.ended.wait_timeout(thread, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        if let Some(running) = thread.take() {
            drop(thread);
            // It ended by itself: what it could not do was reported.
            running.handle.join().ok();
        }
        Ok(())
    }

    fn set_stopped(&self, is_stopped: bool) {
        self.is_stopped.store(is_stopped, Ordering::SeqCst);
        if let Place::Bounded(queue) = &self.intake.place {
            queue.set_stopped(is_stopped);
        }
    }

    fn run(&self) {
        reentry::mark_thread();
        match &self.intake.place {
            Place::Bounded(queue) => self.run_bounded(queue),
            Place::Own(own) => self.run_own(own),
        }
        if let Some(running) = lock(&self.thread).as_mut() {
            running.has_ended = true;
        }
        self.ended.notify_all();
    }

    fn run_bounded(&self, queue: &BoundedQueue) {
        let mut pace = Pace::new(queue.limits().max_delay);
        loop {
            // Before the first look too: whether the thread began before a record came makes no difference then.
            queue.wait(&mut pace);
            // Asked before it looks: what was in by then is handed on before the end.
            let is_over = queue.is_over();
            let found = self.pass(&mut lock(&self.batch));
            if is_over {
                return;
            }
            pace.looked(found);
        }
    }

    fn run_own(&self, own: &OwnQueue) {
        loop {
            let is_over = self.is_stopped.load(Ordering::SeqCst);
            let mut batch = lock(&self.batch);
            if self.pass(&mut batch) {
                continue;
            }
            if is_over {
                return;
            }
            if self.waiting.load(Ordering::SeqCst) == 0
                && let Some(record) = own.take(OWN_WAIT)
            {
                batch.push(&record.as_record());
            }
            drop(batch);
            while self.waiting.load(Ordering::SeqCst) > 0 {
                thread::yield_now();
            }
        }
    }

    /// Hands on what is there. Says whether it found anything.
    fn pass(&self, batch: &mut Batch) -> bool {
        self.intake.pass(batch, |batch, last| (self.targets.deliver(batch, last), self.targets.stats()))
    }

    /// Returns when everything that is in by now was handed on, and the handlers flushed it.
    fn drain(&self, deadline: Deadline) -> Result<(), Error> {
        if self.is_this_thread() {
            return Err(Error::new("flush a queue from a handler behind it"));
        }
        let is_drained = match &self.intake.place {
            Place::Bounded(queue) => self.drain_bounded(queue, deadline),
            Place::Own(_) => self.drain_own(deadline),
        };
        if !is_drained {
            return Err(Error::timed_out("hand on the records of a queue"));
        }
        self.targets.flush(deadline)
    }

    fn drain_bounded(&self, queue: &BoundedQueue, deadline: Deadline) -> bool {
        let sequence = queue.barrier();
        if self.is_running() {
            let soon = Deadline::after(deadline.remaining().map_or(TAKEN_UP_WITHIN, |left| left.min(TAKEN_UP_WITHIN)));
            if queue.wait_until_done(sequence, soon) {
                return true;
            }
        }
        // There is no thread, or it was lost on the way to the end of the process, unless it holds this.
        if let Ok(mut batch) = self.batch.try_lock() {
            self.pass(&mut batch);
        }
        queue.wait_until_done(sequence, deadline)
    }

    fn drain_own(&self, deadline: Deadline) -> bool {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let batch = lock_before(&self.batch, deadline);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        let Some(mut batch) = batch else { return false };
        while self.pass(&mut batch) {
            if deadline.has_passed() {
                return false;
            }
        }
        true
    }

    /// The queue's counters and those of its handlers as those of one handler.
    pub(crate) fn stats_of_both(&self) -> Stats {
        let Place::Bounded(queue) = &self.intake.place else { return self.intake.stats() };
        let (mut own, settled, batch) = queue.snapshot();
        let mut target = settled;
        // What the handlers say now fits, if no batch went to them meanwhile.
        if batch.is_some() {
            let now = self.targets.stats();
            let (after, _, same) = queue.snapshot();
            if same == batch {
                (own, target) = (after, now);
            }
        }
        own.delivered = own.delivered.saturating_sub(target.dropped() + target.pending);
        own.pending += target.pending;
        let dropped = target.with_handled(0).with_delivered(0).with_pending(0);
        own.plus(dropped)
    }
}

/// What the exit hook, `shutdown` and a handler that owns all of it see.
impl Handler for Worker {
    #[inline]
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        self.intake.handle(record)
    }

    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        let result = self.drain(deadline);
        self.intake.report_all();
        result
    }

    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        self.intake.close();
        let mut result = self.flush(deadline);
        if self.owns_targets {
            // The thread first: its last pass may bring a record of what was dropped.
            result = result.and(self.stop(deadline)).and(self.targets.close(deadline));
        }
        result
    }

    fn stats(&self) -> Stats {
        if self.owns_targets { self.stats_of_both() } else { self.intake.stats() }
    }
}
