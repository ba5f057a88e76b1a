//! The header of RFC 3164, as daemons read it today: `<14>Nov 14 22:13:20 host app[42]: ` (pure).

use super::{Header, clean, number, rfc3339};

const MONTHS: [&[u8]; 12] = [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// No daemon reads a longer name of a host.
const HOST_BYTES: usize = 255;
/// 32 in the RFC; daemons take more, and 48 is what RFC 5424 has.
const TAG_BYTES: usize = 48;

/// How the time is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Time {
    /// `Nov 14 22:13:20`: no year, no zone, no fraction.
    #[default]
    Bsd,
    /// `2023-11-14T22:13:20.250000+01:00`, which rsyslog and syslog-ng read as well.
    Rfc3339,
}

/// Appends the header. A host name that is empty is left out, as on local sockets, where it would be taken for the tag.
pub fn header(header: &Header<'_>, time: Time, out: &mut Vec<u8>) {
    out.push(b'<');
    number(header.priority.into(), out);
    out.push(b'>');
    match time {
        Time::Bsd => bsd_time(header, out),
        Time::Rfc3339 => header.zone.write_rfc3339(header.timestamp, out),
    }
    out.push(b' ');
    if !header.hostname.is_empty() {
        // rsyslog takes a word of other characters for the tag.
        clean(header.hostname, HOST_BYTES, |byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte), out);
        out.push(b' ');
    }
    clean(header.app_name, TAG_BYTES, |byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte), out);
    if header.process_id != 0 {
        out.push(b'[');
        number(header.process_id.into(), out);
        out.push(b']');
    }
    out.extend_from_slice(b": ");
}

/// `Nov  5 22:13:20`, the day padded by a space.
fn bsd_time(header: &Header<'_>, out: &mut Vec<u8>) {
    let text = rfc3339(header);
    let digit = |at: usize| text.get(at).map_or(0, |digit| usize::from(digit.wrapping_sub(b'0')));
    let month = (digit(5) * 10 + digit(6)).saturating_sub(1);
    out.extend_from_slice(MONTHS.get(month).copied().unwrap_or(b"Jan"));
    out.push(b' ');
    out.push(if digit(8) == 0 { b' ' } else { b'0' + digit(8) as u8 });
    out.extend(text.get(9));
    out.push(b' ');
    out.extend_from_slice(text.get(11..19).unwrap_or_default());
}
