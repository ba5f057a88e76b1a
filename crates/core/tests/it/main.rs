//! Tests of the core through its public API.

#![cfg_attr(not(unix), allow(unused_imports, dead_code, reason = "some of it is for tests of Unix alone"))]
// Clippy's exceptions for tests do not reach the functions that tests call.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod buffer;
mod calm;
mod capture;
mod common;
mod forms;
mod json;
mod layer;
mod lineage;
#[cfg(feature = "metrics")]
mod metrics;
mod one_capture;
// Compared with CPython and other programs of Unix, which are not there under Wine.
#[cfg(unix)]
mod python_formats;
mod record;
mod shutdown;
mod spans_again;
mod text;
