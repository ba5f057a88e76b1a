//! The tests of the rotating file handler.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the functions that tests call fail as tests do"
)]

#[cfg(feature = "gzip")]
mod compress;
mod contract;
mod cpython;
mod crash;
mod differential;
mod faults;
#[cfg(unix)]
mod lease;
mod options;
mod rotation;
#[cfg(unix)]
mod shared;
#[cfg(unix)]
mod shared_processes;
