//! How many mails may go out in a time (pure).

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use tracing_handlers_core::{Error, Timestamp};

/// At most so many mails in any span of that length.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    count: usize,
    per: Duration,
    sent: VecDeque<Timestamp>,
}

impl Limit {
    pub(crate) fn new(count: u32, per: Duration) -> Self {
        Self { count: usize::try_from(count).unwrap_or(usize::MAX), per, sent: VecDeque::new() }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.count == 0 || self.per.is_zero() {
            return Err(Error::config("max_mails", format!("({}, {:?})", self.count, self.per), "must let a mail through"));
        }
        Ok(())
    }

    /// Whether one more may go out now. A clock that was put back forgets the mails that it says are still to come.
    pub(crate) fn has_room(&mut self, now: Timestamp) -> bool {
        let per = i64::try_from(self.per.as_nanos()).unwrap_or(i64::MAX);
        let is_over = |sent: &Timestamp| *sent > now || now.as_nanos().saturating_sub(sent.as_nanos()) >= per;
        while self.sent.front().is_some_and(is_over) {
            self.sent.pop_front();
        }
        self.sent.len() < self.count
    }

    /// One went out.
    pub(crate) fn sent(&mut self, now: Timestamp) {
        self.sent.push_back(now);
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {} mails in {:?}", self.count, self.per)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_go_out_in_any_span_of_time_and_no_more() {
        let mut limit = Limit::new(3, Duration::from_secs(60));
        let mut sent = Vec::new();
        for second in 0..200 {
            let now = Timestamp::from_unix_seconds(1_000 + second);
            if limit.has_room(now) {
                limit.sent(now);
                sent.push(second);
            }
        }
        assert_eq!(sent, [0, 1, 2, 60, 61, 62, 120, 121, 122, 180, 181, 182]);
    }

    #[test]
    fn a_clock_put_back_does_not_silence_it() {
        let mut limit = Limit::new(1, Duration::from_secs(60));
        limit.sent(Timestamp::from_unix_seconds(1_000_000));
        assert!(limit.has_room(Timestamp::from_unix_seconds(5)));
    }

    #[test]
    fn a_limit_that_lets_nothing_through_is_a_mistake() {
        assert!(Limit::new(0, Duration::from_secs(1)).check().unwrap_err().to_string().contains("max_mails"));
        assert!(Limit::new(1, Duration::ZERO).check().is_err());
    }
}
