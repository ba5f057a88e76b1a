//! Compressed bodies, RFC 1952 (pure).

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Smaller bodies gain nothing.
const SMALLEST: usize = 1_024;

/// The body, compressed; nothing where it is too small to gain by it.
pub(crate) fn compress(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() < SMALLEST {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}
