//! What the builders of everything with a bounded queue have in common.

/// The setters of the queue's bounds; the builder has a field `settings` with `limits: buffer::Limits`, whose defaults are told here.
#[doc(hidden)]
#[macro_export]
macro_rules! queue_limit_settings {
    ($records:literal, $bytes:literal) => {
        #[doc = concat!("The most records that wait; ", $records, " by default.")]
        pub fn capacity(mut self, records: usize) -> Self {
            self.settings.limits.records = records;
            self
        }

        #[doc = concat!("The most bytes of memory that waiting records take; ", $bytes, " by default. A larger record is taken when it is alone.")]
        pub fn capacity_bytes(mut self, bytes: usize) -> Self {
            self.settings.limits.bytes = bytes;
            self
        }

        /// What becomes of a record that finds no room; by default it is dropped, counted and reported.
        pub fn overflow(mut self, overflow: $crate::Overflow) -> Self {
            self.settings.limits.overflow = overflow;
            self
        }

        /// How long a record may wait before the thread looks; 5 ms by default. Waking a thread costs its caller more than all the
        /// rest, so in the common case nobody does.
        pub fn max_delay(mut self, delay: ::std::time::Duration) -> Self {
            self.settings.limits.max_delay = delay;
            self
        }

        /// From which level up a record wakes the thread at once; `ERROR` by default.
        pub fn wake_level(mut self, level: $crate::Level) -> Self {
            self.settings.limits.wake_level = level;
            self
        }
    };
}
