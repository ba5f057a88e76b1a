//! Waiting for what nobody tells.

use std::time::Instant;

use tracing_handlers_testing::gate::PATIENCE;

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::yield_now();
    }
}
