//! The header of RFC 5424: `<14>1 2023-11-14T22:13:20.250000Z host app 42 - ` (pure).

use super::{Header, clean, number};

/// Appends the header up to the space before the structured data. A name that is empty becomes `-`; a byte that must not stand in a name, `_`.
pub fn header(header: &Header<'_>, out: &mut Vec<u8>) {
    out.push(b'<');
    number(header.priority.into(), out);
    out.extend_from_slice(b">1 ");
    header.zone.write_rfc3339(header.timestamp, out);
    out.push(b' ');
    name(header.hostname, 255, out);
    name(header.app_name, 48, out);
    match header.process_id {
        0 => out.extend_from_slice(b"-"),
        id => number(id.into(), out),
    }
    out.push(b' ');
    name(header.message_id, 32, out);
}

/// A name of printable ASCII, and a space.
fn name(text: &str, longest: usize, out: &mut Vec<u8>) {
    match text.is_empty() {
        true => out.push(b'-'),
        false => clean(text, longest, |byte| byte.is_ascii_graphic(), out),
    }
    out.push(b' ');
}
