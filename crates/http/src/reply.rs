//! The answer to a request, and what it means where an encoding has no rules of its own (pure).

use std::time::Duration;

use tracing_handlers_core::Error;
use tracing_handlers_core::format::escape;
use tracing_handlers_delivery::Outcome;

/// So much of an answer's body is shown in a report.
const SHOWN_BYTES: usize = 300;

/// The answer to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    status: u16,
    retry_after: Option<Duration>,
    location: Option<String>,
    body: Vec<u8>,
}

impl Reply {
    /// An answer of this status, for tests of encodings.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    /// The same, with `Retry-After`.
    #[must_use]
    pub fn with_retry_after(mut self, after: Option<Duration>) -> Self {
        self.retry_after = after;
        self
    }

    /// The same, with `Location`.
    pub(crate) fn with_location(mut self, location: Option<String>) -> Self {
        self.location = location;
        self
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// When the peer wants to be asked again, counted from its answer.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The body, as far as it came, up to 4 MiB.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What the status means by itself: 2xx is success; 408, 425, 429 and 5xx but 501 and 505 are worth another try, after `Retry-After`;
    /// 413 asks for less at a time; all else, redirects included, is final.
    pub fn outcome(&self) -> Outcome {
        match self.status {
            200..300 => Outcome::Delivered,
            413 => Outcome::Split,
            501 | 505 => self.reject(),
            408 | 425 | 429 | 500..600 => self.retry(),
            _ => self.reject(),
        }
    }

    /// Another try, after `Retry-After`.
    pub fn retry(&self) -> Outcome {
        Outcome::Retry { after: self.retry_after, why: Error::new(self.why()) }
    }

    /// No other try.
    pub fn reject(&self) -> Outcome {
        Outcome::Reject { why: self.why() }
    }

    /// The answer on one line: `the peer answered 400: entry too old`.
    pub fn why(&self) -> String {
        let mut line = format!("the peer answered {}", self.status).into_bytes();
        if (300..400).contains(&self.status) {
            line.extend_from_slice(b", and redirects are not followed");
            if let Some(location) = &self.location {
                line.extend_from_slice(b", to ");
                escape::text(&shortened(location.as_bytes()), &mut line);
            }
        } else if !self.body.is_empty() && !matches!(self.status, 401 | 403 | 407) {
            line.extend_from_slice(b": ");
            escape::text(shortened(&self.body).trim(), &mut line);
        }
        String::from_utf8_lossy(&line).into_owned()
    }
}

fn shortened(bytes: &[u8]) -> String {
    match bytes.get(..SHOWN_BYTES) {
        Some(begin) => format!("{}…", String::from_utf8_lossy(begin)),
        None => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16) -> &'static str {
        match Reply::new(status, "").outcome() {
            Outcome::Delivered => "delivered",
            Outcome::Split => "split",
            Outcome::Retry { .. } => "retry",
            Outcome::Reject { .. } => "reject",
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_status_has_one_meaning() {
        for status in 100..=999 {
            let expected = match status {
                200..=299 => "delivered",
                413 => "split",
                408 | 425 | 429 => "retry",
                501 | 505 => "reject",
                500..=599 => "retry",
                _ => "reject",
            };
            assert_eq!(kind(status), expected, "{status}");
        }
    }

    #[test]
    fn the_reason_is_short_and_stays_on_one_line() {
        let long = Reply::new(400, format!("bad\r\nX-Forged: {}", "a".repeat(9_000))).why();
        assert!(
            long.len() < 400 && long.starts_with("the peer answered 400: bad\\r\\nX-Forged") && long.ends_with('…'),
            "{long}"
        );
        let elsewhere = Reply::new(302, "").with_location(Some("http://evil.example/\x1b[2J".to_owned())).why();
        assert_eq!(elsewhere, "the peer answered 302, and redirects are not followed, to http://evil.example/\\x1b[2J");
    }

    #[test]
    fn who_refuses_us_is_not_quoted_since_they_may_quote_our_secret() {
        assert_eq!(Reply::new(401, "the token hunter2 is wrong").why(), "the peer answered 401");
    }
}
