//! The tests of the timed rotating file handler.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the functions that tests call fail as tests do"
)]

mod child;
mod clocks;
mod composite;
#[cfg(feature = "gzip")]
mod compress;
mod contract;
mod cpython;
mod cpython_handler;
mod crash;
mod differential;
mod faults;
#[cfg(unix)]
mod link;
mod options;
mod pattern;
mod retention;
mod schedule_differential;
mod setting;
#[cfg(unix)]
mod shared;
mod wall_clock;
mod zones;
