//! Builds an `EventLogHandler`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::format::Text;
use tracing_handlers_core::{Error, Format, HandlerLayer, Level, OnFailure, Record};

use crate::api::Api;
use crate::event::{EventType, LogType};
use crate::handler::{EventLogHandler, EventLogLayer, Policy};
use crate::registration::Entry;

/// Builds an [`EventLogHandler`].
///
/// | setting | default |
/// |---|---|
/// | [`log_type`](Self::log_type) | [`LogType::Application`] |
/// | [`message_file`](Self::message_file) | one that is registered already, or else [`DEFAULT_MESSAGE_FILE`](crate::DEFAULT_MESSAGE_FILE) |
/// | [`register`](Self::register) | on, as in Python |
/// | [`level_map`](Self::level_map) | `ERROR` is an error, `WARN` a warning, the others information |
/// | [`event_id`](Self::event_id), [`category`](Self::category) | 1, 0 |
/// | [`format`](Self::format) | [`Text`] without time and level, which the event has itself |
/// | [`raw_data`](Self::raw_data) | none |
/// | [`api`](Self::api) | that of Windows; elsewhere none |
/// | [`on_failure`](Self::on_failure) | a rate-limited line on stderr |
#[must_use]
pub struct EventLogHandlerBuilder {
    app_name: String,
    log_type: LogType,
    message_file: Option<PathBuf>,
    register: bool,
    policy: Policy,
    api: Option<Box<dyn Api>>,
    on_failure: Option<Arc<dyn OnFailure>>,
}

impl EventLogHandlerBuilder {
    pub(crate) fn new(app_name: String) -> Self {
        let policy = Policy {
            format: Box::new(Text::new().time(false).level(false)),
            level_map: Box::new(EventType::from),
            event_id: Box::new(|_| 1),
            category: Box::new(|_| 0),
            raw_data: None,
        };
        let (log_type, message_file, api, on_failure) = (LogType::default(), None, None, None);
        Self { app_name, log_type, message_file, register: true, policy, api, on_failure }
    }

    /// The log in which the source is registered: `LogType::System`, or `"System".parse()?`.
    ///
    /// Windows looks for the source in all logs, and writes those that it does not find into the application log.
    pub fn log_type(mut self, log_type: LogType) -> Self {
        self.log_type = log_type;
        self
    }

    /// The file with the sentences of this source's events: an executable or DLL with a message table.
    ///
    /// The path is absolute, or begins with a variable of the environment: `%ProgramFiles%\shop\messages.dll`.
    pub fn message_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.message_file = Some(path.into());
        self
    }

    /// Whether `build` registers the source in the registry, which needs the rights of an administrator unless it is there already. Without
    /// them the handler is built all the same, and the failure is reported.
    pub fn register(mut self, register: bool) -> Self {
        self.register = register;
        self
    }

    /// Which type of event a level is.
    pub fn level_map(mut self, map: impl Fn(Level) -> EventType + Send + Sync + 'static) -> Self {
        self.policy.level_map = Box::new(map);
        self
    }

    /// The event id of a record, Python's `getMessageID`. The default message file knows 1 to 1000.
    pub fn event_id(mut self, id: impl Fn(&Record<'_>) -> u32 + Send + Sync + 'static) -> Self {
        self.policy.event_id = Box::new(id);
        self
    }

    /// The category of a record, Python's `getEventCategory`.
    pub fn category(mut self, category: impl Fn(&Record<'_>) -> u16 + Send + Sync + 'static) -> Self {
        self.policy.category = Box::new(category);
        self
    }

    /// How the event's string is written.
    pub fn format(mut self, format: impl Format) -> Self {
        self.policy.format = Box::new(format);
        self
    }

    /// The raw data of a record, such as the record itself:
    ///
    /// ```
    /// use tracing_handlers_event_log::EventLogHandler;
    ///
    /// let builder = EventLogHandler::builder("shop").raw_data(|record| {
    ///     let mut bytes = Vec::new();
    ///     record.encode(&mut bytes);
    ///     bytes
    /// });
    /// # drop(builder);
    /// ```
    pub fn raw_data(mut self, data: impl Fn(&Record<'_>) -> Vec<u8> + Send + Sync + 'static) -> Self {
        self.policy.raw_data = Some(Box::new(data));
        self
    }

    /// What takes the place of Windows: for tests, and for programs that are developed elsewhere.
    pub fn api(mut self, api: impl Api) -> Self {
        self.api = Some(Box::new(api));
        self
    }

    /// Who is told of failures; a rate-limited line on stderr by default.
    pub fn on_failure(mut self, hook: impl OnFailure) -> Self {
        self.on_failure = Some(Arc::new(hook));
        self
    }

    /// The handler. The source is registered, and opened with the first record.
    ///
    /// # Errors
    ///
    /// Names and paths that Windows does not take; any other system than Windows; a registration that fails for another reason than that
    /// access is denied.
    pub fn build(self) -> Result<EventLogHandler, Error> {
        let message_file = self.message_file.as_deref().map(unicode).transpose()?;
        let entry = Entry { log: self.log_type, source: self.app_name, message_file };
        entry.check()?;
        let api = self.api.map_or_else(of_the_system, Ok)?;
        let reporter = Reporter::new(format!("event-log {}", entry.source), self.on_failure);
        if self.register {
            tolerate_denied_access(entry.register(&*api), &reporter)?;
        }
        Ok(EventLogHandler::new(entry, self.policy, api, reporter))
    }

    /// The handler as a layer.
    ///
    /// # Errors
    ///
    /// Those of [`build`](Self::build).
    pub fn layer(self) -> Result<EventLogLayer, Error> {
        let hook = self.on_failure.clone();
        Ok(HandlerLayer::with_hook(self.build()?, hook))
    }
}

fn unicode(path: &Path) -> Result<String, Error> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| Error::config("message_file", path.display(), "is not Unicode"))
}

/// As Python does: a program without the rights still logs.
fn tolerate_denied_access(registered: Result<(), Error>, reporter: &Reporter) -> Result<(), Error> {
    let Err(error) = registered else { return Ok(()) };
    let is_denied = error.io_error().is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    if !is_denied {
        return Err(error);
    }
    reporter.note(error);
    Ok(())
}

#[cfg(windows)]
fn of_the_system() -> Result<Box<dyn Api>, Error> {
    Ok(Box::new(crate::windows::Windows))
}

#[cfg(not(windows))]
fn of_the_system() -> Result<Box<dyn Api>, Error> {
    let why = "EventLogHandler writes to the event log of Windows, which this system does not have";
    Err(Error::config("target_os", std::env::consts::OS, why))
}
