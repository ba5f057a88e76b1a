//! How many of the oldest files go (pure).

use std::time::Duration;

use tracing_handlers_core::{Error, Timestamp};

use crate::fs::Stat;

/// How much of the past is kept: so many files, so long, so many bytes. What one of the limits gives up goes.
///
/// The file that is being written never counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// 0 for any number.
    pub count: usize,
    /// Since the last record of the file.
    pub age: Option<Duration>,
    /// All rolled files together.
    pub bytes: Option<u64>,
}

impl Retention {
    /// Refuses limits under which nothing could be kept.
    ///
    /// # Errors
    ///
    /// A configuration error for a limit of zero.
    pub fn check(self) -> Result<Self, Error> {
        if self.age.is_some_and(|age| age.is_zero()) {
            return Err(Error::config("max_age", "0", "must be positive"));
        }
        if self.bytes == Some(0) {
            return Err(Error::config("max_total_bytes", 0, "must be positive"));
        }
        Ok(self)
    }

    /// Whether the files have to be looked at, beyond their number.
    pub fn needs_stats(&self) -> bool {
        self.age.is_some() || self.bytes.is_some()
    }

    /// How many of `len` files, oldest first, are above the count.
    pub fn above_count(&self, len: usize) -> usize {
        if self.count == 0 { 0 } else { len.saturating_sub(self.count) }
    }

    /// How many of the oldest files go. A file that nothing is known of (it vanished a moment ago) counts as empty and new.
    pub fn surplus(&self, oldest_first: &[Option<Stat>], now: Timestamp) -> usize {
        let by_count = self.above_count(oldest_first.len());
        by_count.max(self.too_old(oldest_first, now)).max(self.too_large(oldest_first))
    }

    fn too_old(&self, oldest_first: &[Option<Stat>], now: Timestamp) -> usize {
        let Some(age) = self.age else { return 0 };
        let limit = now.as_nanos().saturating_sub(i64::try_from(age.as_nanos()).unwrap_or(i64::MAX));
        let is_old =
            |stat: &Option<Stat>| stat.and_then(|stat| stat.modified).is_some_and(|modified| modified.as_nanos() < limit);
        oldest_first.iter().take_while(|stat| is_old(stat)).count()
    }

    fn too_large(&self, oldest_first: &[Option<Stat>]) -> usize {
        let Some(limit) = self.bytes else { return 0 };
        let mut kept_bytes = 0_u64;
        let newest_first = oldest_first.iter().rev();
        let kept = newest_first.take_while(|stat| {
            kept_bytes = kept_bytes.saturating_add(stat.map_or(0, |stat| stat.len));
            kept_bytes <= limit
        });
        oldest_first.len() - kept.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_000);

    /// Files of these sizes and ages in seconds, oldest first.
    fn files(files: &[(u64, i64)]) -> Vec<Option<Stat>> {
        files.iter().map(|&(len, age)| Some(Stat::for_test(len, Timestamp::from_unix_seconds(1_000 - age)))).collect()
    }

    #[test]
    fn without_limits_everything_stays() {
        assert_eq!(Retention::default().surplus(&files(&[(1, 500), (1, 1)]), NOW), 0);
    }

    #[test]
    fn each_limit_counts_for_itself_and_the_strictest_wins() {
        let files = files(&[(40, 400), (30, 300), (20, 200), (10, 100)]);
        let surplus = |count, age, bytes| Retention { count, age: age_of(age), bytes }.surplus(&files, NOW);
        assert_eq!(surplus(3, None, None), 1);
        assert_eq!(surplus(0, Some(250), None), 2);
        assert_eq!(surplus(0, None, Some(30)), 2);
        assert_eq!(surplus(0, None, Some(29)), 3);
        assert_eq!(surplus(0, None, Some(9)), 4, "the newest does not fit either");
        assert_eq!(surplus(3, Some(250), Some(10)), 3);
    }

    fn age_of(seconds: Option<u64>) -> Option<Duration> {
        seconds.map(Duration::from_secs)
    }

    #[test]
    fn a_file_exactly_as_old_as_the_limit_stays() {
        let retention = Retention { age: age_of(Some(100)), ..Retention::default() };
        assert_eq!(retention.surplus(&files(&[(1, 101), (1, 100)]), NOW), 1);
    }

    #[test]
    fn a_file_that_vanished_stands_in_nobodys_way() {
        let mut files = files(&[(40, 400), (30, 300)]);
        files.push(None);
        let retention = Retention { bytes: Some(30), age: age_of(Some(350)), count: 0 };
        assert_eq!(retention.surplus(&files, NOW), 1);
    }

    #[test]
    fn limits_of_zero_are_refused_with_their_names() {
        for (retention, setting) in [
            (Retention { age: Some(Duration::ZERO), ..Retention::default() }, "max_age"),
            (Retention { bytes: Some(0), ..Retention::default() }, "max_total_bytes"),
        ] {
            assert!(retention.check().unwrap_err().to_string().contains(setting));
        }
    }
}
