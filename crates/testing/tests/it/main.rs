//! The tests of what the tests use.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what stands around the tests fails as they do"
)]

mod contract;
mod fault_fs;
mod flawed;
mod hooks;
