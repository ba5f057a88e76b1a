//! Facilities and severities, by Python's names and numbers (pure).

use std::fmt;
use std::str::FromStr;

use tracing_handlers_core::{Error, Level};

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident, $what:literal: $($(#[$item_doc:meta])* $item:ident = $number:literal $text:literal $(| $alias:literal)*,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$item_doc])* $item = $number,)*
        }

        impl $name {
            /// All of them, by their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$item),*];

            /// Its number on the wire.
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// Its name, as Python has it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$item => $text,)*
                }
            }

            /// The one of that number.
            pub fn from_number(number: u8) -> Option<Self> {
                Self::ALL.get(usize::from(number)).copied()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        /// By any of Python's names, in any case, or by number.
        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                let found = match text.to_ascii_lowercase().as_str() {
                    $($text $(| $alias)* => Some(Self::$item),)*
                    other => other.parse().ok().and_then(Self::from_number),
                };
                found.ok_or_else(|| Error::config($what, format_args!("{text:?}"), "is no name and no number that syslog knows"))
            }
        }
    };
}

numbered! {
    /// What kind of program speaks.
    ///
    /// ```
    /// use tracing_handlers_syslog::Facility;
    ///
    /// let facility: Facility = "local3".parse()?;
    /// assert_eq!((facility, facility.number(), facility.name()), (Facility::Local3, 19, "local3"));
    /// # Ok::<(), tracing_handlers_core::Error>(())
    /// ```
    Facility, "facility":
    /// The kernel.
    Kern = 0 "kern",
    /// User programs: the default.
    User = 1 "user",
    /// Mail.
    Mail = 2 "mail",
    /// Daemons.
    Daemon = 3 "daemon",
    /// Security, in public.
    Auth = 4 "auth",
    /// The syslog daemon itself.
    Syslog = 5 "syslog",
    /// Printers.
    Lpr = 6 "lpr",
    /// Network news.
    News = 7 "news",
    /// UUCP.
    Uucp = 8 "uucp",
    /// Clocks and schedulers.
    Cron = 9 "cron",
    /// Security, in private.
    Authpriv = 10 "authpriv",
    /// FTP.
    Ftp = 11 "ftp",
    /// NTP.
    Ntp = 12 "ntp",
    /// Audits.
    Security = 13 "security",
    /// Alerts.
    Console = 14 "console",
    /// Schedulers on Solaris.
    SolarisCron = 15 "solaris-cron",
    /// Of local use.
    Local0 = 16 "local0",
    /// Of local use.
    Local1 = 17 "local1",
    /// Of local use.
    Local2 = 18 "local2",
    /// Of local use.
    Local3 = 19 "local3",
    /// Of local use.
    Local4 = 20 "local4",
    /// Of local use.
    Local5 = 21 "local5",
    /// Of local use.
    Local6 = 22 "local6",
    /// Of local use.
    Local7 = 23 "local7",
}

numbered! {
    /// How bad it is, the worst first.
    ///
    /// ```
    /// use tracing_handlers_syslog::Severity;
    ///
    /// assert_eq!("critical".parse::<Severity>()?, Severity::Crit);
    /// assert_eq!(Severity::from(tracing_handlers_core::Level::WARN).number(), 4);
    /// # Ok::<(), tracing_handlers_core::Error>(())
    /// ```
    Severity, "severity":
    /// The system is unusable.
    Emerg = 0 "emerg" | "panic",
    /// Somebody must act at once.
    Alert = 1 "alert",
    /// Critical.
    Crit = 2 "crit" | "critical",
    /// An error.
    Err = 3 "err" | "error",
    /// A warning.
    Warning = 4 "warning" | "warn",
    /// Normal, and worth a notice.
    Notice = 5 "notice",
    /// Information.
    Info = 6 "info",
    /// For who looks for a mistake.
    Debug = 7 "debug",
}

/// The default: `ERROR` is `err`, `WARN` `warning`, `INFO` `info`, `DEBUG` and `TRACE` are `debug`.
impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::ERROR => Self::Err,
            Level::WARN => Self::Warning,
            Level::INFO => Self::Info,
            _ => Self::Debug,
        }
    }
}

/// The number in front of a message: Python's `encodePriority`.
///
/// ```
/// use tracing_handlers_syslog::{Facility, Severity, encode_priority};
///
/// assert_eq!(encode_priority(Facility::User, Severity::Err), 11);
/// ```
pub const fn encode_priority(facility: Facility, severity: Severity) -> u8 {
    facility.number() << 3 | severity.number()
}

/// The severity for the name of a level: Python's `mapPriority`, where any name that it does not know is a warning. `TRACE` is ours.
///
/// ```
/// use tracing_handlers_syslog::{Severity, map_priority};
///
/// assert_eq!(map_priority("CRITICAL"), Severity::Crit);
/// assert_eq!(map_priority("whatever"), Severity::Warning);
/// ```
pub fn map_priority(level_name: &str) -> Severity {
    match level_name {
        "TRACE" | "DEBUG" => Severity::Debug,
        "INFO" => Severity::Info,
        "ERROR" => Severity::Err,
        "CRITICAL" => Severity::Crit,
        _ => Severity::Warning,
    }
}
