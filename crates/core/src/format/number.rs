//! Numbers without `core::fmt`, which costs more than all the rest of a line (pure).

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
    if value.is_finite() {
        // Writing into memory does not fail, and a finite number is valid JSON.
        serde_json::to_writer(out, &value).ok();
    } else if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else {
        out.extend_from_slice(if value > 0.0 { b"inf" } else { b"-inf" });
    }
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
        for value in [0.0, -0.0, 1.0, 1.5, -2.25, 0.1, 1e300, 1e-7, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(text(|out| super::f64(value, out)), format!("{value:?}"));
        }
    }

    #[test]
    fn padding_keeps_the_last_digits() {
        assert_eq!(text(|out| super::padded::<3>(7, out)), "007");
        assert_eq!(text(|out| super::padded::<6>(123_456, out)), "123456");
    }
}
