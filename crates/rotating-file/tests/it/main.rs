//! The tests of the rotating file handler.

mod contract;
mod cpython;
mod crash;
mod differential;
mod faults;
mod rotation;
