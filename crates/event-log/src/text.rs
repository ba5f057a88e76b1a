//! UTF-16, and what Windows allows of it (pure).

use std::borrow::Cow;

/// The most UTF-16 units of an event's string, by the documentation of `ReportEvent`.
pub const MAX_TEXT_UNITS: usize = 31_839;

/// The most bytes of an event's raw data.
pub const MAX_DATA_BYTES: usize = 61_440;

/// UTF-16 with a NUL at its end and none before, as Windows wants its strings.
///
/// ```
/// use tracing_handlers_event_log::WideText;
///
/// let text = WideText::new("a\0🦀");
/// assert_eq!(text.to_string(), "a␀🦀");
/// assert_eq!((text.units().len(), text.units_with_nul().last()), (4, Some(&0)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WideText(Vec<u16>);

impl WideText {
    /// The text in UTF-16; each NUL becomes `␀`.
    pub fn new(text: &str) -> Self {
        let visible = text.chars().map(|char| if char == '\0' { '␀' } else { char });
        let mut buffer = [0; 2];
        let mut units = Vec::with_capacity(text.len() + 1);
        visible.for_each(|char| units.extend_from_slice(char.encode_utf16(&mut buffer)));
        units.push(0);
        Self(units)
    }

    /// The units, without the NUL.
    pub fn units(&self) -> &[u16] {
        self.0.split_last().map_or(&[], |(_nul, units)| units)
    }

    /// The units, the last of which is the one NUL.
    pub fn units_with_nul(&self) -> &[u16] {
        &self.0
    }
}

impl std::fmt::Display for WideText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf16_lossy(self.units()))
    }
}

/// The string of an event, and whether it was cut: no insertion code, no NUL, not longer than Windows allows.
///
/// What was cut is counted in characters: `…[12 characters cut]`.
pub(crate) fn of_event(text: &[u8]) -> (WideText, bool) {
    let text = String::from_utf8_lossy(text);
    let text = without_insertion_codes(&text);
    match cut_at(&text, MAX_TEXT_UNITS) {
        None => (WideText::new(&text), false),
        Some((kept, mark)) => (WideText::new(&format!("{kept}{mark}")), true),
    }
}

/// Event Viewer replaces `%1`, `%%1` and `%{…}` in the strings too, again and again, and there is no escape (\[MS-EVEN\] 3.2.4.1.5). A space
/// after the percent sign prevents it (KB 934640).
fn without_insertion_codes(text: &str) -> Cow<'_, str> {
    let is_code = |pair: &[u8]| matches!(pair, [b'%', b'0'..=b'9' | b'{']);
    if !text.as_bytes().windows(2).any(is_code) {
        return Cow::Borrowed(text);
    }
    let mut spaced = String::with_capacity(text.len() + 16);
    let mut is_after_percent = false;
    for char in text.chars() {
        if is_after_percent && (char.is_ascii_digit() || char == '{') {
            spaced.push(' ');
        }
        spaced.push(char);
        is_after_percent = char == '%';
    }
    Cow::Owned(spaced)
}

/// What fits into `room` units with a mark of the rest, and that mark; `None` where everything fits.
fn cut_at(text: &str, room: usize) -> Option<(&str, String)> {
    // A character has no more units than bytes, so most texts need not be counted.
    if text.len() <= room || text.encode_utf16().count() <= room {
        return None;
    }
    // The number is one of as many digits as that of all bytes, or less.
    let room_for_text = room.saturating_sub(mark(text.len()).encode_utf16().count());
    let kept = text.get(..end_within(text, room_for_text)).unwrap_or_default();
    let rest = text.get(kept.len()..).unwrap_or_default();
    Some((kept, mark(rest.chars().count())))
}

/// Where the last character ends that is within `room` units.
fn end_within(text: &str, room: usize) -> usize {
    let mut units = 0;
    let mut ends = text.char_indices().map(|(at, char)| {
        units += char.len_utf16();
        (at + char.len_utf8(), units)
    });
    let mut end = 0;
    while let Some((at, _)) = ends.next().filter(|(_, units)| *units <= room) {
        end = at;
    }
    end
}

fn mark(characters: usize) -> String {
    format!("…[{characters} characters cut]")
}

/// Cuts raw data to what Windows allows, with a mark in ASCII at its end; says whether it did.
pub(crate) fn cut_data(data: &mut Vec<u8>) -> bool {
    if data.len() <= MAX_DATA_BYTES {
        return false;
    }
    let longest_mark = data_mark(data.len());
    let kept = MAX_DATA_BYTES - longest_mark.len();
    let mark = data_mark(data.len() - kept);
    data.truncate(kept);
    data.extend_from_slice(mark.as_bytes());
    true
}

fn data_mark(bytes: usize) -> String {
    format!("...[{bytes} bytes cut]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_never_within_a_surrogate_pair() {
        let text = "a🦀".repeat(20);
        for room in 24..60 {
            let (kept, mark) = cut_at(&text, room).expect("60 units do not fit");
            let cut = format!("{kept}{mark}");
            assert!(text.starts_with(kept));
            assert!(cut.encode_utf16().count() <= room, "{room}: {cut}");
            assert_eq!(mark, super::mark(text.chars().count() - kept.chars().count()));
        }
        assert!(cut_at(&text, 60).is_none());
    }

    #[test]
    fn a_cut_leaves_no_more_room_unused_than_it_must() {
        let (kept, mark) = cut_at("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 30).expect("40 units do not fit");
        assert_eq!((kept.len(), mark.as_str()), (10, "…[30 characters cut]"));
        assert_eq!(kept.len() + mark.encode_utf16().count(), 30);
    }
}
