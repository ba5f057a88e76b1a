//! Numbers without `core::fmt`, which costs more than all the rest of a line (pure).

use std::io::Write as _;

const EIGHT_DIGITS: u64 = 100_000_000;

/// A whole number in decimal.
#[inline]
pub(crate) fn u64(value: u64, out: &mut Vec<u8>) {
    if value >= EIGHT_DIGITS {
        return long_u64(value, out);
    }
    let digits = eight_digits(value);
    let zeros = leading_zeros(digits).min(7);
    push(digits >> (8 * zeros), 8 - zeros, out);
}

fn long_u64(value: u64, out: &mut Vec<u8>) {
    u64(value / EIGHT_DIGITS, out);
    out.extend_from_slice(&eight_digits(value % EIGHT_DIGITS).to_le_bytes());
}

/// How many of eight digits are zeros that nobody writes: the first digit of a number is not 0, unless it is the only one.
#[inline]
fn leading_zeros(digits: u64) -> u32 {
    (digits ^ ALL_ZEROS).trailing_zeros() / 8
}

#[inline]
pub(crate) fn i64(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    u64(value.unsigned_abs(), out);
}

/// The shortest text that reads back as the same number: `1.5`, `1e16`, `NaN`, `inf`.
pub(crate) fn f64(value: f64, out: &mut Vec<u8>) {
    match few_decimals(value) {
        Some((whole, decimals)) => decimal(whole, decimals, out),
        None => any_f64(value, out),
    }
}

/// The whole part and seven decimals, where this is the number nearest to those: most that people log are.
///
/// Different decimals of up to 15 digits are different numbers, so the one that reads back as this is the shortest that does.
#[inline]
fn few_decimals(value: f64) -> Option<(u64, u64)> {
    if value < 1e8 {
        split::<10_000_000>(value)
    } else {
        // Of 15 digits there are three left.
        split::<1_000>(value).map(|(whole, decimals)| (whole, decimals * 10_000))
    }
}

/// The whole part, and the rest in parts of `UNIT`.
#[inline]
fn split<const UNIT: u64>(value: f64) -> Option<(u64, u64)> {
    let parts = (value * UNIT as f64 + 0.5) as u64;
    // Zero is left out for its sign, the negative for theirs, and what is so small that it has an exponent.
    let is_it = (1_000..1_000_000_000_000_000).contains(&parts) && parts as f64 / UNIT as f64 == value;
    is_it.then_some((parts / UNIT, parts % UNIT))
}

/// A number with up to seven decimals, without the zeros at its end, save one.
#[inline]
fn decimal(whole: u64, decimals: u64, out: &mut Vec<u8>) {
    u64(whole, out);
    // Before the seven digits stands a zero, which makes room for the point; the zeros at the end are the highest bytes.
    let digits = eight_digits(decimals);
    let zeros = ((digits ^ ALL_ZEROS).leading_zeros() / 8).min(6);
    push(digits ^ u64::from(b'0' ^ b'.'), 8 - zeros, out);
}

fn any_f64(value: f64, out: &mut Vec<u8>) {
    // Where neither writes an exponent, both write the same; beyond, `serde_json` has `1e+16` for `1e16`.
    let result = if value == 0.0 || (1e-4..1e15).contains(&value.abs()) {
        serde_json::to_writer(out, &value).map_err(std::io::Error::from)
    } else {
        write!(out, "{value:?}")
    };
    debug_assert!(result.is_ok(), "writing into memory does not fail");
}

/// The last `N` decimal digits of up to eight, with leading zeros.
#[inline]
pub(crate) fn padded<const N: usize>(value: u32) -> [u8; N] {
    let digits = eight_digits(u64::from(value) % EIGHT_DIGITS).to_le_bytes();
    digits.last_chunk().copied().unwrap_or([b'0'; N])
}

/// Eight times the digit 0.
const ALL_ZEROS: u64 = 0x3030_3030_3030_3030;

/// The eight digits of a number below 10^8, the first in the lowest byte. All are worked out at once: the number is split
/// into fours, twos and ones, and quotients of small numbers are multiplications by rounded reciprocals.
#[inline]
fn eight_digits(value: u64) -> u64 {
    let fours = (value / 10_000) | ((value % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let twos = hundreds | ((fours - 100 * hundreds) << 16);
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    ALL_ZEROS | tens | ((twos - 10 * tens) << 8)
}

/// Appends the lowest `count` bytes. All eight are written, as that is one instruction, and the others taken back.
#[inline]
fn push(digits: u64, count: u32, out: &mut Vec<u8>) {
    let end = out.len() + count as usize;
    out.extend_from_slice(&digits.to_le_bytes());
    out.truncate(end);
}

#[cfg(test)]
mod tests {
    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn integers_are_what_display_writes() {
        let powers = (0..20).map(|exponent| 10_u64.pow(exponent));
        for value in powers.flat_map(|power| [power - 1, power, power + 1, power / 3]).chain(0..20_000).chain([u64::MAX]) {
            assert_eq!(text(|out| super::u64(value, out)), value.to_string());
        }
        for value in [0, -1, i64::MIN, i64::MAX] {
            assert_eq!(text(|out| super::i64(value, out)), value.to_string());
        }
    }

    #[test]
    fn floats_are_what_debug_writes() {
        let powers = (-30..30).flat_map(|exponent| [1.0, 1.5, -9.999_999].map(|number| number * 10_f64.powi(exponent)));
        let special = [0.0, -0.0, 0.1, 1e300, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        for value in powers.chain(special) {
            assert_eq!(text(|out| super::f64(value, out)), format!("{value:?}"));
        }
    }

    #[test]
    fn floats_of_few_decimals_are_what_debug_writes() {
        let steps =
            (0..2_000_000_u64).step_by(7).chain((0..52).flat_map(|bits| [(1 << bits) - 1, 1 << bits, (1 << bits) * 10]));
        let numbers = steps.flat_map(|step| [1e3, 1e4, 1e7, 1e8].map(|unit| step as f64 / unit));
        let around = numbers.flat_map(|number| [number, number.next_up(), number.next_down(), -number]);
        for value in around {
            assert_eq!(text(|out| super::f64(value, out)), format!("{value:?}"));
        }
    }

    #[test]
    fn padding_keeps_the_last_digits() {
        assert_eq!(&super::padded::<3>(7), b"007");
        assert_eq!(&super::padded::<6>(123_456), b"123456");
        assert_eq!(&super::padded::<2>(1_234), b"34");
    }
}
