//! Bytes as text, in hexadecimal (pure). A format that has bytes of its own, as MessagePack and OTLP, writes them so and not as text.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// For people, and in [`Json`](super::Json), as `tracing` shows bytes: `[de ad be ef]`.
///
/// ```
/// let mut out = Vec::new();
/// tracing_handlers_core::format::hex::spaced(&[0xde, 0xad], &mut out);
/// assert_eq!(out, b"[de ad]");
/// ```
pub fn spaced(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(&digits(*byte));
    }
    out.push(b']');
}

/// For programs that take a value apart: `deadbeef`.
///
/// ```
/// assert_eq!(tracing_handlers_core::format::hex::plain(&[0xde, 0xad]), "dead");
/// ```
pub fn plain(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| digits(*byte)).map(char::from).collect()
}

fn digits(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 0xf].map(|nibble| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0'))
}
