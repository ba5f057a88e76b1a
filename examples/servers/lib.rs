//! Little servers that the examples send to, on free ports of loopback, inside of the example's own process: so each example starts with
//! one command, and nothing has to be installed. They know as much of their protocols as the handlers here make use of.
//!
//! - [`MailServer`] takes mails, and shows what a mail program would.
//! - [`RelpDaemon`] takes syslog messages, and answers for them.
//! - [`Collector`] takes the bodies of HTTP requests, line by line.
//!
//! A server keeps what it took before it says that it has it: once a handler was flushed, everything is here.

mod collector;
mod mail;
mod relp;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use self::collector::Collector;
pub use self::mail::{Mail, MailServer};
pub use self::relp::RelpDaemon;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
