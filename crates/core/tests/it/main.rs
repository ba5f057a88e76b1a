//! Tests of the core through its public API.

mod capture;
mod common;
mod json;
mod layer;
mod python_formats;
mod record;
mod shutdown;
mod text;
