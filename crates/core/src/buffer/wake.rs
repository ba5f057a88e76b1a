//! How the consumer waits, and when a producer wakes it (pure).

use std::time::Duration;

/// So often the consumer looks in vain before it sleeps for good.
const EMPTY_LOOKS: u32 = 50;

/// The first pause after a sleep is so many times shorter than the longest.
const SHORTEST: u32 = 16;

/// What the consumer is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consumer {
    /// At work, not there, or woken: it will look by itself.
    Busy,
    /// It looks again soon.
    Polling,
    /// It does not look until it is woken.
    Asleep,
}

/// How long the consumer pauses between two looks: longer each time, and in the end for good.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    longest: Duration,
    next: Duration,
    empty: u32,
}

impl Pace {
    /// Pauses of at most `longest`.
    pub fn new(longest: Duration) -> Self {
        Self { longest, next: longest / SHORTEST, empty: 0 }
    }

    /// Takes note of a look, and whether it found anything.
    pub fn looked(&mut self, has_found: bool) {
        self.empty = if has_found { 0 } else { self.empty.saturating_add(1) };
    }

    /// The next pause; `None` is to sleep until woken.
    pub(super) fn pause(&mut self) -> Option<Duration> {
        if self.empty >= EMPTY_LOOKS {
            *self = Self::new(self.longest);
            return None;
        }
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_stay_there_while_records_come() {
        let mut pace = Pace::new(Duration::from_millis(16));
        let millis: Vec<_> = (0..7)
            .map(|_| {
                pace.looked(true);
                pace.pause().unwrap().as_millis()
            })
            .collect();
        assert_eq!(millis, [1, 2, 4, 8, 16, 16, 16]);
    }

    #[test]
    fn nothing_for_a_while_is_a_reason_to_sleep_for_good() {
        let mut pace = Pace::new(Duration::from_millis(5));
        let looks = (0..1000).take_while(|_| {
            pace.looked(false);
            pace.pause().is_some()
        });
        assert_eq!(looks.count() as u32, EMPTY_LOOKS - 1);
        assert!(pace.pause().is_some(), "woken, it polls again");
    }
}
