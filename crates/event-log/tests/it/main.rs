//! The tests of the event log handler; a double stands for Windows, so they run on every system.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the functions that tests call fail as tests do"
)]

mod contract;
mod cpython;
mod events;
mod failures;
mod log;
mod registration;
mod settings;
#[cfg(windows)]
mod windows;
