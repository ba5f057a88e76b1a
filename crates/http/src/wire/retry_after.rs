//! `Retry-After`, RFC 9110 §10.2.3: seconds, or a date in one of the two forms whose years have four digits (pure).

use std::time::Duration;

use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tracing_handlers_core::Timestamp;

const IMF: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
const ASCTIME: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]");

/// How long to wait from `now` on; nothing where the text is neither number nor date.
pub(crate) fn parse(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = [IMF, ASCTIME].iter().find_map(|form| PrimitiveDateTime::parse(text, form).ok())?;
    let nanos = Timestamp::from(date.assume_utc()).as_nanos().saturating_sub(now.as_nanos());
    Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read() {
        let now = Timestamp::from_unix_seconds(784_111_770);
        let wait = |text| parse(text, now).map(|wait| wait.as_secs());
        assert_eq!(wait("120"), Some(120));
        assert_eq!(wait(" 0 "), Some(0));
        assert_eq!(wait("99999999999999999999999"), Some(u64::MAX));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(7));
        assert_eq!(wait("Sun Nov  6 08:49:37 1994"), Some(7));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:00 GMT"), Some(0), "it was a while ago");
        for nonsense in ["", "-1", "soon", "1.5", "Sun, 36 Nov 1994 08:49:37 GMT"] {
            assert_eq!(wait(nonsense), None, "{nonsense}");
        }
    }
}
