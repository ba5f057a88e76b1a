//! The structured data that RFC 5424 itself defines (section 7): `timeQuality`, `origin` and `meta` (pure).
//!
//! ```text
//! [timeQuality tzKnown="1" isSynced="1"][origin enterpriseId="32473" software="shop" swVersion="1.2.0"][meta sequenceId="17"]
//! ```

use super::number;
use super::structured_data::param_value;
use super::text::Forbidden;

/// The most characters of a software's name and of its version (section 7.2).
pub(crate) const SOFTWARE_CHARS: usize = 48;
pub(crate) const VERSION_CHARS: usize = 32;

/// The largest number of a message; 1 comes behind it (section 7.3.1).
const LAST: u32 = 2_147_483_647;

/// Which of the elements a message has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standard {
    /// Whether the clock is synchronized, if that is said at all.
    pub(crate) is_synced: Option<bool>,
    /// Name and version.
    pub(crate) software: Option<(String, String)>,
    pub(crate) numbers_messages: bool,
}

impl Standard {
    pub(crate) fn is_empty(&self) -> bool {
        self.is_synced.is_none() && self.software.is_none() && !self.numbers_messages
    }

    /// Appends the elements.
    pub(crate) fn write(&self, enterprise: Option<u32>, sequence: u32, forbidden: Forbidden, out: &mut Vec<u8>) {
        if let Some(is_synced) = self.is_synced {
            // Every time that we write has its offset.
            out.extend_from_slice(b"[timeQuality tzKnown=\"1\" isSynced=\"");
            out.push(if is_synced { b'1' } else { b'0' });
            out.extend_from_slice(b"\"]");
        }
        if let Some((name, version)) = &self.software {
            out.extend_from_slice(b"[origin");
            if let Some(enterprise) = enterprise {
                out.extend_from_slice(b" enterpriseId=\"");
                number(enterprise.into(), out);
                out.push(b'"');
            }
            for (param, value) in [(" software=\"", name), (" swVersion=\"", version)] {
                if !value.is_empty() {
                    out.extend_from_slice(param.as_bytes());
                    param_value(value, forbidden, out);
                    out.push(b'"');
                }
            }
            out.push(b']');
        }
        if self.numbers_messages {
            out.extend_from_slice(b"[meta sequenceId=\"");
            number(sequence.into(), out);
            out.extend_from_slice(b"\"]");
        }
    }
}

/// The number of the message after this one.
pub(crate) fn next(sequence: u32) -> u32 {
    if sequence >= LAST { 1 } else { sequence + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_anew_behind_the_last() {
        assert_eq!((next(1), next(LAST - 1), next(LAST)), (2, LAST, 1));
    }
}
