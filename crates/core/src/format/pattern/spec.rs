//! How a field is fitted: sign, precision, width, fill and alignment, in place at the end of the line (pure).

use std::io::Write as _;

use super::attribute::Number;
use crate::format::number;

/// How one field is written. The parsers see to it that it fits the field's attribute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    pub(super) convert: Convert,
    /// `None`: numbers to the right, all else to the left.
    pub(super) align: Option<Align>,
    pub(super) fill: char,
    /// What stands before a number that is not negative.
    pub(super) sign: Option<u8>,
    pub(super) width: u16,
    pub(super) precision: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Convert {
    /// `s`: whatever it is, as text.
    Text,
    /// `{}` style without a type: as text, but numbers stay numbers.
    Natural,
    /// `d`.
    Integer,
    /// `f`.
    Float,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
    Center,
    /// Between the sign and the digits of a number; what is not a number goes to the right of spaces.
    AfterSign,
}

impl Spec {
    #[cfg(test)]
    const NATURAL: Self = Self { convert: Convert::Natural, align: None, fill: ' ', sign: None, width: 0, precision: None };

    /// A number as its type says, with its sign.
    pub(super) fn number(&self, number: Number, out: &mut Vec<u8>) {
        let start = out.len();
        match self.convert {
            Convert::Text | Convert::Natural => as_it_is(number, out),
            Convert::Integer => self.integer(number, out),
            Convert::Float => self.float(number, out),
        }
        if let Some(sign) = self.sign.filter(|_| out.get(start) != Some(&b'-')) {
            out.insert(start, sign);
        }
    }

    /// A number with a point loses what stands behind it, as in Python.
    fn integer(&self, number: Number, out: &mut Vec<u8>) {
        let start = out.len();
        match number {
            Number::Float(value) => infallible(write!(out, "{:.0}", value.trunc() + 0.0)),
            whole => as_it_is(whole, out),
        }
        let digits_start = after_sign(out, start);
        let missing = usize::from(self.precision.unwrap_or(0)).saturating_sub(out.len() - digits_start);
        insert(out, digits_start, missing, '0');
    }

    fn float(&self, number: Number, out: &mut Vec<u8>) {
        let digits = usize::from(self.precision.unwrap_or(6));
        let value = match number {
            Number::Signed(value) => value as f64,
            Number::Unsigned(value) => value as f64,
            Number::Signed128(value) => value as f64,
            Number::Unsigned128(value) => value as f64,
            Number::Float(value) => value,
        };
        infallible(write!(out, "{value:.digits$}"));
    }

    /// Cuts and pads what stands in `out` from `start` on.
    pub(super) fn fit(&self, out: &mut Vec<u8>, start: usize, is_number: bool) {
        let is_number = is_number && self.convert != Convert::Text;
        if let Some(most) = self.precision.filter(|_| !is_number) {
            cut(out, start, usize::from(most));
        }
        if self.width == 0 {
            return;
        }
        let missing = usize::from(self.width).saturating_sub(chars(out, start));
        let (align, fill) = match (self.align, is_number) {
            (Some(Align::AfterSign), false) => (Align::Right, ' '),
            (Some(align), _) => (align, self.fill),
            (None, true) if self.fill == '0' => (Align::AfterSign, '0'),
            (None, true) => (Align::Right, self.fill),
            (None, false) => (Align::Left, self.fill),
        };
        let before = match align {
            Align::Left => 0,
            Align::Right | Align::AfterSign => missing,
            Align::Center => missing / 2,
        };
        let at = if align == Align::AfterSign { after_sign(out, start) } else { start };
        insert(out, at, before, fill);
        let end = out.len();
        insert(out, end, missing - before, fill);
    }
}

fn as_it_is(number: Number, out: &mut Vec<u8>) {
    match number {
        Number::Signed(value) => number::i64(value, out),
        Number::Unsigned(value) => number::u64(value, out),
        Number::Signed128(value) => infallible(write!(out, "{value}")),
        Number::Unsigned128(value) => infallible(write!(out, "{value}")),
        Number::Float(value) => number::f64(value, out),
    }
}

/// Behind the sign of the number that begins at `start`.
fn after_sign(out: &[u8], start: usize) -> usize {
    start + usize::from(matches!(out.get(start), Some(b'-' | b'+' | b' ')))
}

/// Puts `count` times `fill` at `at`: appended, then turned into place, so that nothing is allocated but the room for it.
fn insert(out: &mut Vec<u8>, at: usize, count: usize, fill: char) {
    let (end, mut utf8) = (out.len(), [0; 4]);
    let fill = fill.encode_utf8(&mut utf8).as_bytes();
    for _ in 0..count {
        out.extend_from_slice(fill);
    }
    let added = out.len() - end;
    if let Some(tail) = out.get_mut(at..) {
        tail.rotate_right(added);
    }
}

/// Characters from `start` on: every byte but those that continue a character.
fn chars(out: &[u8], start: usize) -> usize {
    out.iter().skip(start).filter(|byte| !continues(**byte)).count()
}

/// Keeps at most so many characters from `start` on.
fn cut(out: &mut Vec<u8>, start: usize, most: usize) {
    let beginnings = out.iter().enumerate().skip(start).filter(|(_, byte)| !continues(**byte));
    if let Some(end) = beginnings.map(|(at, _)| at).nth(most) {
        out.truncate(end);
    }
}

fn continues(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

/// Writing into a `Vec` cannot fail.
fn infallible(result: std::io::Result<()>) {
    debug_assert!(result.is_ok(), "writing into memory does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(spec: Spec, text: &str) -> String {
        let mut out = b"ab".to_vec();
        out.extend_from_slice(text.as_bytes());
        spec.fit(&mut out, 2, false);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn width_and_precision_count_characters() {
        let spec = Spec { width: 5, ..Spec::NATURAL };
        assert_eq!(fitted(spec, "ä✓"), "abä✓   ");
        assert_eq!(fitted(Spec { precision: Some(2), ..spec }, "ä✓😀"), "abä✓   ");
        assert_eq!(fitted(Spec { align: Some(Align::Center), fill: '·', ..spec }, "😀✓"), "ab·😀✓··");
        assert_eq!(fitted(Spec { precision: Some(0), ..Spec::NATURAL }, "ä"), "ab");
    }

    #[test]
    fn zeros_go_behind_the_sign() {
        let spec = Spec { convert: Convert::Integer, align: Some(Align::AfterSign), fill: '0', width: 6, ..Spec::NATURAL };
        let mut out = b"x".to_vec();
        spec.number(Number::Signed(-42), &mut out);
        spec.fit(&mut out, 1, true);
        assert_eq!(out, b"x-00042");
    }

    #[test]
    fn a_small_negative_number_without_its_fraction_has_no_sign() {
        let mut out = Vec::new();
        Spec { convert: Convert::Integer, ..Spec::NATURAL }.number(Number::Float(-0.5), &mut out);
        assert_eq!(out, b"0");
    }
}
