//! Builds a `QueueHandler`; the settings of everything that has a bounded queue.

use std::sync::Arc;

use tracing_handlers_core::buffer::{BoundedQueue, Limits};
use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::{Error, HandlerLayer, OnFailure};

use crate::handler::{QueueHandler, QueueLayer};
use crate::intake::{Intake, OwnQueue, Place};
use crate::own::Queue;

/// What a queue is made of.
pub(crate) struct QueueSettings {
    pub(crate) limits: Limits,
    pub(crate) drain_on_exit: bool,
    pub(crate) on_failure: Option<Arc<dyn OnFailure>>,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self { limits: Limits::default(), drain_on_exit: true, on_failure: None }
    }
}

impl QueueSettings {
    pub(crate) fn intake(self, own: Option<Box<dyn Queue>>) -> Result<Intake, Error> {
        let place = match own {
            Some(queue) => Place::Own(OwnQueue::new(queue)),
            None => Place::Bounded(BoundedQueue::new(self.limits.check()?)),
        };
        Ok(Intake::new(place, Arc::new(Reporter::new("queue", self.on_failure)), self.drain_on_exit))
    }
}

/// The setters of every builder with a bounded queue; the builder has a field `settings: QueueSettings`.
macro_rules! queue_settings {
    () => {
        tracing_handlers_core::queue_limit_settings!("65,536", "32 MiB");

        /// Whether what waits is handed on when the process ends by returning from `main` or, but on Windows, by `process::exit`; on by default.
        pub fn drain_on_exit(mut self, drain: bool) -> Self {
            self.settings.drain_on_exit = drain;
            self
        }

        /// Who is told of failures and of dropped records, these at most once in ten seconds; a rate-limited line on stderr by default.
        pub fn on_failure(mut self, hook: impl tracing_handlers_core::OnFailure) -> Self {
            self.settings.on_failure = Some(std::sync::Arc::new(hook));
            self
        }
    };
}

pub(crate) use queue_settings;

/// Builds a [`QueueHandler`].
///
/// | setting | default |
/// |---|---|
/// | [`capacity`](Self::capacity), [`capacity_bytes`](Self::capacity_bytes) | 65,536 records, 32 MiB |
/// | [`overflow`](Self::overflow) | drop the newest |
/// | [`max_delay`](Self::max_delay), [`wake_level`](Self::wake_level) | 5 ms, `ERROR` |
/// | [`drain_on_exit`](Self::drain_on_exit) | on |
/// | [`queue`](Self::queue) | a bounded queue of its own |
/// | [`on_failure`](Self::on_failure) | a rate-limited line on stderr |
#[must_use]
pub struct QueueHandlerBuilder {
    settings: QueueSettings,
    own: Option<Box<dyn Queue>>,
}

impl QueueHandlerBuilder {
    pub(crate) fn new() -> Self {
        Self { settings: QueueSettings::default(), own: None }
    }

    queue_settings!();

    /// A queue of your own, in the place of the bounded one: a channel, or anything that implements [`Queue`]. The settings of the bounded
    /// one mean nothing to it.
    pub fn queue(mut self, queue: impl Queue) -> Self {
        self.own = Some(Box::new(queue));
        self
    }

    /// The handler.
    ///
    /// # Errors
    ///
    /// Capacities and delays of zero.
    pub fn build(self) -> Result<QueueHandler, Error> {
        Ok(QueueHandler { intake: Arc::new(self.settings.intake(self.own)?) })
    }

    /// The handler as a layer.
    ///
    /// # Errors
    ///
    /// Those of [`build`](Self::build).
    pub fn layer(self) -> Result<QueueLayer, Error> {
        let hook = self.settings.on_failure.clone();
        Ok(HandlerLayer::with_hook(self.build()?, hook))
    }
}
