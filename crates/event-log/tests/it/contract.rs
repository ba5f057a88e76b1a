//! The contract suite.

use std::sync::Arc;

use tracing_handlers_core::Handler;
use tracing_handlers_event_log::MAX_TEXT_UNITS;
use tracing_handlers_testing::{FailureLog, Subject, contract};

use crate::log::Log;

#[derive(Default)]
struct EventLog {
    log: Log,
}

impl Subject for EventLog {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        Arc::new(self.log.builder(&failures).build().unwrap())
    }

    fn lines(&self) -> Vec<String> {
        self.log.texts()
    }

    fn break_destination(&self) -> bool {
        self.log.fail(Some(1722));
        true
    }

    fn mend(&self) {
        self.log.fail(None);
    }

    fn longest_line(&self) -> usize {
        MAX_TEXT_UNITS
    }
}

contract!(event_log, EventLog::default);
