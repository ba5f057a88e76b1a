//! Tests of the workspace as a whole: its rules, its documents, its formats.

// The exceptions of clippy.toml do not reach the helpers of an integration test.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod deny;
mod docs;
mod imports;
mod lengths;
mod rust_text;
mod settings;
mod tidy;
mod wire_format;
mod workspace;
