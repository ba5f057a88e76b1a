//! The contract suite: a handler behind a queue of its own, and a queue with a listener.

use std::io::ErrorKind;
use std::sync::Arc;

use tracing_handlers_core::{Deadline, Error, Handler, Record, Stats};
use tracing_handlers_queue::{HandlerExt, QueueHandler, QueueListener};
use tracing_handlers_testing::{CollectingHandler, FailureLog, Subject, contract};

#[derive(Default)]
struct Behind {
    target: CollectingHandler,
}

impl Subject for Behind {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        Arc::new(self.target.clone().queued().on_failure(failures).build().unwrap())
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

    fn formats(&self) -> bool {
        false
    }
}

#[derive(Default)]
struct Listened {
    target: CollectingHandler,
}

/// Both ends of a queue in one piece.
struct Both {
    queue: QueueHandler,
    _listener: QueueListener,
}

impl Handler for Both {
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        self.queue.handle(record)
    }
    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        self.queue.flush(deadline)
    }
    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        self.queue.close(deadline)
    }
    fn stats(&self) -> Stats {
        self.queue.stats()
    }
}

impl Subject for Listened {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        let queue = QueueHandler::builder().on_failure(failures).build().unwrap();
        let listener = QueueListener::builder(&queue).handler(self.target.clone()).start().unwrap();
        Arc::new(Both { queue, _listener: listener })
    }

    fn lines(&self) -> Vec<String> {
        self.target.lines()
    }

    /// What its handlers fail to do they count themselves.
    fn break_destination(&self) -> bool {
        false
    }

    fn mend(&self) {}

    fn formats(&self) -> bool {
        false
    }
}

contract!(queued, Behind::default);
contract!(listened, Listened::default);
