//! The [`Subject`] of every handler that sends to a peer.

use std::sync::{Arc, OnceLock};

use tracing_handlers_core::Handler;

use super::Arrived;
use crate::capture::FailureLog;
use crate::contract::Subject;

/// What keeps payloads, goes away and comes back.
pub trait Peer: Send + Sync + 'static {
    /// What it got.
    fn arrived(&self) -> &Arrived;

    /// Goes away; `false` where no handler can see that.
    fn leave(&self) -> bool;

    /// Comes back.
    fn come(&self);
}

type Open<P> = Box<dyn Fn(&P, FailureLog) -> Arc<dyn Handler> + Send + Sync>;

/// A handler under test, and the peer that it sends to. Its lines are what arrived: as many at least as it counts as delivered.
pub struct PeerSubject<P> {
    peer: P,
    opened: OnceLock<Arc<dyn Handler>>,
    open: Open<P>,
    line: fn(&[u8]) -> String,
    formats: bool,
    longest_line: usize,
}

impl<P: Peer> PeerSubject<P> {
    /// A subject that opens its handler with `open`; `line` says which line a payload is.
    pub fn new<H: Handler>(
        peer: P,
        open: impl Fn(&P, FailureLog) -> H + Send + Sync + 'static,
        line: fn(&[u8]) -> String,
    ) -> Self {
        let open: Open<P> = Box::new(move |peer, failures| Arc::new(open(peer, failures)));
        Self { peer, opened: OnceLock::new(), open, line, formats: true, longest_line: usize::MAX }
    }

    /// A handler without a format: records are sent as they are.
    #[must_use]
    pub fn without_formats(mut self) -> Self {
        self.formats = false;
        self
    }

    /// The longest line that the peer can be sent.
    #[must_use]
    pub fn longest_line(mut self, bytes: usize) -> Self {
        self.longest_line = bytes;
        self
    }
}

impl<P: Peer> Subject for PeerSubject<P> {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        Arc::clone(self.opened.get_or_init(|| (self.open)(&self.peer, failures)))
    }

    fn lines(&self) -> Vec<String> {
        let delivered = self.opened.get().map_or(0, |handler| handler.stats().delivered);
        self.peer.arrived().at_least(delivered as usize).iter().map(|payload| (self.line)(payload)).collect()
    }

    fn break_destination(&self) -> bool {
        self.peer.leave()
    }

    fn mend(&self) {
        self.peer.come();
    }

    fn formats(&self) -> bool {
        self.formats
    }

    fn longest_line(&self) -> usize {
        self.longest_line
    }
}
