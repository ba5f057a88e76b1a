//! The tests of delivery.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the functions that tests call fail as tests do"
)]

mod connections;
mod contract;
#[cfg(unix)]
mod early_ends;
mod own_events;
mod paused;
mod peers;
mod scripted;
mod status;
