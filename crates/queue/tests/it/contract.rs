//! The contract suite: a handler behind a queue of its own, and a queue with a listener.

use tracing_handlers_core::{Deadline, Error, Handler, Record, Stats};
use tracing_handlers_queue::{HandlerExt, QueueHandler, QueueListener};
use tracing_handlers_testing::{TargetSubject, contract};

fn queued() -> TargetSubject {
    TargetSubject::new(|target, failures| target.queued().on_failure(failures).build().unwrap())
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

fn listened() -> TargetSubject {
    let subject = TargetSubject::new(|target, failures| {
        let queue = QueueHandler::builder().on_failure(failures).build().unwrap();
        let listener = QueueListener::builder(&queue).handler(target).start().unwrap();
        Both { queue, _listener: listener }
    });
    subject.without_failures_of_target()
}

contract!(queued, super::queued);
contract!(listened, super::listened);
