//! A span with its ancestors, encoded once: an event that is raised in it need not visit them all.
//!
//! What a layer sees of the ancestors depends on its filters, and never changes; so a lineage belongs to a layer in its registry
//! ([`Place`]). It is stale as soon as one of its spans gets a field recorded late, or the span is gone.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tracing_core::span::Id;

use super::spans::Entries;
use crate::record::Spans;
use crate::sync::lock;

/// What is longer than this is not kept: copying it costs more than finding it.
const MOST_BYTES: usize = 16 << 10;

/// A layer in a registry, where it always sees the same spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u64);

impl Place {
    /// That of a layer which was just put into a registry.
    pub(crate) fn next() -> Self {
        static TAKEN: AtomicU64 = AtomicU64::new(0);
        Self(TAKEN.fetch_add(1, Ordering::Relaxed))
    }
}

/// Counts the fields that were recorded late, apart for so many trees of spans; trees that share a count disturb each other a little.
static LATE: [Late; 64] = [const { Late(AtomicU64::new(0)) }; 64];

/// On a cache line of its own.
#[derive(Debug)]
#[repr(align(64))]
struct Late(AtomicU64);

impl Late {
    /// That of the tree with this root.
    fn of(root: &Id) -> Option<&'static Self> {
        // Fibonacci hashing: the lowest bits of the numbers are much the same.
        LATE.get((root.into_u64().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as usize)
    }
}

/// Makes every lineage below this root stale. A layer says so that sees the same root when it looks up spans.
pub(super) fn forget(root: &Id) {
    if let Some(Late(count)) = Late::of(root) {
        count.fetch_add(1, Ordering::Release);
    }
}

/// Up to which late field spans were read.
#[derive(Clone, Copy, Debug)]
pub(super) struct AsOf {
    late: &'static Late,
    count: u64,
}

impl AsOf {
    /// Taken before the first of the spans below `root` is read.
    pub(super) fn now(root: &Id) -> Option<Self> {
        Late::of(root).map(|late| Self { late, count: late.0.load(Ordering::Acquire) })
    }

    #[inline]
    fn is_now(self) -> bool {
        self.late.0.load(Ordering::Acquire) == self.count
    }
}

impl PartialEq for AsOf {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.late, other.late) && self.count == other.count
    }
}

/// The maps of a span and its ancestors behind each other, root first.
#[derive(Debug)]
pub(super) struct Lineage {
    bytes: Arc<[u8]>,
    count: u32,
    omitted: u32,
    as_of: AsOf,
    /// Whether the span is gone, and its number free for another.
    is_over: AtomicBool,
}

impl Lineage {
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    fn is_fresh(&self) -> bool {
        self.as_of.is_now() && !self.is_over.load(Ordering::Acquire)
    }
}

/// The lineages of one span: layers that see the same share one.
#[derive(Debug, Default)]
pub(super) struct Lineages(Mutex<Vec<(Place, Arc<Lineage>)>>);

impl Lineages {
    /// What is kept for a layer.
    pub(super) fn get(&self, place: Place) -> Option<Arc<Lineage>> {
        let all = lock(&self.0);
        let kept = all.iter().find(|(other, lineage)| *other == place && lineage.is_fresh());
        kept.map(|(_, lineage)| Arc::clone(lineage))
    }

    /// Keeps for a layer what it saw.
    pub(super) fn keep(&self, place: Place, spans: &Entries, omitted: u32, as_of: AsOf) {
        if spans.bytes.len() > MOST_BYTES {
            return;
        }
        let mut all = lock(&self.0);
        all.retain(|(other, lineage)| *other != place && lineage.is_fresh());
        let is_same =
            |lineage: &Lineage| lineage.as_of == as_of && *lineage.bytes == *spans.bytes && lineage.omitted == omitted;
        let shared = all.iter().find(|(_, lineage)| is_same(lineage)).map(|(_, lineage)| Arc::clone(lineage));
        let lineage = shared.unwrap_or_else(|| {
            let (bytes, count) = (Arc::from(spans.bytes.as_slice()), spans.count);
            Arc::new(Lineage { bytes, count, omitted, as_of, is_over: AtomicBool::new(false) })
        });
        all.push((place, lineage));
    }
}

impl Drop for Lineages {
    fn drop(&mut self) {
        for (_, lineage) in lock(&self.0).iter() {
            lineage.is_over.store(true, Ordering::Release);
        }
    }
}

/// The lineage that a thread found last, with the layers that it was found for.
#[derive(Debug)]
pub(super) struct Shown {
    id: Id,
    places: Vec<Place>,
    lineage: Arc<Lineage>,
}

impl Shown {
    /// Whether it is what this layer sees of that span, and short enough.
    #[inline]
    pub(super) fn is_of(&self, id: &Id, place: Option<Place>, left: usize) -> bool {
        let is_place = || place.is_some_and(|place| self.places.contains(&place));
        self.id == *id && is_place() && self.lineage.len() <= left && self.lineage.is_fresh()
    }

    /// Notes what was found.
    pub(super) fn set(shown: &mut Option<Self>, id: &Id, place: Place, lineage: Arc<Lineage>) {
        let mut places = match shown.take() {
            Some(same) if Arc::ptr_eq(&same.lineage, &lineage) => same.places,
            Some(Self { mut places, .. }) => {
                places.clear();
                places
            }
            None => Vec::new(),
        };
        if !places.contains(&place) {
            places.push(place);
        }
        *shown = Some(Self { id: id.clone(), places, lineage });
    }

    /// The spans, and how many of their fields were left out.
    #[inline]
    pub(super) fn spans(&self) -> (Spans<'_>, u32) {
        let Lineage { bytes, count, omitted, .. } = &*self.lineage;
        (Spans { count: *count, bytes, kept: Some(bytes) }, *omitted)
    }
}
