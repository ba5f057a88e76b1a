//! Registers a source, with a message file, and only where that changes something.

use std::io;

use tracing_handlers_core::Error;

use crate::api::{Api, Registration};
use crate::event::LogType;

/// The message file of sources that name none: a program of Windows with the sentences 1 to 1000, each of which is `%1`.
pub const DEFAULT_MESSAGE_FILE: &str = r"%SystemRoot%\System32\EventCreate.exe";

/// A message file of ours with the same sentences: a DLL of 19 kB without code, for systems that lack [`DEFAULT_MESSAGE_FILE`], and for programs
/// that want to depend on nothing but what they install.
///
/// An installer writes it where the program lives, and names it:
///
/// ```
/// use tracing_handlers_event_log::{EventLogHandler, MESSAGE_FILE};
///
/// let path = std::env::temp_dir().join("shop-messages.dll");
/// std::fs::write(&path, MESSAGE_FILE)?;
/// let builder = EventLogHandler::builder("shop").message_file(&path);
/// # drop(builder);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub const MESSAGE_FILE: &[u8] = include_bytes!("../messages/messages.dll");

/// The longest name of a key in the registry, in UTF-16 units.
const MAX_NAME_UNITS: usize = 255;

/// A source as the settings want it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) log: LogType,
    pub(crate) source: String,
    /// `None` is any that is registered already, or else the default.
    pub(crate) message_file: Option<String>,
}

impl Entry {
    /// Checks what Windows would refuse later, or take for something else.
    pub(crate) fn check(&self) -> Result<(), Error> {
        check_name(&self.source).map_err(|why| Error::config("app_name", format_args!("{:?}", self.source), why))?;
        let Some(file) = &self.message_file else { return Ok(()) };
        check_file(file).map_err(|why| Error::config("message_file", format_args!("{file:?}"), why))
    }

    pub(crate) fn register(&self, api: &dyn Api) -> Result<(), Error> {
        let registered = self.try_register(api);
        registered.map_err(|error| Error::io(format!("register the event source {} in {}", self.source, self.log), error))
    }

    fn try_register(&self, api: &dyn Api) -> io::Result<()> {
        let existing = api.message_file(self.log, &self.source)?;
        let is_as_wanted = |file: &String| self.message_file.as_ref().is_none_or(|wanted| wanted == file);
        if existing.as_ref().is_some_and(is_as_wanted) {
            return Ok(());
        }
        let message_file = self.message_file.as_deref().unwrap_or(DEFAULT_MESSAGE_FILE);
        api.register(&Registration { log: self.log, source: &self.source, message_file, types: self.log.types() })
    }

    pub(crate) fn unregister(&self, api: &dyn Api) -> Result<(), Error> {
        let removed = api.unregister(self.log, &self.source);
        removed.map_err(|error| Error::io(format!("unregister the event source {} in {}", self.source, self.log), error))
    }
}

fn check_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        Err("is empty")
    } else if name.contains(['\\', '\0']) {
        Err("has a character that no key in the registry has")
    } else if name.encode_utf16().count() > MAX_NAME_UNITS {
        Err("is longer than 255 UTF-16 units")
    } else if LogType::by_name(name).is_some() {
        Err("is the name of a log, which no source may have")
    } else {
        Ok(())
    }
}

fn check_file(path: &str) -> Result<(), &'static str> {
    let is_absolute = match path.as_bytes() {
        // A variable of the environment, or a share.
        [b'%', ..] | [b'\\', b'\\', ..] => true,
        [drive, b':', b'\\' | b'/', ..] => drive.is_ascii_alphabetic(),
        _ => false,
    };
    match () {
        () if path.contains('\0') => Err("has a NUL"),
        () if !is_absolute => Err("is relative, and Event Viewer works in another directory"),
        () => Ok(()),
    }
}
