//! The tests of the syslog handler.

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
mod cpython;
#[cfg(target_os = "linux")]
mod daemon;
#[cfg(target_os = "linux")]
mod killed;
#[cfg(unix)]
mod local;
mod priority;
mod properties;
#[cfg(all(target_os = "linux", feature = "relp"))]
mod relp;
#[cfg(target_os = "linux")]
mod rsyslog;
#[cfg(target_os = "linux")]
mod rsyslogd;
mod settings;
#[cfg(target_os = "linux")]
mod syslog_ng;
#[cfg(target_os = "linux")]
mod syslog_ngd;
mod wire;
