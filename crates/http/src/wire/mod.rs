//! What protocols require, byte for byte (pure).

pub(crate) mod base64;
pub(crate) mod datadog;
pub(crate) mod elasticsearch;
pub(crate) mod form;
#[cfg(feature = "gzip")]
pub(crate) mod gzip;
pub(crate) mod json;
pub(crate) mod loki;
pub(crate) mod object;
pub(crate) mod otlp;
pub(crate) mod retry_after;
pub(crate) mod splunk;
