//! The [`Subject`] of every handler that passes records on.

use std::io::ErrorKind;
use std::sync::Arc;

use tracing_handlers_core::Handler;

use crate::capture::{CollectingHandler, FailureLog};
use crate::contract::Subject;

type Open = Box<dyn Fn(CollectingHandler, FailureLog) -> Arc<dyn Handler> + Send + Sync>;

/// A handler under test, and the handler behind it. Formats are the business of that one.
pub struct TargetSubject {
    target: CollectingHandler,
    open: Open,
    counts_for_target: bool,
}

impl TargetSubject {
    /// A subject that opens its handler, given the one behind it, with `open`.
    pub fn new<H: Handler>(open: impl Fn(CollectingHandler, FailureLog) -> H + Send + Sync + 'static) -> Self {
        let open: Open = Box::new(move |target, failures| Arc::new(open(target, failures)));
        Self { target: CollectingHandler::new(), open, counts_for_target: true }
    }

    /// What the handler behind it fails to do, that one counts itself.
    #[must_use]
    pub fn without_failures_of_target(mut self) -> Self {
        self.counts_for_target = false;
        self
    }
}

impl Subject for TargetSubject {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        (self.open)(self.target.clone(), failures)
    }

    fn lines(&self) -> Vec<String> {
        self.target.lines()
    }

    fn break_destination(&self) -> bool {
        if self.counts_for_target {
            self.target.fail(ErrorKind::BrokenPipe);
        }
        self.counts_for_target
    }

    fn mend(&self) {
        self.target.mend();
    }

    fn formats(&self) -> bool {
        false
    }
}
