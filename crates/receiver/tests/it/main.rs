//! The tests of the receiver.

#![cfg_attr(not(unix), allow(unused_imports, dead_code, reason = "some of it is for tests of Unix alone"))]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the functions that tests call fail as tests do"
)]
mod common;
mod hostile;
// Compared with CPython and other programs of Unix, which are not there under Wine.
#[cfg(unix)]
mod interop;
mod ours;
// Wine 8 takes no identity from PEM (`CryptAcquireContextW`).
#[cfg(all(unix, feature = "tls"))]
mod tls;
