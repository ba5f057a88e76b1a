//! What arrived at a peer, and a handler that does not go ahead of it.

use std::sync::{Arc, Condvar, Mutex};

use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Deadline, Error, Handler, Record, Stats};

use crate::gate::PATIENCE;

/// Payloads that arrived. Clones share them.
#[derive(Clone, Default)]
pub struct Arrived {
    shared: Arc<(Mutex<Vec<Vec<u8>>>, Condvar)>,
}

impl Arrived {
    /// One more.
    pub fn add(&self, payload: Vec<u8>) {
        lock(&self.shared.0).push(payload);
        self.shared.1.notify_all();
    }

    /// Everything, once there are so many.
    pub fn at_least(&self, count: usize) -> Vec<Vec<u8>> {
        self.wait_for(count);
        lock(&self.shared.0).clone()
    }

    /// Returns once there are so many.
    ///
    /// # Panics
    ///
    /// If they do not come within [`PATIENCE`].
    pub fn wait_for(&self, count: usize) {
        let waited = self.shared.1.wait_timeout_while(lock(&self.shared.0), PATIENCE, |payloads| payloads.len() < count);
        let (payloads, waited) = waited.unwrap();
        assert!(!waited.timed_out(), "{} of {count} payloads arrived", payloads.len());
    }
}

/// Lets no more datagrams be under way than the system keeps for who reads them: UDP itself knows no such limit.
pub struct Paced<H> {
    /// The handler that sends them.
    pub handler: H,
    /// What its peer got.
    pub arrived: Arrived,
}

impl<H: Handler> Handler for Paced<H> {
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        self.handler.handle(record)?;
        let stats = self.handler.stats();
        self.arrived.wait_for((stats.handled - stats.dropped()).saturating_sub(50) as usize);
        Ok(())
    }

    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        self.handler.flush(deadline)
    }

    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        self.handler.close(deadline)
    }

    fn stats(&self) -> Stats {
        self.handler.stats()
    }
}
