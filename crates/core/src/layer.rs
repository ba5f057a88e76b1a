//! The one `tracing_subscriber::Layer`: it captures events and hands the records to a [`Handler`].

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use tracing_core::span::{Attributes, Id, Record as Values};
use tracing_core::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::capture::{self, Capture, Limits, Mark, Panics, Place, Take};
use crate::clock::{Clock, ClockSource};
use crate::failure::{OnFailure, Reporter};
use crate::handle::Handle;
use crate::stats::Counters;
use crate::{DropReason, Error, Handler, Record, reentry};

/// Makes a layer of any [`Handler`].
///
/// The layer never filters: put `with_filter` of `tracing_subscriber` behind it. It contains panics of user code (a `Debug`, a
/// format, a handler), and refuses events that are raised while it or another layer of ours is at work on the same thread;
/// both are counted and seen in [`Handle::stats`].
///
/// ```
/// use tracing_handlers_core::{Deadline, Error, Handler, HandlerLayer, Record, Stats};
/// use tracing_subscriber::{filter::LevelFilter, prelude::*};
///
/// struct Silent;
/// impl Handler for Silent {
///     fn handle(&self, _: &Record<'_>) -> Result<(), Error> { Ok(()) }
///     fn flush(&self, _: Deadline) -> Result<(), Error> { Ok(()) }
///     fn close(&self, _: Deadline) -> Result<(), Error> { Ok(()) }
///     fn stats(&self) -> Stats { Stats::new() }
/// }
///
/// let layer = HandlerLayer::new(Silent);
/// let handle = layer.handle();
/// let subscriber = tracing_subscriber::registry().with(layer.with_filter(LevelFilter::WARN));
/// tracing::subscriber::with_default(subscriber, || tracing::warn!("hello"));
/// assert_eq!(handle.stats().dropped(), 0);
/// ```
pub struct HandlerLayer<H> {
    handler: Arc<H>,
    refused: Arc<Counters>,
    reporter: Arc<Reporter>,
    capture: Capture,
}

impl<H: Handler> HandlerLayer<H> {
    /// A layer that feeds `handler`.
    pub fn new(handler: H) -> Self {
        Self {
            handler: Arc::new(handler),
            refused: Arc::default(),
            reporter: Arc::new(Reporter::new("layer", None)),
            capture: Capture { limits: Limits::default(), clock: ClockSource::System, mark: Mark::next(), place: None },
        }
    }

    /// As [`new`](Self::new), with the hook that the handler has, if it has one.
    pub fn with_hook(handler: H, hook: Option<Arc<dyn OnFailure>>) -> Self {
        let layer = Self::new(handler);
        match hook {
            Some(hook) => layer.on_failure(hook),
            None => layer,
        }
    }

    /// Who is told of what the layer itself meets: panics of user code, and errors that a handler did not report.
    #[must_use]
    pub fn on_failure(mut self, hook: Arc<dyn OnFailure>) -> Self {
        self.reporter = Arc::new(Reporter::new("layer", Some(hook)));
        self
    }

    /// Takes the time from another clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.capture.clock = ClockSource::Other(Arc::new(clock));
        self
    }

    /// As [`clock`](Self::clock), with the clock of a builder.
    #[must_use]
    pub fn clock_source(mut self, clock: ClockSource) -> Self {
        self.capture.clock = clock;
        self
    }

    /// Captures within other limits.
    ///
    /// # Errors
    ///
    /// A configuration error for limits that let nothing through.
    pub fn limits(mut self, limits: Limits) -> Result<Self, Error> {
        self.capture.limits = limits.check()?;
        Ok(self)
    }

    /// A handle that outlives the move of this layer into a registry.
    pub fn handle(&self) -> Handle {
        let handler: Arc<dyn Handler> = Arc::clone(&self.handler) as Arc<dyn Handler>;
        Handle::new(handler, Arc::clone(&self.refused))
    }

    /// The handler, for actions of its own (`roll_over`, `reopen_if_moved`).
    pub fn handler(&self) -> &Arc<H> {
        &self.handler
    }

    /// A `Debug` of one of the values panicked: all others are worth keeping.
    #[cold]
    #[inline(never)]
    fn handle_again<S>(&self, event: &Event<'_>, context: &Context<'_, S>)
    where
        S: Subscriber + for<'s> LookupSpan<'s>,
    {
        let to_handler = ToHandler { handler: &*self.handler, is_captured: &Cell::new(false) };
        let handle = || capture::event(event, context, &self.capture, Panics::Contained, to_handler);
        self.settle(catch_unwind(AssertUnwindSafe(handle)));
    }

    #[cold]
    fn settle(&self, result: thread::Result<Result<(), Error>>) {
        match result {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.is_reported() => {}
            Ok(Err(error)) => drop(self.reporter.note(error)),
            Err(_) => {
                self.refused.dropped(DropReason::Panicked);
                self.reporter.lost(Error::panicked("handling a record panicked"), DropReason::Panicked, 1);
            }
        }
    }
}

/// Hands a record on, and notes that it was captured.
struct ToHandler<'a, H> {
    handler: &'a H,
    is_captured: &'a Cell<bool>,
}

impl<H: Handler> Take for ToHandler<'_, H> {
    #[inline(always)]
    fn take(self, record: &Record<'_>) -> Result<(), Error> {
        self.is_captured.set(true);
        self.handler.handle(record)
    }
}

impl<H: fmt::Debug> fmt::Debug for HandlerLayer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerLayer")
            .field("handler", &self.handler)
            .field("limits", &self.capture.limits)
            .finish_non_exhaustive()
    }
}

impl<S, H> Layer<S> for HandlerLayer<H>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    H: Handler,
{
    /// From now on the layer sees the same spans through the same filters.
    fn on_layer(&mut self, _: &mut S) {
        self.capture.place = Some(Place::next());
    }

    /// Filters nothing: all layers are asked before the first gets the event, which tells one event from the next.
    #[inline]
    fn event_enabled(&self, _: &Event<'_>, _: Context<'_, S>) -> bool {
        self.capture.mark.announce();
        true
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(_own_work) = reentry::enter() else {
            self.refused.dropped(DropReason::Reentrant);
            return;
        };
        let is_captured = Cell::new(false);
        let to_handler = ToHandler { handler: &*self.handler, is_captured: &is_captured };
        let handle = || capture::event(event, &context, &self.capture, Panics::PassedOn, to_handler);
        match catch_unwind(AssertUnwindSafe(handle)) {
            Ok(Ok(())) => {}
            Err(_) if !is_captured.get() => self.handle_again(event, &context),
            other => self.settle(other),
        }
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let _own_work = reentry::enter();
        capture::spans::open(attributes, id, &context, &self.capture.limits);
    }

    fn on_record(&self, id: &Id, values: &Values<'_>, context: Context<'_, S>) {
        let _own_work = reentry::enter();
        capture::spans::record(id, values, &context, &self.capture.limits);
    }
}
