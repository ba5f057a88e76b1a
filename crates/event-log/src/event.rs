//! Types of events and logs, by the names and numbers of Windows (pure).

use std::fmt;
use std::str::FromStr;

use tracing_handlers_core::{Error, Level};

/// What kind of event it is, which Event Viewer shows as its level.
///
/// ```
/// use tracing_handlers_core::Level;
/// use tracing_handlers_event_log::EventType;
///
/// assert_eq!(EventType::from(Level::DEBUG), EventType::Information);
/// assert_eq!(EventType::Error.number(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
#[non_exhaustive]
pub enum EventType {
    /// `EVENTLOG_ERROR_TYPE`.
    Error = 1,
    /// `EVENTLOG_WARNING_TYPE`.
    Warning = 2,
    /// `EVENTLOG_INFORMATION_TYPE`.
    Information = 4,
    /// `EVENTLOG_AUDIT_SUCCESS`.
    AuditSuccess = 8,
    /// `EVENTLOG_AUDIT_FAILURE`.
    AuditFailure = 16,
}

impl EventType {
    /// Its number in `winnt.h`.
    pub const fn number(self) -> u16 {
        self as u16
    }
}

/// Python's map: `ERROR` is an error, `WARN` a warning, everything else information.
impl From<Level> for EventType {
    fn from(level: Level) -> Self {
        match level {
            Level::ERROR => Self::Error,
            Level::WARN => Self::Warning,
            _ => Self::Information,
        }
    }
}

/// The log in which a source is registered.
///
/// ```
/// use tracing_handlers_event_log::LogType;
///
/// assert_eq!("system".parse::<LogType>()?, LogType::System);
/// assert_eq!(LogType::default().name(), "Application");
/// # Ok::<(), tracing_handlers_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogType {
    /// Of programs.
    #[default]
    Application,
    /// Of drivers and parts of the system.
    System,
    /// Of audits. Windows lets only its own services write there.
    Security,
}

impl LogType {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Application, Self::System, Self::Security];

    /// Its name, as Windows and Python have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Application => "Application",
            Self::System => "System",
            Self::Security => "Security",
        }
    }

    /// The log of this name, in any case, as Windows compares names.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|log| log.name().eq_ignore_ascii_case(name))
    }

    /// The types of events that a source in this log has, as bits: audits are for the security log.
    pub(crate) const fn types(self) -> u32 {
        match self {
            Self::Application | Self::System => 0b0_0111,
            Self::Security => 0b1_1111,
        }
    }
}

impl fmt::Display for LogType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// By its name, in any case.
impl FromStr for LogType {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::by_name(name)
            .ok_or_else(|| Error::config("log_type", format_args!("{name:?}"), "is none of Application, System and Security"))
    }
}
