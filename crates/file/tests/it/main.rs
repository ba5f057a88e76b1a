//! The tests of the file handlers.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the functions that tests call fail as tests do"
)]

#[cfg(unix)]
mod access;
mod buffered;
mod contract;
mod exit;
mod faults;
mod file;
mod hooks;
mod sync;
mod watched;
mod writer;
