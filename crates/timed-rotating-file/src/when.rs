//! What a schedule counts in (pure).

use std::fmt;
use std::str::FromStr;

use time::Weekday;
use tracing_handlers_core::Error;

use crate::zone::DAY;

/// The unit of a schedule, or the time of the day or week that it waits for.
///
/// | as text, in any case | unit | rolled | names end in |
/// |---|---|---|---|
/// | `S` | second | an interval after the last time, or [aligned](crate::Schedule::aligned) | `2024-01-31_23-59-58` |
/// | `M` | minute | likewise | `2024-01-31_23-59` |
/// | `H` (the default) | hour | likewise | `2024-01-31_23` |
/// | `D` | day of 24 hours | likewise | `2024-01-31` |
/// | `midnight` | day | at midnight, or at [`at_time`](crate::Schedule::at_time) | `2024-01-31` |
/// | `W0` (Monday) to `W6` | week | at the midnight that ends this day, or on this day at `at_time` | `2024-01-31` |
///
/// ```
/// use tracing_handlers_timed_rotating_file::When;
///
/// assert_eq!("w6".parse::<When>()?, When::Weekday(time::Weekday::Sunday));
/// assert_eq!(When::Midnight.to_string(), "midnight");
/// assert!("W7".parse::<When>().is_err());
/// # Ok::<(), tracing_handlers_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum When {
    /// Every so many seconds.
    Seconds,
    /// Every so many minutes.
    Minutes,
    /// Every so many hours.
    #[default]
    Hours,
    /// Every so many times 24 hours.
    Days,
    /// Once a day, at the same time of the day.
    Midnight,
    /// Once a week, on this day.
    Weekday(Weekday),
}

impl When {
    /// How long one unit is, where no clock is put.
    pub(crate) fn unit_seconds(self) -> i64 {
        match self {
            Self::Seconds => 1,
            Self::Minutes => 60,
            Self::Hours => 3_600,
            Self::Days | Self::Midnight => DAY,
            Self::Weekday(_) => 7 * DAY,
        }
    }

    /// How many of year, month, day, hour, minute and second stand in the names.
    pub(crate) fn fields(self) -> usize {
        match self {
            Self::Seconds => 6,
            Self::Minutes => 5,
            Self::Hours => 4,
            Self::Days | Self::Midnight | Self::Weekday(_) => 3,
        }
    }
}

impl FromStr for When {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "s" => Self::Seconds,
            "m" => Self::Minutes,
            "h" => Self::Hours,
            "d" => Self::Days,
            "midnight" => Self::Midnight,
            "w0" => Self::Weekday(Weekday::Monday),
            "w1" => Self::Weekday(Weekday::Tuesday),
            "w2" => Self::Weekday(Weekday::Wednesday),
            "w3" => Self::Weekday(Weekday::Thursday),
            "w4" => Self::Weekday(Weekday::Friday),
            "w5" => Self::Weekday(Weekday::Saturday),
            "w6" => Self::Weekday(Weekday::Sunday),
            _ => return Err(Error::config("when", format_args!("{text:?}"), "is none of S, M, H, D, midnight and W0 to W6")),
        })
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seconds => f.write_str("S"),
            Self::Minutes => f.write_str("M"),
            Self::Hours => f.write_str("H"),
            Self::Days => f.write_str("D"),
            Self::Midnight => f.write_str("midnight"),
            Self::Weekday(day) => write!(f, "W{}", day.number_days_from_monday()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 12] = ["S", "M", "H", "D", "midnight", "W0", "W1", "W2", "W3", "W4", "W5", "W6"];

    #[test]
    fn what_is_displayed_is_parsed_in_any_case() {
        for text in ALL {
            let when: When = text.parse().unwrap();
            assert_eq!(when.to_string(), text);
            assert_eq!(text.to_lowercase().parse::<When>().unwrap(), when);
            assert_eq!(text.to_uppercase().parse::<When>().unwrap(), when);
        }
    }

    #[test]
    fn every_text_has_a_meaning_of_its_own() {
        let meanings: std::collections::HashSet<When> = ALL.iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(meanings.len(), ALL.len());
    }

    #[test]
    fn test_invalid() {
        for text in ["X", "W", "W7"] {
            let error = text.parse::<When>().unwrap_err();
            assert!(error.is_config());
            assert!(error.to_string().starts_with(&format!("setting `when` = {text:?}: ")), "{error}");
        }
        for text in ["", " S", "W00", "W-1", "ſ", "midnight "] {
            assert!(text.parse::<When>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_are_as_fine_as_the_unit() {
        let fields = ALL.map(|text| text.parse::<When>().unwrap()).map(When::fields);
        assert_eq!(fields, [6, 5, 4, 3, 3, 3, 3, 3, 3, 3, 3, 3]);
    }
}
