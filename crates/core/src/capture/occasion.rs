//! Which event this is: what tells one on its way through our layers from the next.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

use tracing_core::Event;

thread_local! {
    static ANNOUNCED: Cell<Announced> = const { Cell::new(Announced { number: 0, to: 0 }) };
}

/// One event on its way through the layers of a registry.
///
/// The number alone would not do: between two layers of ours, a third may raise an event of its own. Nor would the place in memory, which
/// the next event has again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Occasion {
    number: u64,
    event: *const (),
}

/// How many layers of ours there are, or were.
static MADE: AtomicU32 = AtomicU32::new(0);

/// One alone has nobody to share with.
#[inline]
fn are_many() -> bool {
    MADE.load(Ordering::Relaxed) > 1
}

/// One layer of ours, as a bit; with more than 64 of them some share one, and then nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(u64);

impl Mark {
    /// That of the next layer.
    pub(crate) fn next() -> Self {
        Self(1_u64.rotate_left(MADE.fetch_add(1, Ordering::Relaxed)))
    }

    /// Takes note that an event is about to be handed to this layer: each of ours says so before the first of them gets it.
    #[inline]
    pub(crate) fn announce(self) {
        if !are_many() {
            return;
        }
        let note = |announced: &Cell<Announced>| {
            let Announced { number, to } = announced.get();
            announced.set(Announced { number: number.wrapping_add(1), to: to | self.0 });
        };
        ANNOUNCED.try_with(note).ok();
    }
}

/// The events that were announced on this thread.
#[derive(Clone, Copy, Debug)]
struct Announced {
    number: u64,
    /// The layers that wait for one.
    to: u64,
}

impl Occasion {
    /// Nothing for an event that was not announced to the layer: a subscriber around the registry may keep that to itself. Says
    /// whether there are others to get it.
    #[inline]
    pub(super) fn of(event: &Event<'_>, mark: Mark) -> Option<(Self, bool)> {
        let take = |announced: &Cell<Announced>| {
            let Announced { number, to } = announced.get();
            announced.set(Announced { number, to: to & !mark.0 });
            (to & mark.0 != 0).then_some((number, to != mark.0))
        };
        if !are_many() {
            return None;
        }
        // Nothing late in a thread's life either, when its locals are gone.
        let (number, has_others) = ANNOUNCED.try_with(take).ok().flatten()?;
        Some((Self { number, event: std::ptr::from_ref(event).cast() }, has_others))
    }

    /// The same event, after its values were visited: a user's `Debug` may have raised others.
    #[inline]
    pub(super) fn now(self) -> Self {
        Self { number: ANNOUNCED.try_with(Cell::get).map_or(self.number, |announced| announced.number), ..self }
    }
}
