//! The task's side: take, encode, attempt, settle.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use tracing_handlers_core::buffer::{Batch, BoundedQueue, Pace, summary};
use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{DropReason, Error, Record, RecordBuf, Stats, Timestamp};

use crate::delivery::{Shared, Status};
use crate::frames::Frames;
use crate::outcome::{Encode, Outcome, Transport};
use crate::settings::Settings;

/// So often a transport may panic over the same frames.
const PANICS: u32 = 3;

/// How long the farewell to a peer may take.
const FAREWELL: Duration = Duration::from_secs(1);

pub(crate) struct Task<E, T> {
    shared: Arc<Shared>,
    settings: Settings,
    encode: E,
    transport: T,
    pace: Pace,
    /// Memory for the next frames.
    spare: Frames,
}

/// What came of an attempt, at the level of the task.
enum Next {
    /// All of it is settled.
    Done,
    /// In these pieces, at once.
    Pieces(Frames, Frames),
    /// Again, with what is left.
    Again { frames: Frames, after: Option<Duration> },
}

impl<E: Encode, T: Transport> Task<E, T> {
    pub(crate) fn new(shared: Arc<Shared>, settings: Settings, encode: E, transport: T) -> Self {
        let pace = Pace::new(settings.limits.max_delay);
        Self { shared, settings, encode, transport, pace, spare: Frames::new() }
    }

    /// Works until the queue is closed and empty, or the time of its close is up.
    pub(crate) async fn run(mut self) {
        let mut batch = Batch::new();
        if self.settings.linger_is_firm {
            self.wait().await;
        }
        loop {
            // Asked first: what was in by then is delivered before the end.
            let is_over = self.shared.queue.is_over();
            let taken = self.shared.queue.take_some(&mut batch, self.settings.batch_records, self.settings.batch_bytes);
            let found = taken.records > 0 || taken.summary.is_some();
            self.pace.looked(found);
            if found {
                let missing = taken.summary.as_ref().map(summary);
                let frames = self.encode_all(&batch, missing.as_ref());
                self.deliver(frames).await;
            }
            self.shared.queue.finish(0, Stats::new());
            self.shared.settled.notify_waiters();
            if taken.is_more {
                continue;
            }
            if is_over && !found {
                break;
            }
            if !is_over {
                self.wait().await;
            }
        }
        drop(tokio::time::timeout(FAREWELL, self.transport.close()).await);
        self.shared.reporter.settle();
    }

    /// Waits for records, and for company for the first of them until there is enough for an attempt.
    async fn wait(&mut self) {
        let shared = Arc::clone(&self.shared);
        let queue = &shared.queue;
        let pause = queue.begin_wait(&mut self.pace);
        let mut woken = pin!(woken_or(queue, pause));
        // Meanwhile a connection may come to its end.
        let looked = {
            let idle = Contained(pin!(self.transport.idle()));
            tokio::select! {
                biased;
                () = &mut woken => None,
                looked = idle => Some(looked),
            }
        };
        if let Some(looked) = looked {
            match looked {
                None => self.transport.reset(),
                Some(None) => {}
                Some(Some(why)) => {
                    self.note_failure(&mut lock(&self.shared.status), &why);
                    self.shared.reporter.note(why);
                    self.pause(None).await;
                }
            }
            woken.await;
        }
        let is_urgent = queue.end_wait();
        let Settings { linger, linger_is_firm, batch_records, batch_bytes, .. } = self.settings;
        if linger.is_zero() || queue.stats().pending == 0 || self.shared.time_left().is_some() {
            return;
        }
        if linger_is_firm {
            drop(tokio::time::timeout(linger, self.shared.poke.notified()).await);
        } else if !is_urgent {
            if queue.begin_linger(batch_records, batch_bytes) {
                tokio::select! {
                    () = woken_or(queue, Some(linger)) => {}
                    () = self.shared.poke.notified() => {}
                }
            }
            queue.end_wait();
        }
    }

    fn encode_all(&mut self, batch: &Batch, summary: Option<&RecordBuf>) -> Frames {
        let mut frames = mem::take(&mut self.spare);
        frames.clear();
        let oldest = self.oldest();
        // One loop for all and one step more: a chain of both would ask for each record which of them it is in.
        batch.records().for_each(|record| self.encode_one(&record, oldest, &mut frames));
        summary.into_iter().for_each(|summary| self.encode_one(&summary.as_record(), oldest, &mut frames));
        frames
    }

    #[inline]
    fn encode_one(&mut self, record: &Record<'_>, oldest: Timestamp, frames: &mut Frames) {
        let time = record.timestamp();
        if is_expired(time, oldest) {
            self.drop_some(DropReason::Expired, 1, Error::new("wait for the peer: older than `max_age`"));
            return;
        }
        let encoded = catch_unwind(AssertUnwindSafe(|| frames.push(time, |out| self.encode.encode(record, out))));
        match encoded {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.drop_some(DropReason::Failed, 1, error),
            Err(_) => {
                frames.cut_torn();
                self.drop_some(DropReason::Panicked, 1, Error::panicked("encoding a record panicked"));
            }
        }
    }

    async fn deliver(&mut self, frames: Frames) {
        let mut pieces = VecDeque::from([frames]);
        let mut panics = 0;
        while let Some(frames) = pieces.pop_front() {
            let Some(frames) = self.without_expired(frames) else { continue };
            if self.is_time_up() {
                self.shared.has_given_up.store(true, Ordering::SeqCst);
                let what = format!("bring records to {} before it was closed", self.shared.reporter.handler());
                self.drop_some(DropReason::Closed, frames.len() as u64, Error::timed_out(what));
                continue;
            }
            match self.attempt(frames, &mut panics).await {
                Next::Done => panics = 0,
                Next::Pieces(first, second) => {
                    pieces.push_front(second);
                    pieces.push_front(first);
                }
                Next::Again { frames, after } => {
                    pieces.push_front(frames);
                    self.pause(after).await;
                }
            }
        }
    }

    async fn attempt(&mut self, frames: Frames, panics: &mut u32) -> Next {
        let mut has_begun = false;
        let attempted = self.in_time(&frames, &mut has_begun).await;
        let (why, mut has_panicked) = match attempted {
            Some(Some(outcome)) => return self.settle(frames, outcome),
            Some(None) => (Error::panicked(format!("sending to {} panicked", self.shared.reporter.handler())), true),
            None => (self.no_answer(), false),
        };
        let outcome = self.broken_off(&frames, has_begun, why).unwrap_or_else(|error| {
            has_panicked = true;
            Outcome::retry(error)
        });
        *panics += u32::from(has_panicked);
        match outcome {
            Outcome::Retry { why, .. } if has_panicked && *panics >= PANICS => {
                *panics = 0;
                self.note_attempt(Some(&why), 0);
                self.give_up_or_halve(frames, DropReason::Panicked, why)
            }
            outcome => self.settle(frames, outcome),
        }
    }

    /// What the transport says, if it says so in time: `None` within is a panic.
    async fn in_time(&mut self, frames: &Frames, has_begun: &mut bool) -> Option<Option<Outcome>> {
        let (shared, time) = (&self.shared, self.settings.attempt_timeout);
        loop {
            match shared.in_time(time, Contained(pin!(self.transport.make_ready()))).await? {
                Some(Ok(true)) => break,
                Some(Ok(false)) => {}
                Some(Err(why)) => return Some(Some(Outcome::retry(why))),
                None => return Some(None),
            }
        }
        *has_begun = true;
        shared.in_time(time, Contained(pin!(self.transport.send(frames)))).await
    }

    fn no_answer(&self) -> Error {
        let when = match self.is_time_up() {
            true => "before it was closed".to_owned(),
            false => format!("in {:?}", self.settings.attempt_timeout),
        };
        Error::timed_out(format!("send to {}: no answer {when}", self.shared.reporter.handler()))
    }

    /// What is known of an attempt that has no outcome. Who panicked once may do so again.
    fn broken_off(&mut self, frames: &Frames, has_begun: bool, why: Error) -> Result<Outcome, Error> {
        let transport = &mut self.transport;
        let known = catch_unwind(AssertUnwindSafe(|| match has_begun {
            true => transport.broken_off(frames, why),
            false => Outcome::retry(why),
        }));
        transport.reset();
        known.map_err(|_| Error::panicked(format!("sending to {} panicked", self.shared.reporter.handler())))
    }

    fn settle(&mut self, frames: Frames, outcome: Outcome) -> Next {
        let (all, bytes) = (frames.len() as u64, frames.bytes().len() as u64);
        match outcome {
            Outcome::Delivered | Outcome::Sent => {
                self.note_attempt(None, bytes);
                self.shared.queue.settle(all, Stats::new());
                self.spare = frames;
                Next::Done
            }
            Outcome::Retry { after, why } => {
                self.note_attempt(Some(&why), 0);
                if !why.is_reported() {
                    self.shared.reporter.note(why);
                }
                Next::Again { frames, after }
            }
            Outcome::Partial { retry, dead, after, why } => {
                let left = frames.select(|index| retry.contains(&index));
                let dropped = (dead.len() as u64).min(all - left.len() as u64);
                // Before the failure shows: who sees it finds the counts right.
                self.shared.queue.settle(all - left.len() as u64 - dropped, Stats::new());
                self.note_attempt(why.as_ref(), bytes.saturating_sub(left.bytes().len() as u64));
                if let Some((_, why)) = dead.into_iter().next() {
                    self.drop_some(DropReason::Failed, dropped, Error::new(why));
                }
                if let Some(why) = why.filter(|why| !why.is_reported()) {
                    self.shared.reporter.note(why);
                }
                if left.is_empty() { Next::Done } else { Next::Again { frames: left, after } }
            }
            Outcome::Split => {
                self.note_attempt(None, 0);
                self.give_up_or_halve(frames, DropReason::Failed, Error::new("a record is too large for the peer"))
            }
            Outcome::Reject { why } => {
                let error = Error::new(why);
                self.note_attempt(Some(&error), 0);
                self.drop_some(DropReason::Failed, all, error);
                Next::Done
            }
        }
    }

    /// One of many must not cost the others their delivery.
    fn give_up_or_halve(&mut self, frames: Frames, reason: DropReason, error: Error) -> Next {
        if frames.len() <= 1 {
            self.drop_some(reason, frames.len() as u64, error);
            return Next::Done;
        }
        let half = frames.len() / 2;
        Next::Pieces(frames.select(|index| index < half), frames.select(|index| index >= half))
    }

    /// Waits before the next attempt, unless somebody wants it at once.
    async fn pause(&mut self, after: Option<Duration>) {
        /// A peer may ask for so much patience, and no more.
        const LONGEST: Duration = Duration::from_secs(60);
        let failures = lock(&self.shared.status).failures;
        let own = self.settings.retry.wait(failures.saturating_sub(1), fastrand::f64());
        // No peer talks us into hurry.
        let wait = after.map_or(own, |after| after.min(LONGEST).max(own));
        let wait = self.shared.time_left().map_or(wait, |left| left.min(wait));
        self.shared.connections.set_waiting(true);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.shared.poke.notified() => {}
        }
        self.shared.connections.set_waiting(false);
    }

    fn note_attempt(&self, failure: Option<&Error>, bytes: u64) {
        let mut status = lock(&self.shared.status);
        status.attempts += 1;
        status.retries += u64::from(status.failures > 0);
        status.bytes += bytes;
        match failure {
            Some(error) => self.note_failure(&mut status, error),
            None => status.failures = 0,
        }
    }

    /// What is sent over a connection seems well until that ends: of those that end early each counts, or the pauses would not grow.
    fn note_failure(&self, status: &mut Status, error: &Error) {
        status.failures = status.failures.saturating_add(1).max(self.shared.connections.early_ends());
        status.last_error = Some(error.one_line());
    }

    fn drop_some(&self, reason: DropReason, count: u64, error: Error) {
        if count > 0 {
            self.shared.queue.settle(0, Stats::new().with_dropped(reason, count));
            self.shared.reporter.lost(error, reason, count);
        }
    }

    /// What is left when those that waited too long are dropped.
    fn without_expired(&self, frames: Frames) -> Option<Frames> {
        let oldest = self.oldest();
        let expired = frames.times().iter().filter(|time| is_expired(**time, oldest)).count();
        if expired == 0 {
            return Some(frames).filter(|frames| !frames.is_empty());
        }
        let newest = lock(&self.shared.status).last_error.clone().unwrap_or_default();
        let error = Error::new("wait for the peer: older than `max_age`").with_source(newest);
        self.drop_some(DropReason::Expired, expired as u64, error);
        let times = frames.times().to_vec();
        let left = frames.select(|index| times.get(index).is_some_and(|time| !is_expired(*time, oldest)));
        Some(left).filter(|left| !left.is_empty())
    }

    /// Records from before this are too old.
    fn oldest(&self) -> Timestamp {
        let age = i64::try_from(self.settings.max_age.as_nanos()).unwrap_or(i64::MAX);
        Timestamp::from_nanos(self.settings.clock.now().as_nanos().saturating_sub(age))
    }

    fn is_time_up(&self) -> bool {
        self.shared.time_left().is_some_and(|left| left.is_zero())
    }
}

/// A record made by hand may have no time, which makes it of no age.
fn is_expired(time: Timestamp, oldest: Timestamp) -> bool {
    time != Timestamp::default() && time < oldest
}

/// Returns when the consumer is woken, or the time is up.
async fn woken_or(queue: &BoundedQueue, pause: Option<Duration>) {
    let woken = poll_fn(|context| queue.poll_woken(context));
    match pause {
        Some(pause) => drop(tokio::time::timeout(pause, woken).await),
        None => woken.await,
    }
}

/// A future whose panic is an answer: `None`.
struct Contained<'f, F>(Pin<&'f mut F>);

impl<F: Future> Future for Contained<'_, F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
            Err(_) => Poll::Ready(None),
        }
    }
}
