//! The contract suite.

use std::sync::Arc;

use tracing_handlers_core::Handler;
use tracing_handlers_stream::{NullHandler, StreamHandler};
use tracing_handlers_testing::{FailureLog, MessageOnly, Subject, contract};

use crate::writers::Shared;

#[derive(Default)]
struct Stream {
    stream: Shared,
}

impl Subject for Stream {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        let builder = StreamHandler::builder(self.stream.clone()).format(MessageOnly).on_failure(failures);
        Arc::new(builder.build().unwrap())
    }

    fn lines(&self) -> Vec<String> {
        self.stream.text().lines().map(str::to_owned).collect()
    }

    fn break_destination(&self) -> bool {
        self.stream.set_broken(true);
        true
    }

    fn mend(&self) {
        self.stream.set_broken(false);
    }
}

struct Null;

impl Subject for Null {
    fn open(&self, _: FailureLog) -> Arc<dyn Handler> {
        Arc::new(NullHandler::new())
    }

    fn lines(&self) -> Vec<String> {
        Vec::new()
    }

    fn break_destination(&self) -> bool {
        false
    }

    fn mend(&self) {}

    fn discards(&self) -> bool {
        true
    }

    fn formats(&self) -> bool {
        false
    }
}

contract!(stream, Stream::default);
contract!(null, || Null);
