//! When to try again (pure).

use std::time::Duration;

use tracing_handlers_core::Error;

/// How long to wait before the next attempt: longer after each failure, up to a limit, and by chance somewhere below that.
///
/// ```
/// use std::time::Duration;
/// use tracing_handlers_delivery::Retry;
///
/// let retry = Retry::new(Duration::from_secs(1)).factor(2).max(Duration::from_secs(30));
/// assert!(retry.check().is_ok());
/// assert_eq!(retry.longest(0), Duration::from_secs(1));
/// assert_eq!(retry.longest(3), Duration::from_secs(8));
/// assert_eq!(retry.longest(99), Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    first: Duration,
    factor: u32,
    max: Duration,
    jitter: bool,
}

impl Default for Retry {
    /// Half a second at most, then twice as long each time, up to half a minute.
    fn default() -> Self {
        Self::new(Duration::from_millis(500))
    }
}

impl Retry {
    /// Begins with at most `first`, doubles, and ends at 30 s.
    pub fn new(first: Duration) -> Self {
        Self { first, factor: 2, max: Duration::from_secs(30), jitter: true }
    }

    /// By what the time grows after each failure.
    #[must_use]
    pub fn factor(mut self, factor: u32) -> Self {
        self.factor = factor;
        self
    }

    /// The longest time.
    #[must_use]
    pub fn max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// Whether a random part of the time is waited, so that many who lost one peer do not all come back at once; on by default.
    #[must_use]
    pub fn jitter(mut self, jitter: bool) -> Self {
        self.jitter = jitter;
        self
    }

    /// Refuses what would be no pause at all.
    ///
    /// # Errors
    ///
    /// A configuration error for times and factors of zero.
    pub fn check(self) -> Result<Self, Error> {
        if self.first.is_zero() || self.max < self.first || self.factor == 0 {
            let value = format!("{:?} × {} up to {:?}", self.first, self.factor, self.max);
            return Err(Error::config("retry", value, "must begin above zero, not shrink, and end no earlier than it begins"));
        }
        Ok(self)
    }

    /// The longest wait after so many failures in a row, the first being 0.
    pub fn longest(&self, failures: u32) -> Duration {
        let times = self.factor.checked_pow(failures).unwrap_or(u32::MAX);
        self.first.checked_mul(times).map_or(self.max, |time| time.min(self.max))
    }

    /// The wait, for a random number between 0 and 1.
    pub(crate) fn wait(&self, failures: u32, random: f64) -> Duration {
        let longest = self.longest(failures);
        if self.jitter { longest.mul_f64(random.clamp(0.0, 1.0)) } else { longest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_part_is_waited_unless_told_otherwise() {
        let retry = Retry::default();
        assert_eq!(retry.wait(1, 0.5), Duration::from_millis(500));
        assert_eq!(retry.jitter(false).wait(1, 0.5), Duration::from_secs(1));
    }

    #[test]
    fn no_pause_at_all_is_refused() {
        assert!(Retry::new(Duration::ZERO).check().is_err());
        assert!(Retry::default().factor(0).check().is_err());
        let refused = Retry::default().max(Duration::from_millis(1)).check().unwrap_err().to_string();
        assert!(refused.contains("retry") && refused.contains("500ms × 2 up to 1ms"), "{refused}");
    }
}
