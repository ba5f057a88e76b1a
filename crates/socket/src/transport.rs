//! The connection, and Python's way of losing records while there is none.

use std::time::{Duration, Instant};

use tracing_handlers_core::Error;
use tracing_handlers_core::clock::monotonic;
use tracing_handlers_delivery::{Connections, Frames, Outcome, Retry, StreamTransport, Transport, dial};

/// A connection whose records wait while it is lost, or, as in Python, do not.
pub(crate) struct Link {
    connection: StreamTransport,
    lossy: Option<Lossy>,
}

/// As `SocketHandler` of Python: a failed attempt loses its record, and those that come before the next attempt are lost as well.
pub(crate) struct Lossy {
    pauses: Pauses,
    attempt_timeout: Duration,
    peer: String,
    /// Why the attempt is over before it has begun.
    refusal: Option<String>,
}

impl Lossy {
    pub(crate) fn new(retry: Retry, attempt_timeout: Duration, peer: String) -> Self {
        Self { pauses: Pauses::new(retry), attempt_timeout, peer, refusal: None }
    }

    /// Before the task loses its patience: it would keep the records.
    fn patience(&self) -> Duration {
        self.attempt_timeout.mul_f32(0.9)
    }
}

impl Link {
    pub(crate) fn new(connection: StreamTransport, lossy: Option<Lossy>) -> Self {
        Self { connection, lossy }
    }
}

impl Transport for Link {
    async fn make_ready(&mut self) -> Result<bool, Error> {
        let Some(lossy) = &mut self.lossy else { return self.connection.make_ready().await };
        let begun = monotonic();
        let why = if !lossy.pauses.is_time(begun) {
            format!("send to {}: no connection, and it is too early for the next attempt", lossy.peer)
        } else {
            match dial::within(lossy.patience(), async { Ok(self.connection.make_ready().await) }).await {
                Ok(Ok(is_ready)) => return Ok(is_ready),
                Ok(Err(why)) => {
                    lossy.pauses.failed(begun);
                    why.one_line()
                }
                Err(late) => {
                    self.connection.reset();
                    format!("send to {}: {late}", lossy.peer)
                }
            }
        };
        lossy.refusal = Some(why);
        Ok(true)
    }

    async fn send(&mut self, frames: &Frames) -> Outcome {
        let Some(lossy) = &mut self.lossy else { return self.connection.send(frames).await };
        if let Some(why) = lossy.refusal.take() {
            return Outcome::Reject { why };
        }
        let sent = dial::within(lossy.patience(), async { Ok(self.connection.send(frames).await) }).await;
        match sent {
            Err(late) => {
                let whole = self.connection.sent_in_time(frames);
                self.connection.reset();
                let why = format!("send to {}: {late}", lossy.peer);
                let dead = (whole..frames.len()).map(|index| (index, why.clone())).collect();
                Outcome::Partial { retry: Vec::new(), dead, after: None, why: None }
            }
            Ok(Outcome::Partial { retry, mut dead, why, .. }) => {
                // The connection broke: the next record may try at once.
                lossy.pauses.succeeded();
                let text = why.as_ref().map_or_else(|| "the connection broke".to_owned(), |why| why.one_line());
                dead.extend(retry.into_iter().map(|index| (index, text.clone())));
                Outcome::Partial { retry: Vec::new(), dead, after: None, why: None }
            }
            Ok(other) => {
                lossy.pauses.succeeded();
                other
            }
        }
    }

    async fn close(&mut self) {
        self.connection.close().await;
    }

    fn report_to(&mut self, connections: &Connections) {
        self.connection.report_to(connections);
    }

    async fn idle(&mut self) {
        self.connection.idle().await;
    }

    fn sent_in_time(&mut self, frames: &Frames) -> usize {
        self.connection.sent_in_time(frames)
    }

    fn reset(&mut self) {
        self.connection.reset();
    }
}

/// When Python tries to connect again: the time counts from the attempt that failed, and nothing of it is left to chance.
pub(crate) struct Pauses {
    retry: Retry,
    failures: u32,
    until: Option<Instant>,
}

impl Pauses {
    pub(crate) fn new(retry: Retry) -> Self {
        Self { retry, failures: 0, until: None }
    }

    fn is_time(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now >= until)
    }

    fn failed(&mut self, begun: Instant) {
        self.until = begun.checked_add(self.retry.longest(self.failures));
        self.failures = self.failures.saturating_add(1);
    }

    fn succeeded(&mut self) {
        (self.failures, self.until) = (0, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The moments are those of CPython's handler against a dead port.
    #[test]
    fn a_dead_peer_is_tried_when_python_would() {
        let start = monotonic();
        let mut pauses = Pauses::new(Retry::new(Duration::from_secs(1)));
        let mut tried = Vec::new();
        for second in 0..100 {
            let now = start + Duration::from_secs(second);
            if pauses.is_time(now) {
                tried.push(second);
                pauses.failed(now);
            }
        }
        assert_eq!(tried, [0, 1, 3, 7, 15, 31, 61, 91]);
    }

    #[test]
    fn a_success_ends_the_pauses() {
        let now = monotonic();
        let mut pauses = Pauses::new(Retry::new(Duration::from_secs(1)));
        pauses.failed(now);
        assert!(!pauses.is_time(now));
        pauses.succeeded();
        assert!(pauses.is_time(now));
    }
}
