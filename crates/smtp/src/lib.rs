//! `SmtpHandler` for `tracing`: records as mails.
//!
//! # What it does
//!
//! A caller puts its record into a bounded queue and is done. The thread `log-delivery` makes a mail of each record, or one of all records
//! of a minute ([`digest`](SmtpHandlerBuilder::digest)), and brings it to the server: over TLS, which is verified, or over STARTTLS,
//! which is required and not only hoped for.
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
//! - No text of a record makes a header, a recipient or a command.
//! - Without TLS no credentials are sent, and without STARTTLS on the server's side nothing is.
//!
//! # Differs from Python
//!
//! Nobody waits for the server, and TLS is not a matter of whether there are credentials: [`SmtpTls::StartTls`] is the default, and
//! certificates are verified. The subject is by default level, target and message. Mails bear `Message-ID` and `Auto-Submitted`, and
//! their number is limited.

mod builder;
mod connect;
mod handler;
mod limit;
mod transport;
mod wire;

pub use self::builder::SmtpHandlerBuilder;
pub use self::connect::SmtpTls;
pub use self::handler::{SmtpHandler, SmtpLayer};
pub use self::wire::subject::{self, IntoSubject};
#[cfg(feature = "tls")]
pub use tracing_handlers_delivery::Tls;
pub use tracing_handlers_delivery::{Overflow, Retry, Status};
