//! The seam: what the handler asks of Windows.

use std::io;

use crate::{EventType, LogType, WideText};

/// The calls of Windows, and what takes their place in tests.
///
/// They are made under the handler's lock and must not panic. Errors carry the number of Windows
/// ([`io::Error::from_raw_os_error`]), from which the handler knows what may be tried again.
pub trait Api: Send + Sync + 'static {
    /// Opens a source: `RegisterEventSourceW`.
    ///
    /// # Errors
    ///
    /// Those of the call.
    fn open(&self, source: &str) -> io::Result<Box<dyn Source>>;

    /// The message file of a source that is registered, as it is written in the registry; `None` where there is no such source.
    ///
    /// # Errors
    ///
    /// Those of the call.
    fn message_file(&self, log: LogType, source: &str) -> io::Result<Option<String>>;

    /// Writes a source into the registry.
    ///
    /// # Errors
    ///
    /// Those of the calls; [`io::ErrorKind::PermissionDenied`] without the rights of an administrator.
    fn register(&self, registration: &Registration<'_>) -> io::Result<()>;

    /// Removes a source from the registry; one that is not there is no error.
    ///
    /// # Errors
    ///
    /// Those of the call.
    fn unregister(&self, log: LogType, source: &str) -> io::Result<()>;
}

/// A source that is open. Dropping it closes it as well.
pub trait Source: Send {
    /// Reports an event: `ReportEventW`.
    ///
    /// # Errors
    ///
    /// Those of the call.
    fn report(&self, event: &Event<'_>) -> io::Result<()>;

    /// Closes the source: `DeregisterEventSource`.
    ///
    /// # Errors
    ///
    /// Those of the call.
    fn close(self: Box<Self>) -> io::Result<()>;
}

/// The arguments of a report.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The type.
    pub event_type: EventType,
    /// The category, a number of the source's own.
    pub category: u16,
    /// The event id, by which the sentence is found in the message file.
    pub id: u32,
    /// The first string, of at most [`MAX_TEXT_UNITS`](crate::MAX_TEXT_UNITS).
    pub text: &'a WideText,
    /// The strings after it, each of at most as many.
    pub strings: &'a [WideText],
    /// Raw data, of at most [`MAX_DATA_BYTES`](crate::MAX_DATA_BYTES).
    pub data: &'a [u8],
}

/// What the registry has to say about a source.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Registration<'a> {
    /// The log in which the source is registered.
    pub log: LogType,
    /// The source's name, which is that of a key below the log's.
    pub source: &'a str,
    /// `EventMessageFile`, of type `REG_EXPAND_SZ`.
    pub message_file: &'a str,
    /// `TypesSupported`.
    pub types: u32,
}
