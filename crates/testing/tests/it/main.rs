//! The tests of what the tests use.

mod contract;
mod fault_fs;
mod flawed;
mod hooks;
