//! The tests of the stream handlers.

mod contract;
mod null;
mod stream;
mod writers;
