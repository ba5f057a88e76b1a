//! The contract suite: as a buffer, with each record handed over, and as a flight recorder that is dumped when it closes.

use std::io::ErrorKind;
use std::sync::Arc;

use tracing_handlers_core::Handler;
use tracing_handlers_memory::{MemoryHandler, MemoryHandlerBuilder};
use tracing_handlers_testing::{CollectingHandler, FailureLog, Subject, contract};

struct Memory {
    builder: fn() -> MemoryHandlerBuilder,
    target: CollectingHandler,
}

impl Memory {
    fn new(builder: fn() -> MemoryHandlerBuilder) -> Self {
        Self { builder, target: CollectingHandler::new() }
    }
}

impl Subject for Memory {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        let builder = (self.builder)().target(self.target.clone()).capacity_bytes(64 << 20).on_failure(failures);
        Arc::new(builder.build().unwrap())
    }

    fn lines(&self) -> Vec<String> {
        self.target.lines()
    }

    fn break_destination(&self) -> bool {
        self.target.fail(ErrorKind::BrokenPipe);
        true
    }

    fn mend(&self) {
        self.target.mend();
    }

    /// That is its target's business.
    fn formats(&self) -> bool {
        false
    }
}

contract!(buffer, || Memory::new(|| MemoryHandler::builder(10_000)));
contract!(small_buffer, || Memory::new(|| MemoryHandler::builder(7)));
contract!(unbuffered, || Memory::new(|| MemoryHandler::builder(0)));
contract!(recorder, || Memory::new(|| MemoryHandler::flight_recorder(10_000).flush_on_close(true)));
