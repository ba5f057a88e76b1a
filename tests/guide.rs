//! The pages of the guide: their examples are doc tests.

// What leads to a folder in a document leads nowhere from here.
#![allow(rustdoc::broken_intra_doc_links)]

/// Five minutes.
#[doc = include_str!("../docs/guide/getting-started.md")]
pub mod getting_started {}

/// Which handler for what.
#[doc = include_str!("../docs/guide/choosing.md")]
pub mod choosing {}

/// Several environments.
#[doc = include_str!("../docs/guide/composing.md")]
pub mod composing {}

/// What an event costs.
#[doc = include_str!("../docs/guide/cost.md")]
pub mod cost {}

/// What to watch in production.
#[doc = include_str!("../docs/guide/operating.md")]
pub mod operating {}

/// A handler of one's own.
#[doc = include_str!("../docs/guide/own-handler.md")]
pub mod own_handler {}

/// From another crate.
#[doc = include_str!("../docs/guide/from-tracing-appender.md")]
pub mod from_tracing_appender {}

/// From Python.
#[doc = include_str!("../docs/coming-from-python.md")]
pub mod from_python {}

/// The front page.
#[doc = include_str!("../README.md")]
pub mod readme {}
