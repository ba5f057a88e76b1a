//! The tests of the file handlers.

mod buffered;
mod contract;
mod exit;
mod faults;
mod file;
mod watched;
mod writer;
