//! What records of a batch have in common and is kept once: the threads that raised them, and their spans (pure).

use std::sync::Arc;

/// So many threads a batch knows apart.
const MOST_THREADS: usize = 255;

/// An emptied batch forgets its threads when they are more than this: some may be long gone.
const KEPT_THREADS: usize = 64;

/// Spans that are this far back in the list are not searched for.
const SEARCHED: usize = 8;

/// A thread, by its number in its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ThreadKey {
    pub(super) id: u64,
    pub(super) process_id: u32,
}

/// The threads that raised the records of a batch.
#[derive(Debug, Default)]
pub(super) struct Threads {
    all: Vec<(ThreadKey, Option<Box<str>>)>,
    /// The one that was found last, and its place.
    last: Option<(ThreadKey, u8)>,
}

impl Threads {
    /// The place of a thread, which is new or not; nothing where there are too many.
    #[inline(always)]
    pub(super) fn place(&mut self, id: u64, process_id: u32, name: Option<&str>) -> Option<u8> {
        match self.last {
            Some((last, place)) if last.id == id && last.process_id == process_id => Some(place),
            _ => self.search(ThreadKey { id, process_id }, name),
        }
    }

    #[cold]
    fn search(&mut self, key: ThreadKey, name: Option<&str>) -> Option<u8> {
        let found = self.all.iter().position(|(other, _)| *other == key);
        let place = found.unwrap_or(self.all.len());
        if place >= MOST_THREADS {
            return None;
        }
        if found.is_none() {
            self.all.push((key, name.map(Box::from)));
        }
        let place = u8::try_from(place).ok()?;
        self.last = Some((key, place));
        Some(place)
    }

    /// The thread at this place.
    #[inline]
    pub(super) fn get(&self, place: u8) -> Option<(ThreadKey, Option<&str>)> {
        self.all.get(usize::from(place)).map(|(key, name)| (*key, name.as_deref()))
    }

    /// No record is left.
    pub(super) fn clear(&mut self) {
        if self.all.len() > KEPT_THREADS {
            *self = Self::default();
        }
    }

    /// No record is left, and all these threads need a place.
    pub(super) fn make_room_for(&mut self, others: &Self) {
        if self.all.len() + others.all.len() > MOST_THREADS {
            *self = Self::default();
        }
    }
}

/// Spans that records of a batch were raised in, encoded.
#[derive(Debug, Default)]
pub(super) struct SharedSpans {
    all: Vec<Shared>,
    /// Places whose spans nobody has any more.
    free: Vec<u32>,
    /// The one that was found last.
    last: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Shared {
    /// Nothing in a free place.
    spans: Option<Arc<[u8]>>,
    /// How many records have them.
    records: usize,
}

impl SharedSpans {
    /// What they take all together.
    #[inline]
    pub(super) fn bytes_len(&self) -> usize {
        self.bytes
    }

    /// Notes that one more record has these, and gives their place.
    #[inline(always)]
    pub(super) fn share(&mut self, spans: &Arc<[u8]>) -> u32 {
        match self.all.get_mut(self.last) {
            Some(Shared { spans: Some(last), records }) if Arc::ptr_eq(last, spans) => {
                *records += 1;
                self.last as u32
            }
            _ => self.search(spans),
        }
    }

    #[cold]
    fn search(&mut self, spans: &Arc<[u8]>) -> u32 {
        let is_same = |shared: &Shared| shared.spans.as_ref().is_some_and(|other| Arc::ptr_eq(other, spans));
        let from = self.all.len().saturating_sub(SEARCHED);
        let found = self.all.iter().skip(from).position(is_same).map(|found| from + found);
        self.last = found.unwrap_or_else(|| self.free.pop().map_or(self.all.len(), |free| free as usize));
        match self.all.get_mut(self.last) {
            Some(shared) if found.is_some() => shared.records += 1,
            place => {
                let new = Shared { spans: Some(Arc::clone(spans)), records: 1 };
                self.bytes += spans.len();
                match place {
                    Some(free) => *free = new,
                    None => self.all.push(new),
                }
            }
        }
        self.last as u32
    }

    /// The spans at this place.
    #[inline]
    pub(super) fn get(&self, place: u32) -> Option<&Arc<[u8]>> {
        self.all.get(place as usize)?.spans.as_ref()
    }

    /// Notes that one record less has those at this place.
    pub(super) fn release(&mut self, place: u32) {
        let Some(shared) = self.all.get_mut(place as usize) else { return };
        shared.records = shared.records.saturating_sub(1);
        if shared.records == 0
            && let Some(spans) = shared.spans.take()
        {
            self.bytes -= spans.len();
            self.free.push(place);
        }
    }

    /// No record is left.
    pub(super) fn clear(&mut self) {
        self.all.clear();
        self.free.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(id: u64) -> ThreadKey {
        ThreadKey { id, process_id: 7 }
    }

    #[test]
    fn a_thread_has_one_place_and_one_name() {
        let mut threads = Threads::default();
        let mut place = |id, name| threads.place(id, 7, name);
        assert_eq!(
            [place(1, Some("main")), place(2, None), place(1, Some("main")), place(2, None)].map(Option::unwrap),
            [0, 1, 0, 1]
        );
        assert_eq!(threads.get(0), Some((thread(1), Some("main"))));
        assert_eq!(threads.place(1, 8, None), Some(2), "the same number in another process");
    }

    #[test]
    fn beyond_so_many_threads_there_is_no_place_until_all_are_forgotten() {
        let mut threads = Threads::default();
        let places: Vec<_> = (0..300).map(|id| threads.place(id, 7, None)).collect();
        assert_eq!(places.iter().flatten().count(), MOST_THREADS);
        assert_eq!(threads.place(3, 7, None), Some(3), "who has one keeps it");
        threads.clear();
        assert_eq!(
            [3, 299].map(|id| threads.place(id, 7, None)),
            [Some(0), Some(1)],
            "the one that came last is forgotten too"
        );
        threads.clear();
        assert_eq!(threads.place(298, 7, None), Some(2), "a few are kept");
    }

    #[test]
    fn spans_are_kept_once_as_long_as_a_record_has_them() {
        let mut shared = SharedSpans::default();
        let [first, second]: [Arc<[u8]>; 2] = [b"12345".as_slice().into(), b"123".as_slice().into()];
        assert_eq!([shared.share(&first), shared.share(&second), shared.share(&first)], [0, 1, 0]);
        assert_eq!(shared.bytes_len(), 8);
        let after = |shared: &mut SharedSpans, place| {
            shared.release(place);
            shared.bytes_len()
        };
        assert_eq!([0, 0, 1].map(|place| after(&mut shared, place)), [8, 3, 0]);
        assert!(shared.get(0).is_none());
        for _ in 0..1_000 {
            let place = shared.share(&Arc::from(b"1".as_slice()));
            assert_eq!((shared.bytes_len(), after(&mut shared, place)), (1, 0));
        }
        assert_eq!(shared.all.len(), 2, "places are used again");
        assert_eq!(Arc::strong_count(&first), 1);
    }
}
