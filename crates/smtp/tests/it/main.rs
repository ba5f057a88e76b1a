//! The tests of the mail handler.

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
mod injection;
mod mails;
mod python;
#[cfg(feature = "tls")]
mod real;
mod server;
mod settings;
