//! The tests of the timed rotating file handler.

#![cfg_attr(not(unix), allow(unused_imports, dead_code, reason = "some of it is for tests of Unix alone"))]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the functions that tests call fail as tests do"
)]

// The zone is named in the environment of a child, as only Unix knows it.
#[cfg(unix)]
mod child;
mod clocks;
mod composite;
#[cfg(feature = "gzip")]
mod compress;
mod contract;
mod cpython;
mod cpython_handler;
mod crash;
// The zone is named in the environment of a child, as only Unix knows it.
#[cfg(unix)]
mod differential;
mod faults;
#[cfg(windows)]
mod held;
#[cfg(unix)]
mod link;
mod options;
mod pattern;
mod retention;
// The zone is named in the environment of a child, as only Unix knows it.
#[cfg(unix)]
mod schedule_differential;
mod setting;
#[cfg(unix)]
mod shared;
// The zone is named in the environment of a child, as only Unix knows it.
#[cfg(unix)]
mod wall_clock;
// The zone is named in the environment of a child, as only Unix knows it.
#[cfg(unix)]
mod zones;
