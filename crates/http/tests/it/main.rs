//! The tests of the HTTP handler.

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
mod cpython;
mod flight;
mod injection;
mod nginx;
mod opentelemetry;
mod proxy;
mod schema;
mod server;
mod statuses;
