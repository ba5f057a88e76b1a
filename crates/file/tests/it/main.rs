//! The tests of the file handlers.

#![cfg_attr(not(unix), allow(unused_imports, dead_code, reason = "some of it is for tests of Unix alone"))]
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
