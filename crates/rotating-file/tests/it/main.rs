//! The tests of the rotating file handler.

#![cfg_attr(not(unix), allow(unused_imports, dead_code, reason = "some of it is for tests of Unix alone"))]
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
// Compared with CPython and other programs of Unix, which are not there under Wine.
#[cfg(unix)]
mod differential;
mod faults;
#[cfg(unix)]
mod forked;
#[cfg(windows)]
mod held;
#[cfg(unix)]
mod lease;
mod options;
mod rotation;
#[cfg(unix)]
mod shared;
#[cfg(unix)]
mod shared_processes;
#[cfg(unix)]
mod shared_races;
