//! Tests of the core through its public API.

// Clippy's exceptions for tests do not reach the functions that tests call.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod buffer;
mod capture;
mod common;
mod json;
mod layer;
mod lineage;
#[cfg(feature = "metrics")]
mod metrics;
mod one_capture;
mod python_formats;
mod record;
mod shutdown;
mod text;
