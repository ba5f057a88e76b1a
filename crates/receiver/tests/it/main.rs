//! The tests of the receiver.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the functions that tests call fail as tests do"
)]
mod common;
mod hostile;
mod interop;
mod ours;
#[cfg(feature = "tls")]
mod tls;
