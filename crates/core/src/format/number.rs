//! Numbers without `core::fmt`, which costs more than all the rest of a line (pure).

use std::io::Write as _;

/// A whole number in decimal.
#[inline]
pub(crate) fn u64(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut len = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
        len += 1;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - len..).unwrap_or_default());
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
    // Where neither writes an exponent, both write the same; beyond, `serde_json` has `1e+16` for `1e16`.
    let result = if value == 0.0 || (1e-4..1e15).contains(&value.abs()) {
        serde_json::to_writer(out, &value).map_err(std::io::Error::from)
    } else {
        write!(out, "{value:?}")
    };
    debug_assert!(result.is_ok(), "writing into memory does not fail");
}

/// The last `N` decimal digits, with leading zeros.
#[inline]
pub(crate) fn padded<const N: usize>(mut value: u32, out: &mut Vec<u8>) {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&digits);
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
        for value in [0, 7, 10, 99, 100, 12_345, u64::MAX] {
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
    fn padding_keeps_the_last_digits() {
        assert_eq!(text(|out| super::padded::<3>(7, out)), "007");
        assert_eq!(text(|out| super::padded::<6>(123_456, out)), "123456");
    }
}
