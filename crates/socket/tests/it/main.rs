//! The tests of the socket handlers.

#![cfg_attr(not(unix), allow(unused_imports, dead_code, reason = "some of it is for tests of Unix alone"))]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the functions that tests call fail as tests do"
)]
mod chaos;
mod contract;
// Compared with CPython and other programs of Unix, which are not there under Wine.
#[cfg(unix)]
mod cpython;
mod exit;
mod frames;
// Compared with CPython and other programs of Unix, which are not there under Wine.
#[cfg(unix)]
mod interop;
mod killed_peer;
mod peers;
// Compared with CPython and other programs of Unix, which are not there under Wine.
#[cfg(unix)]
mod pickle;
// Compared with CPython and other programs of Unix, which are not there under Wine.
#[cfg(unix)]
mod python;
#[cfg(all(unix, feature = "tls"))]
mod tls;
