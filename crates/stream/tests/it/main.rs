//! The tests of the stream handlers.

#![cfg_attr(not(unix), allow(unused_imports, dead_code, reason = "some of it is for tests of Unix alone"))]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the functions that tests call fail as tests do"
)]

mod contract;
mod null;
mod stream;
mod writers;
