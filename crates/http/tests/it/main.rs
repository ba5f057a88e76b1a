//! The tests of the HTTP handler.

#![cfg_attr(not(unix), allow(unused_imports, dead_code, reason = "some of it is for tests of Unix alone"))]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the functions that tests call fail as tests do"
)]

mod bodies;
mod contract;
// Compared with CPython and other programs of Unix, which are not there under Wine.
#[cfg(unix)]
mod cpython;
mod flight;
mod injection;
// Compared with CPython and other programs of Unix, which are not there under Wine.
#[cfg(unix)]
mod nginx;
mod opentelemetry;
mod proxy;
mod schema;
mod server;
mod statuses;
