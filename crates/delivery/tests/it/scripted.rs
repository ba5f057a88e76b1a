//! A peer that does what the test says, and the encoding of the tests: a message and a line end.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Error, Record, Timestamp};
use tracing_handlers_delivery::{Delivery, Frames, Outcome, Settings, Transport};
use tracing_handlers_testing::FailureLog;

/// What the peer does with an attempt.
#[derive(Debug)]
pub(crate) enum Act {
    Take,
    Do(Outcome),
    Hang,
    Panic,
}

/// A peer that takes everything, unless it has acts to perform first. Clones are the same peer.
#[derive(Clone, Default)]
pub(crate) struct Peer {
    shared: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    acts: VecDeque<Act>,
    steps: VecDeque<Duration>,
    taken: Vec<String>,
    attempts: Vec<usize>,
    is_away: bool,
    resets: usize,
}

impl Peer {
    pub(crate) fn will(&self, acts: impl IntoIterator<Item = Act>) -> &Self {
        lock(&self.shared).acts.extend(acts);
        self
    }
    /// So long each step takes by which it becomes ready.
    pub(crate) fn becomes_ready_in(&self, steps: impl IntoIterator<Item = Duration>) {
        lock(&self.shared).steps.extend(steps);
    }
    pub(crate) fn set_away(&self, is_away: bool) {
        lock(&self.shared).is_away = is_away;
    }
    pub(crate) fn taken(&self) -> Vec<String> {
        lock(&self.shared).taken.clone()
    }
    /// How many frames each attempt had.
    pub(crate) fn attempts(&self) -> Vec<usize> {
        lock(&self.shared).attempts.clone()
    }
    pub(crate) fn resets(&self) -> usize {
        lock(&self.shared).resets
    }
}

pub(crate) fn away() -> Outcome {
    Outcome::retry(Error::new("reach the peer"))
}

fn lines(frames: &Frames, is_wanted: impl Fn(usize) -> bool) -> Vec<String> {
    let wanted = frames.iter().enumerate().filter(|(index, _)| is_wanted(*index));
    wanted.map(|(_, frame)| String::from_utf8_lossy(frame).trim_end().to_owned()).collect()
}

impl Transport for Peer {
    async fn make_ready(&mut self) -> Result<bool, Error> {
        let Some(step) = lock(&self.shared).steps.pop_front() else { return Ok(true) };
        tokio::time::sleep(step).await;
        Ok(false)
    }

    async fn send(&mut self, frames: &Frames) -> Outcome {
        let act = {
            let mut state = lock(&self.shared);
            state.attempts.push(frames.len());
            let scripted = state.acts.pop_front();
            scripted.unwrap_or(if state.is_away { Act::Do(away()) } else { Act::Take })
        };
        match act {
            Act::Take => {
                lock(&self.shared).taken.extend(lines(frames, |_| true));
                Outcome::Delivered
            }
            Act::Do(Outcome::Partial { retry, dead, after, why }) => {
                let is_taken = |index| !retry.contains(&index) && !dead.iter().any(|(dead, _)| *dead == index);
                lock(&self.shared).taken.extend(lines(frames, is_taken));
                Outcome::Partial { retry, dead, after, why }
            }
            Act::Do(outcome) => outcome,
            Act::Hang => pending().await,
            Act::Panic => panic!("deliberate mistake of a transport"),
        }
    }

    fn sent_in_time(&mut self, frames: &Frames) -> usize {
        assert!(!lock(&self.shared).attempts.is_empty(), "asked about {} frames before any was sent", frames.len());
        0
    }

    fn reset(&mut self) {
        lock(&self.shared).resets += 1;
    }
}

pub(crate) fn encode(record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    if record.message() == "refused" {
        return Err(Error::new("encode a record that cannot be"));
    }
    out.extend_from_slice(record.message().as_bytes());
    out.push(b'\n');
    Ok(())
}

/// A delivery to `peer` whose work the test's own runtime does, on a paused clock.
pub(crate) fn on_this_runtime(peer: &Peer, failures: &FailureLog, settings: Settings) -> Delivery {
    let settings = Settings { on_failure: Some(Arc::new(failures.clone())), ..settings };
    let (delivery, work) = Delivery::with_future("test", settings, encode, peer.clone()).unwrap();
    tokio::task::spawn_local(work);
    delivery
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds)
}
