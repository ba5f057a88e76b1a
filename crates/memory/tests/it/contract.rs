//! The contract suite: as a buffer, with each record handed over, and as a flight recorder that is dumped when it closes.

use tracing_handlers_memory::{MemoryHandler, MemoryHandlerBuilder};
use tracing_handlers_testing::{TargetSubject, contract};

fn memory(builder: fn() -> MemoryHandlerBuilder) -> TargetSubject {
    TargetSubject::new(move |target, failures| {
        builder().target(target).capacity_bytes(64 << 20).on_failure(failures).build().unwrap()
    })
}

contract!(buffer, || super::memory(|| MemoryHandler::builder(10_000)));
contract!(small_buffer, || super::memory(|| MemoryHandler::builder(7)));
contract!(unbuffered, || super::memory(|| MemoryHandler::builder(0)));
contract!(recorder, || super::memory(|| MemoryHandler::flight_recorder(10_000).flush_on_close(true)));
