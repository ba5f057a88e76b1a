//! What a handler crate brings: how a record is encoded, how bytes are sent, and what came of it.

use std::future::{Future, pending};
use std::time::Duration;

use tracing_handlers_core::{Error, Record};

use crate::connection::Connections;
use crate::frames::Frames;

/// Encodes records, on the delivery thread.
pub trait Encode: Send + 'static {
    /// Appends the frame of one record.
    ///
    /// # Errors
    ///
    /// Why this record can never be sent. It is dropped and reported.
    fn encode(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error>;
}

impl<F: FnMut(&Record<'_>, &mut Vec<u8>) -> Result<(), Error> + Send + 'static> Encode for F {
    fn encode(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        self(record, out)
    }
}

/// Sends frames to a peer. Runs on the delivery thread. Whoever awaits them stops after the
/// attempt's time-out, so a future may be dropped at every await.
pub trait Transport: Send + 'static {
    /// A step towards being able to send, asked for before each attempt until it answers `true`. Each step has the time of an attempt, so
    /// that what is long, yet goes on, is not begun again for ever. By default there is nothing to do.
    ///
    /// # Errors
    ///
    /// What went wrong: the attempt is over, as with [`Outcome::Retry`].
    fn make_ready(&mut self) -> impl Future<Output = Result<bool, Error>> + Send {
        async { Ok(true) }
    }

    /// One attempt.
    fn send(&mut self, frames: &Frames) -> impl Future<Output = Outcome> + Send;

    /// Takes leave of the peer, within a second.
    fn close(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Told once, before anything else: where to say what becomes of connections, for [`Status`](crate::Status). What says nothing there
    /// is shown as disconnected between its attempts.
    fn report_to(&mut self, _: &Connections) {}

    /// Awaited while there is nothing to send. Whoever keeps a connection looks here for its end, and forgets it. An end that is a failure is given:
    /// it is reported, and the next attempt waits as after one that failed.
    fn idle(&mut self) -> impl Future<Output = Option<Error>> + Send {
        pending()
    }

    /// How many of the frames went out whole, from the first on, in an attempt that ran out of time: they are not sent again.
    fn sent_in_time(&mut self, _: &Frames) -> usize {
        0
    }

    /// What is known of an attempt that ran out of time, or panicked; asked before [`reset`](Self::reset). By default: what
    /// [`sent_in_time`](Self::sent_in_time) counts.
    fn broken_off(&mut self, frames: &Frames, why: Error) -> Outcome {
        match self.sent_in_time(frames) {
            0 => Outcome::retry(why),
            whole => Outcome::Partial { retry: (whole..frames.len()).collect(), dead: Vec::new(), after: None, why: Some(why) },
        }
    }

    /// Forgets the connection: an attempt ran out of time, or panicked.
    fn reset(&mut self) {}
}

/// What came of an attempt.
#[derive(Debug)]
pub enum Outcome {
    /// The peer took responsibility for all of them.
    Delivered,
    /// They are on their way, and nobody will say more: UDP, plain TCP, local sockets.
    Sent,
    /// None of them arrived.
    Retry {
        /// The peer said when to come again; it is done no sooner than our own time would have it.
        after: Option<Duration>,
        /// What went wrong; marked as [reported](Error::reported), nobody is told once more.
        why: Error,
    },
    /// Some of them did not arrive.
    Partial {
        /// The numbers of those that are worth another try.
        retry: Vec<usize>,
        /// The numbers of those that are not, and why.
        dead: Vec<(usize, String)>,
        /// The peer said when to come again.
        after: Option<Duration>,
        /// What went wrong, if something did besides.
        why: Option<Error>,
    },
    /// They are too many or too large together; one alone is too large for ever.
    Split,
    /// The peer will never take any of them.
    Reject {
        /// Why.
        why: String,
    },
}

impl Outcome {
    /// [`Outcome::Retry`], with no word on when.
    pub fn retry(why: Error) -> Self {
        Self::Retry { after: None, why }
    }
}
