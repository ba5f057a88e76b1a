//! The tests of the memory handler.

#![cfg_attr(not(unix), allow(unused_imports, dead_code, reason = "some of it is for tests of Unix alone"))]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the functions that tests call fail as tests do"
)]

mod books;
mod contract;
mod exit;
mod panic_hook;
mod python;
mod recorder;
mod support;
mod targets;
