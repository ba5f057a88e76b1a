//! The Windows event log for `tracing`.
//!
//! # What it does
//!
//! [`EventLogHandler`] formats a record and reports it as one event, whose string that is: type by level, event id, category, further strings and
//! raw data by functions of the record. `build` registers the program as a source of events, so that Event Viewer finds a text for them.
//!
//! The Windows calls stand behind the trait [`Api`]. On other systems the crate compiles, and `build` fails unless it is given an
//! [`api`](EventLogHandlerBuilder::api) of another kind.
//!
//! # Example
//!
//! ```
//! use tracing_handlers_core::Level;
//! use tracing_handlers_event_log::{EventLogHandler, EventType};
//!
//! let builder = EventLogHandler::builder("shop")
//!     .event_id(|record| if record.target() == "shop::payment" { 100 } else { 1 })
//!     .level_map(|level| if level == Level::WARN { EventType::Error } else { level.into() });
//! let built = builder.register(false).build();
//! assert_eq!(built.is_ok(), cfg!(windows));
//! ```
//!
//! # The text that Event Viewer shows
//!
//! An event holds no sentence but a number and strings; the sentence stands in a *message file* of the source, and without one Event Viewer
//! says that *the description … cannot be found*, before it lists the strings. The default is [`DEFAULT_MESSAGE_FILE`], a part of
//! Windows whose sentences 1 to 1000 are `%1`, the first string and nothing else, so that nothing has to be installed. [`MESSAGE_FILE`] is a file of
//! ours with the same sentences, for your installer to write; [`message_file`](EventLogHandlerBuilder::message_file) names it, or one of yours, which
//! event ids beyond 1000 need.
//!
//! # Guarantees
//!
//! - Windows has taken the event when `handle` returns `Ok`. A caller waits as long as Windows does; `.queued()` of the crate `queue` puts a thread
//!   in between.
//! - An event that Windows refuses is counted and reported, with the number of the error. A source that is gone because the service was
//!   started anew is opened again.
//! - What is longer than Windows allows (31,839 UTF-16 units, 61,440 bytes of raw data) is cut with a mark, at a character, and counted by
//!   [`cut_events`](EventLogHandler::cut_events).
//! - No text of a record becomes an insertion code: `%1` and `%{…}`, which Event Viewer would replace, become `% 1` and `% {…}`; a NUL,
//!   which would end the text, becomes `␀`.
//!
//! What is verified: the arguments of each call, seen by Wine and by a double of `advapi32.dll`; the registry, read by another program; our message
//! file, rendered by `FormatMessageW`. What is not: a real Event Viewer has shown no event of ours yet, nor [`DEFAULT_MESSAGE_FILE`] its text.
//!
//! # Differs from Python
//!
//! An existing registration is overwritten only if [`message_file`](EventLogHandlerBuilder::message_file) asks for another file. Without the rights to
//! register a handler works all the same, as in Python, and that is reported. The source is opened once and not for each event. On other systems
//! `build` fails, where Python prints a line and drops every record.

mod api;
mod builder;
mod event;
mod handler;
mod registration;
mod text;
#[cfg(windows)]
mod windows;

pub use self::api::{Api, Event, Registration, Source};
pub use self::builder::EventLogHandlerBuilder;
pub use self::event::{EventType, LogType};
pub use self::handler::{EventLogHandler, EventLogLayer};
pub use self::registration::{DEFAULT_MESSAGE_FILE, MESSAGE_FILE};
pub use self::text::{MAX_DATA_BYTES, MAX_TEXT_UNITS, WideText};
