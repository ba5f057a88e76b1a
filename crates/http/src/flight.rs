//! Several requests in flight: which records each of them has, and what came of all together (pure).

use std::ops::Range;
use std::time::Duration;

use tracing_handlers_core::Error;
use tracing_handlers_delivery::{Frames, Outcome};

/// What one request may hold, and how many there may be.
pub(crate) struct Flight {
    pub(crate) requests: usize,
    pub(crate) records: usize,
    pub(crate) bytes: usize,
}

impl Flight {
    /// Which frames go together in a request: no more requests than are needed, as alike as can be.
    pub(crate) fn parts(&self, frames: &Frames) -> impl Iterator<Item = Range<usize>> + use<> {
        let all = frames.len();
        let needed = all.div_ceil(self.records.max(1)).max(frames.bytes().len().div_ceil(self.bytes.max(1)));
        let size = all.div_ceil(needed.clamp(1, self.requests.max(1))).max(1);
        (0..all).step_by(size).map(move |start| start..all.min(start + size))
    }
}

/// What came of all, told as if they had been one request. Each part stands with the numbers of its frames.
pub(crate) fn together(mut parts: Vec<(Range<usize>, Outcome)>) -> Outcome {
    let all = |is_meant: fn(&Outcome) -> bool| parts.iter().all(|(_, outcome)| is_meant(outcome));
    let is_same = all(|outcome| matches!(outcome, Outcome::Split)) || all(|outcome| matches!(outcome, Outcome::Reject { .. }));
    let all_retry = all(|outcome| matches!(outcome, Outcome::Retry { .. }));
    if parts.len() == 1 || (is_same && !parts.is_empty()) {
        return parts.swap_remove(0).1;
    }
    let mut sum = Sum::default();
    parts.into_iter().for_each(|(range, outcome)| sum.add(range, outcome));
    match sum {
        Sum { after, why: Some(why), .. } if all_retry => Outcome::Retry { after, why },
        Sum { retry, dead, .. } if retry.is_empty() && dead.is_empty() => Outcome::Delivered,
        Sum { retry, dead, after, why } => Outcome::Partial { retry, dead, after, why },
    }
}

#[derive(Default)]
struct Sum {
    retry: Vec<usize>,
    dead: Vec<(usize, String)>,
    after: Option<Duration>,
    why: Option<Error>,
}

impl Sum {
    fn add(&mut self, range: Range<usize>, outcome: Outcome) {
        let start = range.start;
        match outcome {
            Outcome::Delivered | Outcome::Sent => {}
            Outcome::Retry { after, why } => {
                self.retry.extend(range);
                self.failed(after, Some(why));
            }
            Outcome::Partial { retry, dead, after, why } => {
                self.retry.extend(retry.into_iter().map(|index| start + index));
                self.dead.extend(dead.into_iter().map(|(index, why)| (start + index, why)));
                self.failed(after, why);
            }
            Outcome::Split if range.len() == 1 => self.dead.push((start, "a record is too large for the peer".to_owned())),
            // Next time they are fewer: alone, or with others of their kind, and then they are halved.
            Outcome::Split => self.retry.extend(range),
            Outcome::Reject { why } => self.dead.extend(range.map(|index| (index, why.clone()))),
        }
    }

    /// The longest wait counts, and the first failure that nobody was told of.
    fn failed(&mut self, after: Option<Duration>, why: Option<Error>) {
        self.after = self.after.max(after);
        if self.why.as_ref().is_none_or(Error::is_reported) {
            self.why = why.or(self.why.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing_handlers_core::Timestamp;

    use super::*;

    fn frames(count: usize) -> Frames {
        let write = |out: &mut Vec<u8>| -> Result<(), ()> {
            out.extend_from_slice(b"12345678");
            Ok(())
        };
        let mut frames = Frames::new();
        (0..count).for_each(|_| frames.push(Timestamp::default(), write).unwrap());
        frames
    }

    fn parts(requests: usize, records: usize, bytes: usize, count: usize) -> Vec<(usize, usize)> {
        Flight { requests, records, bytes }.parts(&frames(count)).map(|part| (part.start, part.end)).collect()
    }

    fn retry(seconds: u64, why: &'static str) -> Outcome {
        Outcome::Retry { after: Some(Duration::from_secs(seconds)), why: Error::new(why) }
    }

    #[test]
    fn no_more_requests_than_are_needed_as_alike_as_can_be() {
        assert_eq!(parts(1, 100, 1 << 20, 100), [(0, 100)]);
        assert_eq!(parts(4, 100, 1 << 20, 100), [(0, 100)]);
        assert_eq!(parts(4, 100, 1 << 20, 101), [(0, 51), (51, 101)]);
        assert_eq!(parts(4, 100, 1 << 20, 400), [(0, 100), (100, 200), (200, 300), (300, 400)]);
        assert_eq!(
            parts(4, 100, 1 << 20, 401),
            [(0, 101), (101, 202), (202, 303), (303, 401)],
            "one that says what was dropped"
        );
        assert_eq!(parts(4, 100, 16, 5), [(0, 2), (2, 4), (4, 5)], "by their bytes");
        assert_eq!(parts(1, 1, 1, 2), [(0, 2)]);
        assert!(parts(1, 1, 1, 0).is_empty());
    }

    #[test]
    fn what_came_of_all_is_told_under_the_numbers_of_all() {
        let partial = Outcome::Partial { retry: vec![1], dead: vec![(2, "malformed".into())], after: None, why: None };
        let reject = Outcome::Reject { why: "never".into() };
        let all = vec![
            (0..2, Outcome::Delivered),
            (2..4, retry(3, "busy")),
            (4..7, partial),
            (7..9, retry(5, "ill")),
            (9..11, reject),
            (11..12, Outcome::Split),
            (12..14, Outcome::Split),
        ];
        let Outcome::Partial { retry, dead, after, why } = together(all) else { panic!("some") };
        assert_eq!(retry, [2, 3, 5, 7, 8, 12, 13]);
        let dead: Vec<_> = dead.iter().map(|(index, why)| (*index, why.as_str())).collect();
        assert_eq!(dead, [(6, "malformed"), (9, "never"), (10, "never"), (11, "a record is too large for the peer")]);
        assert_eq!((after, why.map(|why| why.one_line())), (Some(Duration::from_secs(5)), Some("busy".to_owned())));
    }

    #[test]
    fn what_is_the_same_for_all_stays_what_it_is() {
        let same = |outcome: fn() -> Outcome| together(vec![(0..2, outcome()), (2..4, outcome())]);
        assert!(matches!(same(|| Outcome::Delivered), Outcome::Delivered));
        assert!(matches!(same(|| Outcome::Split), Outcome::Split));
        assert!(matches!(same(|| Outcome::Reject { why: "never".into() }), Outcome::Reject { why } if why == "never"));
        let retried = same(|| retry(1, "busy"));
        assert!(matches!(retried, Outcome::Retry { after: Some(after), .. } if after.as_secs() == 1));
        assert!(matches!(together(vec![(0..2, Outcome::Split)]), Outcome::Split));
    }

    #[test]
    fn a_failure_that_nobody_was_told_of_is_told() {
        let told = Outcome::retry(Error::new("told").reported());
        let Outcome::Retry { why, .. } = together(vec![(0..1, told), (1..2, retry(1, "new"))]) else { panic!("all") };
        assert_eq!((why.one_line().as_str(), why.is_reported()), ("new", false));
    }
}
