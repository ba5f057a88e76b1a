//! Sends the bodies that an encoding makes of records, and says what the answers mean.

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tracing_handlers_core::Error;
use tracing_handlers_core::clock::ClockSource;
use tracing_handlers_delivery::{Connections, Frames, Outcome, Transport};

use crate::connection::{Client, Connection};
use crate::encoding::Encoding;
use crate::flight::{Flight, together};
use crate::reply::Reply;
use crate::target::{Body, Target};

/// How long to wait where the peer refuses who we are, at first and later.
const REFUSED: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(60)];

/// Sends the body that an encoding makes of records, and reads the answer: one request, or several side by side.
pub(crate) struct HttpTransport {
    client: Client,
    encoding: Arc<dyn Encoding>,
    flight: Flight,
    /// One a request that is in flight.
    lanes: Vec<Lane>,
    /// Bodies may be compressed: we want it, and the peer has not refused it.
    gzip: bool,
    /// Attempts in a row that were answered with 401, 403 or 407.
    refusals: usize,
}

/// A connection, and what goes over it in this attempt.
#[derive(Default)]
struct Lane {
    connection: Option<Connection>,
    /// Which of the attempt's frames.
    range: Range<usize>,
    is_compressed: bool,
    answer: Option<Result<Reply, Error>>,
    /// What the answer means.
    outcome: Option<Outcome>,
}

impl Lane {
    async fn ask(&mut self, client: &Client, body: Body) {
        self.is_compressed = body.is_compressed;
        self.answer = Some(client.exchange(&mut self.connection, &body).await);
    }
}

impl HttpTransport {
    pub(crate) fn new(target: Target, encoding: Arc<dyn Encoding>, flight: Flight, clock: ClockSource) -> Self {
        let client = Client { target, clock, connections: Connections::default() };
        Self { client, encoding, flight, lanes: Vec::new(), gzip: false, refusals: 0 }
    }

    /// Whether bodies are compressed.
    pub(crate) fn gzip(mut self, gzip: bool) -> Self {
        self.gzip = gzip;
        self
    }

    /// Puts the frames on lanes; false where one of them would have more than a body may.
    fn begin(&mut self, frames: &Frames) -> bool {
        for lane in &mut self.lanes {
            (lane.range, lane.answer, lane.outcome) = (0..0, None, None);
        }
        for (index, range) in self.flight.parts(frames).enumerate() {
            if range.len() > self.encoding.max_records() {
                return false;
            }
            match self.lanes.get_mut(index) {
                Some(lane) => lane.range = range,
                None => self.lanes.push(Lane { range, ..Lane::default() }),
            }
        }
        true
    }

    async fn ask_all(&mut self, frames: &Frames) {
        let mut asking: Vec<Pin<Box<dyn Future<Output = ()> + Send + '_>>> = Vec::new();
        for lane in self.lanes.iter_mut().filter(|lane| !lane.range.is_empty()) {
            let part = part(frames, &lane.range);
            let mut bytes = Vec::with_capacity(part.bytes().len() + 1_024);
            self.encoding.body(&part, &mut bytes);
            let body = Body::new(bytes, self.gzip);
            match self.client.target.request(&body) {
                Ok(_) => asking.push(Box::pin(lane.ask(&self.client, body))),
                Err(error) => lane.outcome = Some(Outcome::Reject { why: error.one_line() }),
            }
        }
        poll_fn(|context| {
            asking.retain_mut(|asking| asking.as_mut().poll(context).is_pending());
            if asking.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Says what the answers mean that are there.
    fn judge_all(&mut self, frames: &Frames) {
        let (mut is_refused, mut is_answered) = (false, false);
        for index in 0..self.lanes.len() {
            let Some(lane) = self.lanes.get_mut(index) else { continue };
            // Taken first: who panics over an answer is not asked about it again.
            let Some(answer) = lane.answer.take() else { continue };
            let (range, is_compressed) = (lane.range.clone(), lane.is_compressed);
            let is_refusal = matches!(&answer, Ok(reply) if is_refusal(reply));
            is_refused |= is_refusal;
            is_answered |= answer.is_ok() && !is_refusal;
            let outcome = self.judge(answer, is_compressed, &part(frames, &range));
            if let Some(lane) = self.lanes.get_mut(index) {
                lane.outcome = Some(outcome);
            }
        }
        if is_refused {
            self.refusals = self.refusals.saturating_add(1);
        } else if is_answered {
            self.refusals = 0;
        }
    }

    /// What came of all requests. Those of which nothing is known are tried again, `late` says why.
    fn outcome(&mut self, late: Error) -> Outcome {
        let mut late = Some(late);
        let mut reason = || late.take().unwrap_or_else(|| Error::new("send a request").reported());
        let lanes = self.lanes.iter_mut().filter(|lane| !lane.range.is_empty());
        together(
            lanes.map(|lane| (lane.range.clone(), lane.outcome.take().unwrap_or_else(|| Outcome::retry(reason())))).collect(),
        )
    }

    fn judge(&mut self, answer: Result<Reply, Error>, is_compressed: bool, frames: &Frames) -> Outcome {
        match answer {
            Err(error) => Outcome::retry(error),
            Ok(reply) if reply.status() == 415 && is_compressed => {
                self.gzip = false;
                Outcome::retry(Error::new(format!("{}; from now on bodies are not compressed", reply.why())))
            }
            Ok(reply) if is_refusal(&reply) => self.refused(&reply),
            Ok(reply) => self.encoding.outcome(&reply, frames),
        }
    }

    /// Credentials get renewed: the records wait, the peer is not bothered, and one report says it all.
    fn refused(&self, reply: &Reply) -> Outcome {
        let why = Error::new(format!("{}: it refuses who we are; trying again slowly", reply.why()));
        let after = REFUSED.get(self.refusals).or(REFUSED.last()).copied();
        Outcome::Retry { after, why: if self.refusals == 0 { why } else { why.reported() } }
    }
}

/// Whether the peer, or the proxy before it, refuses who we are.
fn is_refusal(reply: &Reply) -> bool {
    matches!(reply.status(), 401 | 403 | 407)
}

/// These of the frames; all of them without a copy.
fn part<'f>(frames: &'f Frames, range: &Range<usize>) -> Cow<'f, Frames> {
    match range.len() == frames.len() {
        true => Cow::Borrowed(frames),
        false => Cow::Owned(frames.select(|index| range.contains(&index))),
    }
}

impl Transport for HttpTransport {
    async fn send(&mut self, frames: &Frames) -> Outcome {
        if !self.begin(frames) {
            return Outcome::Split;
        }
        self.ask_all(frames).await;
        self.judge_all(frames);
        self.outcome(Error::new("send a request"))
    }

    async fn close(&mut self) {
        self.reset();
    }

    fn report_to(&mut self, connections: &Connections) {
        self.client.connections = connections.clone();
    }

    /// A request that was answered is not sent again because another was not.
    fn broken_off(&mut self, frames: &Frames, why: Error) -> Outcome {
        let known: usize = self.lanes.iter().map(|lane| lane.range.len()).sum();
        if known != frames.len() {
            return Outcome::retry(why);
        }
        self.judge_all(frames);
        self.outcome(why)
    }

    fn reset(&mut self) {
        self.lanes.clear();
    }
}
