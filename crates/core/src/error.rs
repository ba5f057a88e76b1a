//! The error every handler returns: opaque, with predicates; the cause stands only in `source()`.

use std::error::Error as StdError;
use std::fmt;
use std::io;

/// Why a record was not delivered, a flush did not finish or a builder refused its settings.
///
/// The text says what was tried on what, in lower case (`open /var/log/app.log`); the operating system's own words are in
/// [`source()`](std::error::Error::source).
///
/// ```
/// use std::error::Error as _;
/// use tracing_handlers_core::Error;
///
/// let refused = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
/// let error = Error::io("open /var/log/app.log", refused);
/// assert_eq!(error.to_string(), "open /var/log/app.log");
/// assert!(error.is_io() && error.source().is_some());
/// ```
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: Kind,
    context: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
    reported: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Config,
    Io,
    Closed,
    TimedOut,
    Full,
    Panicked,
    Other,
}

impl Error {
    /// An error of no particular kind, for handlers of your own.
    pub fn new(context: impl Into<String>) -> Self {
        Self::of(Kind::Other, context.into(), None)
    }

    /// A setting that `build()` refuses: names the setting, the value and the reason.
    pub fn config(setting: &str, value: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self::of(Kind::Config, format!("setting `{setting}` = {value}: {why}"), None)
    }

    /// The operating system refused; `context` says what was tried on what.
    pub fn io(context: impl Into<String>, source: io::Error) -> Self {
        Self::of(Kind::Io, context.into(), Some(Box::new(source)))
    }

    /// The handler was closed before.
    pub fn closed(what: impl fmt::Display) -> Self {
        Self::of(Kind::Closed, format!("{what} is closed"), None)
    }

    /// The deadline passed first.
    pub fn timed_out(context: impl Into<String>) -> Self {
        Self::of(Kind::TimedOut, context.into(), None)
    }

    /// A bounded buffer had no room.
    pub fn full(context: impl Into<String>) -> Self {
        Self::of(Kind::Full, context.into(), None)
    }

    /// User code (a `Debug`, a format, a hook, a handler) panicked and was contained.
    pub fn panicked(context: impl Into<String>) -> Self {
        Self::of(Kind::Panicked, context.into(), None)
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    fn of(kind: Kind, context: String, source: Option<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { inner: Box::new(Inner { kind, context, source, reported: false }) }
    }

    /// A builder refused a setting.
    pub fn is_config(&self) -> bool {
        self.inner.kind == Kind::Config
    }

    /// The operating system refused.
    pub fn is_io(&self) -> bool {
        self.inner.kind == Kind::Io
    }

    /// The handler was closed.
    pub fn is_closed(&self) -> bool {
        self.inner.kind == Kind::Closed
    }

    /// A deadline passed.
    pub fn is_timed_out(&self) -> bool {
        self.inner.kind == Kind::TimedOut
    }

    /// A bounded buffer was full.
    pub fn is_full(&self) -> bool {
        self.inner.kind == Kind::Full
    }

    /// User code panicked.
    pub fn is_panicked(&self) -> bool {
        self.inner.kind == Kind::Panicked
    }

    /// The operating system's error, where there is one.
    pub fn io_error(&self) -> Option<&io::Error> {
        self.inner.source.as_deref()?.downcast_ref()
    }

    /// Whether a failure hook was told already, so that nobody reports it a second time.
    pub fn is_reported(&self) -> bool {
        self.inner.reported
    }

    /// Marks the error as one that a failure hook is told of, at once or, where drops are told together, later.
    #[must_use]
    pub fn reported(mut self) -> Self {
        self.mark_reported();
        self
    }

    pub(crate) fn mark_reported(&mut self) {
        self.inner.reported = true;
    }

    /// This error and everything below it on one line: `write app.log: No space left on device (os error 28)`. A cause whose words are the last of
    /// the line, as where an error shows its own cause too, is not said twice.
    pub fn one_line(&self) -> String {
        let mut line = self.inner.context.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !line.ends_with(&text) {
                line.push_str(": ");
                line.push_str(&text);
            }
            cause = error.source();
        }
        line
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.context)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("context", &self.inner.context)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.inner.kind {
            Kind::Io => error.io_error().map_or(io::ErrorKind::Other, io::Error::kind),
            Kind::TimedOut => io::ErrorKind::TimedOut,
            Kind::Config => io::ErrorKind::InvalidInput,
            Kind::Closed => io::ErrorKind::BrokenPipe,
            Kind::Full => io::ErrorKind::WouldBlock,
            Kind::Panicked | Kind::Other => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_names_every_cause() {
        let error = Error::io("write app.log", io::Error::from_raw_os_error(28));
        assert!(error.one_line().starts_with("write app.log: "), "{}", error.one_line());
        assert!(error.one_line().contains("os error 28"));
    }

    #[test]
    fn one_line_says_nothing_twice() {
        #[derive(Debug, Clone, Copy)]
        struct Reset(Option<&'static Reset>);
        impl fmt::Display for Reset {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("connection reset by peer")
            }
        }
        impl StdError for Reset {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                self.0.map(|cause| cause as _)
            }
        }
        let error = Error::io("connect to x", io::Error::other(Reset(Some(&Reset(None)))));
        assert_eq!(error.one_line(), "connect to x: connection reset by peer");
    }

    #[test]
    fn a_config_error_names_setting_and_value() {
        let error = Error::config("max_bytes", 0, "must be positive");
        assert_eq!(error.to_string(), "setting `max_bytes` = 0: must be positive");
        assert!(error.is_config());
    }

    #[test]
    fn an_io_error_keeps_its_kind_on_the_way_back() {
        let error = Error::io("open x", io::Error::from(io::ErrorKind::NotFound));
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
    }
}
