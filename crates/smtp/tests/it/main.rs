//! The tests of the mail handler.

#![cfg_attr(not(unix), allow(unused_imports, dead_code, reason = "some of it is for tests of Unix alone"))]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the functions that tests call fail as tests do"
)]

mod contract;
mod faults;
// Judged by parsers in Python, which is not there under Wine.
#[cfg(unix)]
mod injection;
mod mails;
mod python;
// Servers in Python, which is not there under Wine.
#[cfg(all(unix, feature = "tls"))]
mod real;
mod server;
mod settings;
