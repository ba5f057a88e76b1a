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
    /// The peer ended the connection as soon as it was made, and nothing was lost since that could say so.
    early_end: Option<String>,
}

impl Lossy {
    pub(crate) fn new(retry: Retry, attempt_timeout: Duration, peer: String) -> Self {
        Self { pauses: Pauses::new(retry), attempt_timeout, peer, refusal: None, early_end: None }
    }

    fn succeeded(&mut self) {
        self.pauses.succeeded();
        self.early_end = None;
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
            let too_early = || format!("send to {}: no connection, and it is too early for the next attempt", lossy.peer);
            lossy.early_end.take().unwrap_or_else(too_early)
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
                lossy.succeeded();
                let text = why.as_ref().map_or_else(|| "the connection broke".to_owned(), |why| why.one_line());
                dead.extend(retry.into_iter().map(|index| (index, text.clone())));
                Outcome::Partial { retry: Vec::new(), dead, after: None, why: None }
            }
            Ok(other) => {
                lossy.succeeded();
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

    async fn idle(&mut self) -> Option<Error> {
        let early_end = self.connection.idle().await?;
        let Some(lossy) = &mut self.lossy else { return Some(early_end) };
        // Nobody waits for the next attempt: what comes before it is lost, and told so.
        lossy.pauses.failed(monotonic());
        lossy.early_end = Some(early_end.one_line());
        None
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

    #[cfg(unix)]
    mod early_ends {
        use std::sync::Arc;

        use tokio::net::TcpListener;
        use tracing_handlers_core::{Deadline, DropReason, Handler, Record};
        use tracing_handlers_delivery::{Delivery, Settings, dial::Peer};
        use tracing_handlers_testing::{FailureLog, record};

        use super::*;

        /// The peer works in the same runtime, whose clock is paused; the pauses of Python are of the clock that is not.
        #[test]
        fn what_comes_after_a_connection_that_ended_at_once_is_lost_and_says_why_until_it_is_time() {
            let encode = |record: &Record<'_>, out: &mut Vec<u8>| {
                out.extend_from_slice(record.message().as_bytes());
                Ok(())
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
            tokio::task::LocalSet::new().block_on(&runtime, async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let peer = Peer::Tcp { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port() };
                let lossy = Lossy::new(Retry::new(Duration::from_secs(3_600)), Duration::from_secs(10), peer.to_string());
                let failures = FailureLog::new();
                let settings = Settings { on_failure: Some(Arc::new(failures.clone())), ..Settings::default() };
                let link = Link::new(StreamTransport::new(peer), Some(lossy));
                let (delivery, work) = Delivery::with_future("test", settings, encode, link).unwrap();
                tokio::task::spawn_local(work);
                let came = tokio::task::spawn_local(async move {
                    // Something was sent, and is not read.
                    let (first, _) = listener.accept().await.unwrap();
                    first.peek(&mut [0]).await.unwrap();
                    drop(first);
                    listener.accept().await.unwrap();
                });
                for text in ["sent", "lost", "lost too"] {
                    delivery.handle(&record(text).as_record()).unwrap();
                    delivery.flush_async(Deadline::after(Duration::from_secs(60))).await.unwrap();
                    tokio::time::advance(Duration::from_millis(10)).await;
                }
                assert_eq!((delivery.stats().delivered, delivery.stats().dropped_for(DropReason::Failed)), (1, 2));
                let texts = failures.texts();
                assert!(texts[0].contains("closed the connection as soon as it was made"), "{texts:?}");
                assert!(texts[1].contains("too early"), "{texts:?}");
                assert_eq!((failures.lost(), came.is_finished()), (2, false));
            });
        }
    }
}
