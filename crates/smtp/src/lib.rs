//! `SmtpHandler` for `tracing`: records as mails.
//!
//! # What it does
//!
//! A caller puts its record into a bounded queue and is done. The thread `log-delivery` makes a mail of each record, or one of all records
//! of a minute ([`digest`](SmtpHandlerBuilder::digest)), and brings it to the server: over TLS, which is verified, or over STARTTLS,
//! which is required and not only hoped for. Mails are plain text, or that and a page with colours and tables ([`html`](SmtpHandlerBuilder::html)).
//!
//! What came before an error is in its mail where a flight recorder stands in front: `MemoryHandler::flight_recorder(100).target(mails)`, with
//! `mails` a digest. Then a mail goes out only when there was an error.
//!
//! # Example
//!
//! ```no_run
//! use std::time::Duration;
//! use tracing_handlers_smtp::SmtpHandler;
//! use tracing_subscriber::{filter::LevelFilter, prelude::*};
//!
//! let mails = SmtpHandler::builder("smtp.example.org")
//!     .credentials("app", std::env::var("SMTP_PASSWORD")?)
//!     .from("My App <app@example.org>")
//!     .to("ops@example.org")
//!     .digest(Duration::from_secs(60))
//!     .layer()?;
//! tracing_subscriber::registry().with(mails.with_filter(LevelFilter::ERROR)).init();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What becomes of a record
//!
//! | the server … | the record | counted as | `on_failure` |
//! |---|---|---|---|
//! | takes the mail | is its business now | delivered | – |
//! | is not there, closes the connection at any step, or says nothing for longer than `timeout` | waits, and is sent again | pending; `expired` after `max_age` | is told each time |
//! | greets or answers `EHLO` with anything but 2yz | the same | the same | the same |
//! | has a certificate that is not trusted, or of another name | the same; it has read nothing | the same | the same |
//! | offers no STARTTLS where that is set, refuses it, or says more in clear behind it | the same; it has read a hello | the same | the same |
//! | refuses the password for now (4yz) | the same | the same | the same |
//! | refuses the password (5yz), or knows no way to ask for it | waits; asked again once a minute, or by a flush | the same | the same |
//! | answers `MAIL`, `RCPT`, `DATA` or the final dot with 4yz (421, 450 …) | waits, and is sent again | the same | the same |
//! | answers `MAIL`, all of `RCPT`, `DATA` or the final dot with 5yz (550 …) | is lost | `failed` | is told, with what the server said |
//! | says 552 to a digest | halves of it are sent | by what becomes of them | – |
//! | refuses one of several recipients (5yz) | the others have it | delivered | is told who, and why |
//! | puts off one of several recipients (4yz) | the others have it; that one gets it later | pending, then delivered | is told |
//! | takes the mail and closes before it says so | is sent again, under the same `Message-ID`: it arrives twice | delivered | is told |
//! | answers `QUIT` with anything, or not at all | is its business already | delivered | – |
//! | is well, but there were `max_mails` | is lost; the next mail says how many were | `failed` | is told |
//! | is slower than records come | finds no room | `full` (by [`Overflow`]) | is told, and a record of the log says how many |
//!
//! # Guarantees
//!
//! - Delivered is what the server said it has. A mail that may have arrived, because the connection was lost before that word, is sent
//!   again under the same `Message-ID`.
//! - A server that is away, or says 4yz, is asked again, until the record is older than `max_age`; a mail that it refuses with 5yz is
//!   dropped, counted and reported. A wrong password is tried again once a minute, and records wait.
//! - One refused recipient does not cost the others their mail; the refusal is reported. Recipients that the server puts off get theirs
//!   later, and nobody twice.
//! - At most ten mails a minute ([`max_mails`](SmtpHandlerBuilder::max_mails)): records beyond are dropped, counted as `failed` and
//!   reported, and the next mail says how many they were.
//! - No text of a record makes a header, a recipient, a command or a part of a mail, nor markup or a link in its HTML; that loads nothing.
//! - Without TLS no credentials are sent, and without STARTTLS on the server's side nothing is.
//!
//! # Differs from Python
//!
//! Nobody waits for the server, and TLS is not a matter of whether there are credentials: [`SmtpTls::StartTls`] is the default, and
//! certificates are verified. The subject is by default level, target and message. Mails bear `Message-ID` and `Auto-Submitted`, and
//! their number is limited.
//!
//! # Features
//!
//! `tls`: STARTTLS and implicit TLS, by the library of the system. Without it only [`SmtpTls::None`] can be built.

mod builder;
mod connect;
mod handler;
mod limit;
mod parties;
mod transport;
mod wire;

pub use self::builder::SmtpHandlerBuilder;
pub use self::connect::SmtpTls;
pub use self::handler::{SmtpHandler, SmtpLayer};
pub use self::wire::subject::{self, IntoSubject};
#[cfg(feature = "tls")]
pub use tracing_handlers_delivery::Tls;
pub use tracing_handlers_delivery::{ConnectionState, Overflow, Retry, Status};
