//! A double of Windows: keeps events and registrations, and fails when it is told to.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use tracing_handlers_event_log::{
    Api, Event, EventLogHandler, EventLogHandlerBuilder, EventType, LogType, Registration, Source, WideText,
};
use tracing_handlers_testing::{FailureLog, MessageOnly};

/// What was reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) source: String,
    pub(crate) event_type: EventType,
    pub(crate) category: u16,
    pub(crate) id: u32,
    pub(crate) text: WideText,
    pub(crate) strings: Vec<WideText>,
    pub(crate) data: Vec<u8>,
}

/// Clones are the same log.
#[derive(Clone, Default)]
pub(crate) struct Log {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    events: Vec<Kept>,
    calls: Vec<String>,
    registry: BTreeMap<(String, String), (String, u32)>,
    /// What the next reports meet, one after the other: a number of Windows, or 0.
    report_errors: VecDeque<i32>,
    always: Option<i32>,
    registry_error: Option<io::ErrorKind>,
    close_error: Option<i32>,
    open_sources: usize,
}

impl Log {
    /// A handler on this log that reports failures to `failures`.
    pub(crate) fn builder(&self, failures: &FailureLog) -> EventLogHandlerBuilder {
        EventLogHandler::builder("app").format(MessageOnly).api(self.clone()).on_failure(failures.clone())
    }

    pub(crate) fn events(&self) -> Vec<Kept> {
        self.lock().events.clone()
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.lock().events.iter().map(|event| event.text.to_string()).collect()
    }

    /// The calls since the last time: `open`, `report`, `close`, `register`, `unregister`.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().calls)
    }

    pub(crate) fn open_sources(&self) -> usize {
        self.lock().open_sources
    }

    /// The next reports fail with these numbers; 0 is none.
    pub(crate) fn fail_reports(&self, numbers: &[i32]) {
        self.lock().report_errors.extend(numbers);
    }

    /// Every open and report fails with this number, or none does.
    pub(crate) fn fail(&self, number: Option<i32>) {
        self.lock().always = number;
    }

    pub(crate) fn fail_closing(&self, number: i32) {
        self.lock().close_error = Some(number);
    }

    pub(crate) fn fail_registering(&self, kind: io::ErrorKind) {
        self.lock().registry_error = Some(kind);
    }

    pub(crate) fn put(&self, log: &str, source: &str, file: &str) {
        self.lock().registry.insert((log.into(), source.into()), (file.into(), 7));
    }

    pub(crate) fn registered(&self, log: &str, source: &str) -> Option<(String, u32)> {
        self.lock().registry.get(&(log.into(), source.into())).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn call(&self, name: &str) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        state.calls.push(name.into());
        state
    }
}

impl Api for Log {
    fn open(&self, source: &str) -> io::Result<Box<dyn Source>> {
        let mut state = self.call("open");
        if let Some(number) = state.always {
            return Err(io::Error::from_raw_os_error(number));
        }
        state.open_sources += 1;
        Ok(Box::new(Open { log: self.clone(), name: source.into() }))
    }

    fn message_file(&self, log: LogType, source: &str) -> io::Result<Option<String>> {
        Ok(self.registered(log.name(), source).map(|(file, _)| file))
    }

    fn register(&self, registration: &Registration<'_>) -> io::Result<()> {
        let mut state = self.call("register");
        if let Some(kind) = state.registry_error {
            return Err(kind.into());
        }
        let key = (registration.log.to_string(), registration.source.to_owned());
        state.registry.insert(key, (registration.message_file.to_owned(), registration.types));
        Ok(())
    }

    fn unregister(&self, log: LogType, source: &str) -> io::Result<()> {
        let mut state = self.call("unregister");
        if let Some(kind) = state.registry_error {
            return Err(kind.into());
        }
        state.registry.remove(&(log.to_string(), source.to_owned()));
        Ok(())
    }
}

struct Open {
    log: Log,
    name: String,
}

impl Source for Open {
    fn report(&self, event: &Event<'_>) -> io::Result<()> {
        let mut state = self.log.call("report");
        let number = state.always.or_else(|| state.report_errors.pop_front());
        if let Some(number) = number.filter(|number| *number != 0) {
            return Err(io::Error::from_raw_os_error(number));
        }
        // As Windows is documented to.
        let is_too_long = |string: &WideText| string.units().len() > 31_839;
        if is_too_long(event.text) || event.strings.iter().any(is_too_long) || event.data.len() > 61_440 {
            return Err(io::Error::from_raw_os_error(1734));
        }
        let Event { event_type, category, id, .. } = *event;
        let (text, strings, data) = (event.text.clone(), event.strings.to_vec(), event.data.to_vec());
        state.events.push(Kept { source: self.name.clone(), event_type, category, id, text, strings, data });
        Ok(())
    }

    fn close(self: Box<Self>) -> io::Result<()> {
        self.log.call("close").close_error.take().map_or(Ok(()), |number| Err(io::Error::from_raw_os_error(number)))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.log.lock().open_sources -= 1;
    }
}
