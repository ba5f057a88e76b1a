//! The settings of everything that is delivered.

use std::sync::Arc;
use std::time::Duration;

use tracing_handlers_core::buffer::Limits;
use tracing_handlers_core::clock::ClockSource;
use tracing_handlers_core::{Error, OnFailure};

use crate::retry::Retry;

/// What a delivery is made of. Builders fill it in; users see their setters.
pub struct Settings {
    /// What waits, and what becomes of the rest.
    pub limits: Limits,
    /// When a failed attempt is repeated.
    pub retry: Retry,
    /// The most records of an attempt.
    pub batch_records: usize,
    /// The most bytes of an attempt, encoded or not.
    pub batch_bytes: usize,
    /// How long a first record waits for company.
    pub linger: Duration,
    /// Important records wait for company as all others do; only a flush or a close cuts it short.
    pub linger_is_firm: bool,
    /// How long an attempt may take.
    pub attempt_timeout: Duration,
    /// Older records are given up.
    pub max_age: Duration,
    /// What waits is delivered when the process ends.
    pub drain_on_exit: bool,
    /// Who is told of failures.
    pub on_failure: Option<Arc<dyn OnFailure>>,
    /// What tells a record's age.
    pub clock: ClockSource,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits { records: 8_192, bytes: 16 << 20, ..Limits::default() },
            retry: Retry::default(),
            batch_records: 512,
            batch_bytes: 1 << 20,
            linger: Duration::ZERO,
            linger_is_firm: false,
            attempt_timeout: Duration::from_secs(10),
            max_age: Duration::from_secs(300),
            drain_on_exit: true,
            on_failure: None,
            clock: ClockSource::System,
        }
    }
}

/// A connection that lived so long has lasted, however long the first pause of [`Retry`] is.
const LASTING: Duration = Duration::from_millis(500);

impl Settings {
    /// How long a connection lives before its end is an ordinary one, after which the next is made at once. So no peer is connected to more
    /// often than after a failure; and whoever waits so long before an attempt has time left for it.
    pub(crate) fn lasting(&self) -> Duration {
        LASTING.min(self.retry.longest(0)).min(self.attempt_timeout / 2)
    }

    /// These settings, if they let anything through.
    ///
    /// # Errors
    ///
    /// A configuration error that names the setting and its value.
    pub fn check(mut self) -> Result<Self, Error> {
        self.limits = self.limits.check()?;
        self.retry = self.retry.check()?;
        for (setting, size) in [("batch_records", self.batch_records), ("batch_bytes", self.batch_bytes)] {
            if size == 0 {
                return Err(Error::config(setting, 0, "must be at least one"));
            }
        }
        for (setting, time) in [("timeout", self.attempt_timeout), ("max_age", self.max_age)] {
            if time.is_zero() {
                return Err(Error::config(setting, "0", "must be positive"));
            }
        }
        Ok(self)
    }
}

/// The setters of every builder of a network handler; the builder has a field `settings: Settings`.
#[doc(hidden)]
#[macro_export]
macro_rules! delivery_settings {
    () => {
        $crate::core::queue_limit_settings!("8,192", "16 MiB");

        /// When a failed attempt is repeated.
        pub fn retry(mut self, retry: $crate::Retry) -> Self {
            self.settings.retry = retry;
            self
        }

        /// How long one attempt may take; 10 s by default. What is sent again before it over a new connection has that time for each piece that the
        /// peer takes.
        pub fn timeout(mut self, timeout: ::std::time::Duration) -> Self {
            self.settings.attempt_timeout = timeout;
            self
        }

        /// How old a record may grow while the peer is away; five minutes by default. Older ones are dropped and counted as `expired`.
        pub fn max_age(mut self, age: ::std::time::Duration) -> Self {
            self.settings.max_age = age;
            self
        }

        /// The most records of one attempt; 512 by default, and 1,024 over a plain connection.
        pub fn batch_records(mut self, records: usize) -> Self {
            self.settings.batch_records = records;
            self
        }

        /// The most bytes of one attempt; 1 MiB by default.
        pub fn batch_bytes(mut self, bytes: usize) -> Self {
            self.settings.batch_bytes = bytes;
            self
        }

        /// Whether what waits is delivered when the process ends by returning from `main` or, but on Windows, by `process::exit`, within a second; on by
        /// default.
        pub fn drain_on_exit(mut self, drain: bool) -> Self {
            self.settings.drain_on_exit = drain;
            self
        }

        /// Who is told of failures and dropped records; a rate-limited line on stderr by default.
        pub fn on_failure(mut self, hook: impl $crate::core::OnFailure) -> Self {
            self.settings.on_failure = Some(::std::sync::Arc::new(hook));
            self
        }

        /// Another clock, for tests: it tells how old records are, and to the layer what time it is.
        pub fn clock(mut self, clock: impl $crate::core::Clock) -> Self {
            self.settings.clock = $crate::core::clock::ClockSource::Other(::std::sync::Arc::new(clock));
            self
        }
    };
}

/// The `layer()` of every builder of a network handler: a layer with the hook and the clock that the handler has.
#[doc(hidden)]
#[macro_export]
macro_rules! delivery_layer {
    ($layer:ty) => {
        /// The handler as a layer.
        ///
        /// # Errors
        ///
        /// Those of [`build`](Self::build).
        pub fn layer(self) -> ::std::result::Result<$layer, $crate::core::Error> {
            let (hook, clock) = (self.settings.on_failure.clone(), self.settings.clock.clone());
            Ok($crate::core::HandlerLayer::with_hook(self.build()?, hook).clock_source(clock))
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_has_lasted_after_the_first_pause_half_a_second_or_half_an_attempt() {
        let lasting = |pause: u64, attempt: u64| {
            let (retry, attempt_timeout) = (Retry::new(Duration::from_millis(pause)), Duration::from_millis(attempt));
            Settings { retry, attempt_timeout, ..Settings::default() }.lasting().as_millis()
        };
        assert_eq!([lasting(20, 10_000), lasting(30_000, 10_000), lasting(30_000, 100)], [20, 500, 50]);
    }
}
