//! The contract suite, with a peer of the delivery thread.

use std::sync::{Arc, Mutex};

use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Error, Handler, Record};
use tracing_handlers_delivery::{Delivery, Frames, Outcome, Settings, Transport};
use tracing_handlers_testing::{FailureLog, Subject, contract};

/// A peer that takes frames, or refuses them for good.
#[derive(Clone, Default)]
struct Place {
    shared: Arc<Mutex<(Vec<Vec<u8>>, bool)>>,
}

impl Transport for Place {
    async fn send(&mut self, frames: &Frames) -> Outcome {
        let mut place = lock(&self.shared);
        if place.1 {
            return Outcome::Reject { why: "the peer refuses".to_owned() };
        }
        place.0.extend(frames.iter().map(<[u8]>::to_vec));
        Outcome::Delivered
    }
}

impl Subject for Place {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        let encode = |record: &Record<'_>, out: &mut Vec<u8>| -> Result<(), Error> {
            tracing_handlers_core::Format::format(&tracing_handlers_testing::MessageOnly, record, out);
            Ok(())
        };
        let mut settings = Settings { on_failure: Some(Arc::new(failures)), ..Settings::default() };
        (settings.limits.records, settings.limits.bytes) = (10_000, 64 << 20);
        Arc::new(Delivery::start("place", settings, encode, self.clone()).unwrap())
    }

    fn lines(&self) -> Vec<String> {
        lock(&self.shared).0.iter().map(|line| String::from_utf8(line.clone()).unwrap()).collect()
    }

    fn break_destination(&self) -> bool {
        lock(&self.shared).1 = true;
        true
    }

    fn mend(&self) {
        lock(&self.shared).1 = false;
    }
}

contract!(delivery, Place::default);
