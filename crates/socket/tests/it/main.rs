//! The tests of the socket handlers.

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
mod cpython;
mod exit;
mod interop;
mod killed_peer;
mod peer;
mod peers;
mod pickle;
mod python;
#[cfg(feature = "tls")]
mod tls;
