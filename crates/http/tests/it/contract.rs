//! The contract suite, with a collector of lines on loopback.

use std::sync::Arc;
use std::time::Duration;

use tracing_handlers_core::Handler;
use tracing_handlers_http::{Body, HttpHandler, Method};
use tracing_handlers_testing::{FailureLog, MessageOnly, Subject, contract};

use crate::server::{Request, Server, answer};

struct Collector(Server);

impl Subject for Collector {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        let builder = HttpHandler::builder(self.0.url("/")).body(Body::JsonLines).method(Method::Post).format(MessageOnly);
        let builder = builder.capacity(10_000).capacity_bytes(64 << 20).linger(Duration::from_millis(20));
        Arc::new(builder.on_failure(failures).build().unwrap())
    }

    fn lines(&self) -> Vec<String> {
        self.0.taken().iter().flat_map(Request::lines).collect()
    }

    fn break_destination(&self) -> bool {
        self.0.otherwise(Some(answer(400, "", "out of order")));
        true
    }

    fn mend(&self) {
        self.0.otherwise(None);
    }
}

contract!(http, || Collector(Server::start()));
