//! What CPython's `SysLogHandler` sends: `<11>`, the ident, the text (pure). The NUL behind it is [`Framing::Nul`](super::Framing).

use super::number;

/// Appends priority and ident.
pub fn header(priority: u8, ident: &str, out: &mut Vec<u8>) {
    out.push(b'<');
    number(priority.into(), out);
    out.push(b'>');
    out.extend_from_slice(ident.as_bytes());
}
