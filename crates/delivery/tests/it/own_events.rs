//! What our own work raises is never handled: it would make work without end.

use std::sync::Arc;
use std::time::Duration;

use tracing_handlers_core::{Deadline, Error, Handler as _, HandlerLayer, Record};
use tracing_handlers_delivery::{Delivery, Frames, Outcome, Settings, Transport};
use tracing_handlers_testing::FailureLog;
use tracing_subscriber::prelude::*;

use crate::scripted::{Peer, away, encode};

/// A transport that logs what it does, as the crates below a real one may; first its peer is away.
struct Talkative(Peer);

impl Transport for Talkative {
    async fn send(&mut self, frames: &Frames) -> Outcome {
        tracing::trace!(frames = frames.len(), "sent by the transport");
        self.0.send(frames).await
    }
}

#[test]
fn what_a_transport_logs_is_no_record_of_its_own_handler() {
    let (peer, failures) = (Peer::default(), FailureLog::new());
    peer.will((0..20).map(|_| crate::scripted::Act::Do(away())));
    let talkative = |record: &Record<'_>, out: &mut Vec<u8>| -> Result<(), Error> {
        tracing::error!("raised while a record is encoded");
        encode(record, out)
    };
    let settings = Settings { on_failure: Some(Arc::new(failures.clone())), ..Settings::default() };
    let layer = HandlerLayer::new(Delivery::start("test", settings, talkative, Talkative(peer.clone())).unwrap());
    let delivery = Arc::clone(layer.handler());
    // The global one of this process: whatever any thread of it raises comes here.
    tracing_subscriber::registry().with(layer).try_init().unwrap();
    (0..10).for_each(|_| tracing::trace!("one of ten"));
    while delivery.status().attempts <= 20 {
        delivery.flush(Deadline::after(Duration::from_millis(1))).ok();
    }
    delivery.flush(Deadline::after(Duration::from_secs(30))).unwrap();
    assert_eq!((delivery.stats().handled, delivery.stats().delivered), (10, 10), "{:?}", peer.taken());
    assert_eq!(peer.taken(), ["one of ten"; 10]);
}
