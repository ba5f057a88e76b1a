//! `EventLogHandler`: a record becomes an event.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::format::with_line;
use tracing_handlers_core::sync::{lock, lock_before};
use tracing_handlers_core::{Deadline, DropReason, Error, Format, Handler, HandlerLayer, Level, Record, Stats};

use crate::api::{Api, Event, Source};
use crate::builder::EventLogHandlerBuilder;
use crate::event::EventType;
use crate::registration::Entry;
use crate::text::{self, WideText};

/// Reports each record as an event to the Windows event log: Python's `NTEventLogHandler`.
///
/// ```no_run
/// use tracing_handlers_event_log::EventLogHandler;
/// use tracing_subscriber::prelude::*;
///
/// let layer = EventLogHandler::builder("shop").layer()?;
/// let subscriber = tracing_subscriber::registry().with(layer);
/// tracing::subscriber::with_default(subscriber, || tracing::error!("the till is empty"));
/// # Ok::<(), tracing_handlers_core::Error>(())
/// ```
pub struct EventLogHandler {
    entry: Entry,
    policy: Policy,
    api: Box<dyn Api>,
    reporter: Reporter,
    cut: AtomicU64,
    state: Mutex<State>,
}

/// An [`EventLogHandler`] as a layer.
pub type EventLogLayer = HandlerLayer<EventLogHandler>;

type OfRecord<T> = Box<dyn Fn(&Record<'_>) -> T + Send + Sync>;

/// What an event is made of; all of it may be code of the user.
pub(crate) struct Policy {
    pub(crate) format: Box<dyn Format>,
    pub(crate) level_map: Box<dyn Fn(Level) -> EventType + Send + Sync>,
    pub(crate) event_id: OfRecord<u32>,
    pub(crate) category: OfRecord<u16>,
    pub(crate) raw_data: Option<OfRecord<Vec<u8>>>,
}

/// An event that waits for the lock.
struct Prepared {
    event_type: EventType,
    category: u16,
    id: u32,
    text: WideText,
    data: Vec<u8>,
    is_cut: bool,
}

#[derive(Default)]
struct State {
    source: Option<Box<dyn Source>>,
    is_closed: bool,
    stats: Stats,
}

impl EventLogHandler {
    /// A handler whose events come from the source of this name.
    pub fn builder(app_name: impl Into<String>) -> EventLogHandlerBuilder {
        EventLogHandlerBuilder::new(app_name.into())
    }

    pub(crate) fn new(entry: Entry, policy: Policy, api: Box<dyn Api>, reporter: Reporter) -> Self {
        Self { entry, policy, api, reporter, cut: AtomicU64::new(0), state: Mutex::default() }
    }

    /// Writes the source into the registry, as `build` does unless told otherwise: for installers.
    ///
    /// # Errors
    ///
    /// The failure, access that is denied included; it is reported as well.
    pub fn register(&self) -> Result<(), Error> {
        self.entry.register(&*self.api).map_err(|error| self.reporter.note(error))
    }

    /// Removes the source from the registry; Event Viewer then lacks the text of events that it has. Closing does not do this, as in Python.
    ///
    /// # Errors
    ///
    /// The failure, access that is denied included; it is reported as well.
    pub fn unregister(&self) -> Result<(), Error> {
        self.entry.unregister(&*self.api).map_err(|error| self.reporter.note(error))
    }

    /// How many events had their text or raw data cut, because Windows allows no more.
    pub fn cut_events(&self) -> u64 {
        self.cut.load(Ordering::Relaxed)
    }

    fn report(&self, prepared: &Prepared) -> Result<(), Error> {
        let Prepared { event_type, category, id, text, data, is_cut } = prepared;
        let event = Event { event_type: *event_type, category: *category, id: *id, text, data };
        let reported = {
            let mut state = lock(&self.state);
            let reported = match state.is_closed {
                true => Err(Error::closed(self.reporter.handler())),
                false => state.report(&event, &*self.api, &self.entry.source),
            };
            state.count(reported.as_ref().err().map(DropReason::of));
            reported
        };
        if reported.is_ok() && *is_cut {
            self.cut.fetch_add(1, Ordering::Relaxed);
        }
        reported.map_err(|error| self.lost(error))
    }

    #[cold]
    fn lost(&self, error: Error) -> Error {
        let reason = DropReason::of(&error);
        self.reporter.lost(error, reason, 1)
    }

    #[cold]
    fn panicked(&self, error: Error) -> Error {
        lock(&self.state).count(Some(DropReason::Panicked));
        self.lost(error)
    }
}

impl Policy {
    /// Runs the user's code, without any lock.
    fn prepare(&self, record: &Record<'_>) -> Result<Prepared, Error> {
        let (text, is_text_cut) = with_line(&*self.format, record, b"", text::of_event)?;
        let rest = catch_unwind(AssertUnwindSafe(|| {
            let data = self.raw_data.as_ref().map(|data| data(record)).unwrap_or_default();
            ((self.level_map)(record.level()), (self.category)(record), (self.event_id)(record), data)
        }));
        let (event_type, category, id, mut data) =
            rest.map_err(|_| Error::panicked("a function of the record, given to EventLogHandler, panicked"))?;
        let is_data_cut = text::cut_data(&mut data);
        Ok(Prepared { event_type, category, id, text, data, is_cut: is_text_cut || is_data_cut })
    }
}

impl State {
    /// Reports; once more with a new source, where the service was started anew since the old one was opened.
    fn report(&mut self, event: &Event<'_>, api: &dyn Api, name: &str) -> Result<(), Error> {
        let was_open = self.source.is_some();
        match self.report_once(event, api, name) {
            Err(error) if was_open && error.io_error().is_some_and(was_not_executed) => self.report_once(event, api, name),
            reported => reported,
        }
    }

    /// The source is put back only if it is good for more.
    fn report_once(&mut self, event: &Event<'_>, api: &dyn Api, name: &str) -> Result<(), Error> {
        let source = match self.source.take() {
            Some(source) => source,
            None => api.open(name).map_err(|error| Error::io(format!("open the event source {name}"), error))?,
        };
        let reported = source.report(event);
        if reported.as_ref().err().is_none_or(is_about_the_event) {
            self.source = Some(source);
        }
        reported.map_err(|error| Error::io(format!("report an event of {name}"), error))
    }

    fn count(&mut self, dropped: Option<DropReason>) {
        self.stats.handled += 1;
        match dropped {
            None => self.stats.delivered += 1,
            Some(reason) => self.stats.add_dropped(reason, 1),
        }
    }
}

/// `ERROR_INVALID_HANDLE`, `RPC_S_INVALID_BINDING`, `RPC_S_SERVER_UNAVAILABLE`, `RPC_S_CALL_FAILED_DNE`: nothing was written, and the source is of
/// no more use. After `RPC_S_CALL_FAILED` (1726) the event may be in the log.
fn was_not_executed(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(6 | 1702 | 1722 | 1727))
}

/// `ERROR_LOG_FILE_FULL`, `RPC_S_INVALID_BOUND`: the source is as good as before.
fn is_about_the_event(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(1502 | 1734))
}

impl Handler for EventLogHandler {
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        match self.policy.prepare(record) {
            Ok(prepared) => self.report(&prepared),
            Err(panicked) => Err(self.panicked(panicked)),
        }
    }

    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        let is_free = lock_before(&self.state, deadline).is_some();
        self.reporter.settle();
        match is_free {
            true => Ok(()),
            false => Err(Error::timed_out(format!("flush {}", self.reporter.handler()))),
        }
    }

    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        let Some(mut state) = lock_before(&self.state, deadline) else {
            return Err(Error::timed_out(format!("close {}", self.reporter.handler())));
        };
        state.is_closed = true;
        let closed = state.source.take().map_or(Ok(()), Source::close);
        drop(state);
        self.reporter.settle();
        closed.map_err(|error| self.reporter.note(Error::io(format!("close the event source {}", self.entry.source), error)))
    }

    fn stats(&self) -> Stats {
        lock(&self.state).stats
    }
}

impl fmt::Debug for EventLogHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLogHandler").field("handler", &self.reporter.handler()).finish_non_exhaustive()
    }
}
