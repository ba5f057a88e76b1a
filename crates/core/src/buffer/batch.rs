//! Records back to back in one piece of memory (pure).
//!
//! Of an event only what differs from others of its call site, its thread and its spans is copied; the call site itself lives as long as
//! the process, and the batch keeps the others once. Records made by hand, and those that came from elsewhere, are encoded whole.

use std::slice;

use super::common::{SharedSpans, Threads};
use super::entry::{Entry, Form, Parts};
use crate::{Level, Record};

/// So many dead records, or bytes of them, more than live ones are worth moving the rest together.
const DEAD_RECORDS: usize = 64;
const DEAD_BYTES: usize = 64 << 10;

/// What an emptied batch may keep for the next records, unless they need it.
const KEPT_BYTES: usize = 4 << 20;

/// Records in one piece of memory that is used again and again.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    threads: Threads,
    spans: SharedSpans,
    live: usize,
    /// What is of each of them alone.
    own_bytes: usize,
    /// What they have in common, counted for each of them.
    shared_bytes: usize,
    /// All entries before this one are dead: their records were moved.
    head: usize,
    /// No record before this one can be evicted: the policy of a queue stays the same.
    evicted_to: usize,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// The bytes that the records take.
    pub fn bytes_len(&self) -> usize {
        self.own_bytes + self.spans.bytes_len()
    }

    /// The bytes that they would take, each for itself: what several have in common is counted for each of them.
    pub fn whole_bytes_len(&self) -> usize {
        self.own_bytes + self.shared_bytes
    }

    /// The records, oldest first.
    pub fn records(&self) -> Records<'_> {
        Records { entries: self.entries.get(self.head..).unwrap_or_default().iter(), batch: self }
    }

    /// Appends a record.
    #[inline]
    pub fn push(&mut self, record: &Record<'_>) {
        self.push_numbered(record, 0);
    }

    pub(super) fn push_numbered(&mut self, record: &Record<'_>, number: u64) {
        if Parts::of(record).is_some_and(|parts| self.push_parts(record, parts, number)) {
            return;
        }
        let start = self.bytes.len();
        record.encode(&mut self.bytes);
        let len = self.bytes.len() - start;
        self.entries.push(Entry { start, number, form: Form::Encoded { len, level: record.level() } });
        self.count(len + size_of::<Entry>(), 0);
    }

    /// Appends a record of these parts; `false` where there is no place for its thread.
    #[inline(always)]
    pub(super) fn push_parts(&mut self, record: &Record<'_>, mut parts: Parts, number: u64) -> bool {
        let start = self.bytes.len();
        let is_written = parts.write(record, &mut self.bytes, &mut self.threads, &mut self.spans);
        if is_written {
            let own = self.bytes.len() - start + size_of::<Entry>();
            self.entries.push(Entry { start, number, form: Form::Parts(parts) });
            self.count(own, record.spans.kept.map_or(0, |kept| kept.len()));
        }
        is_written
    }

    #[inline]
    fn count(&mut self, own: usize, of_shared_spans: usize) {
        self.live += 1;
        self.own_bytes += own;
        self.shared_bytes += of_shared_spans;
    }

    /// Another with memory for as much.
    pub(super) fn empty_of_its_size(&self) -> Self {
        let (bytes, entries) = (self.bytes.len() + self.bytes.len() / 8, self.entries.len());
        Self { bytes: Vec::with_capacity(bytes), entries: Vec::with_capacity(entries), ..Self::default() }
    }

    /// What an entry takes alone, and what its spans would take beside it.
    fn sizes(&self, entry: &Entry) -> (usize, usize) {
        let spans = entry.shared_spans().and_then(|place| self.spans.get(place));
        (entry.len() + size_of::<Entry>(), spans.map_or(0, |spans| spans.len()))
    }

    /// An entry that was live is not any more.
    fn uncount(&mut self, entry: &Entry) {
        let (own, of_spans) = self.sizes(entry);
        if let Some(place) = entry.shared_spans() {
            self.spans.release(place);
        }
        self.live -= 1;
        self.own_bytes -= own;
        self.shared_bytes -= of_spans;
    }

    /// The number of the oldest record.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.entries.iter().skip(self.head).find(|entry| entry.is_live()).map(|entry| entry.number)
    }

    /// Takes the newest record back.
    pub fn pop(&mut self) {
        if let Some(entry) = self.entries.pop() {
            self.bytes.truncate(entry.start);
            if entry.is_live() {
                self.uncount(&entry);
            }
        }
    }

    /// Takes out the oldest record, but for the newest, whose level is meant; `false` where there is none. A batch is always
    /// asked with the same meaning.
    pub fn evict(&mut self, is_meant: impl Fn(Level) -> bool) -> bool {
        self.evict_before(self.entries.len().saturating_sub(1), is_meant)
    }

    /// As [`evict`](Self::evict), the newest among them.
    pub(super) fn evict_any(&mut self, is_meant: impl Fn(Level) -> bool) -> bool {
        self.evict_before(self.entries.len(), is_meant)
    }

    fn evict_before(&mut self, end: usize, is_meant: impl Fn(Level) -> bool) -> bool {
        while self.evicted_to < end {
            let entry = self.entries.get_mut(self.evicted_to).filter(|entry| entry.level().is_some_and(&is_meant));
            self.evicted_to += 1;
            if let Some(entry) = entry {
                let evicted = *entry;
                entry.form = Form::Dead;
                self.uncount(&evicted);
                self.compact();
                return true;
            }
        }
        false
    }

    /// Moves the oldest records behind those of `other`: so many, or so many bytes ([whole](Self::whole_bytes_len)), but one at least.
    pub fn move_oldest(&mut self, other: &mut Self, records: usize, bytes: usize) {
        self.move_within(other, records, bytes, 1);
    }

    /// As [`move_oldest`](Self::move_oldest), but so many at least, whatever their bytes.
    pub(super) fn move_within(&mut self, other: &mut Self, records: usize, bytes: usize, at_least: usize) {
        if other.is_empty() {
            other.threads.make_room_for(&self.threads);
        }
        let (mut moved, mut own_bytes, mut shared_bytes) = (0, 0, 0);
        // Their bytes go in one piece, with those of dead ones between them: it is the lock of a queue that is held meanwhile.
        let (mut piece, base) = (None, other.bytes.len());
        other.entries.reserve(records.min(self.live));
        while let Some(entry) = self.entries.get(self.head).copied() {
            if entry.is_live() {
                let (own, of_spans) = self.sizes(&entry);
                let (begin, _) = piece.unwrap_or((entry.start, 0));
                let whole_bytes = own_bytes + own + shared_bytes + of_spans;
                let is_enough = moved >= records || (moved >= at_least && whole_bytes > bytes);
                if is_enough || !self.hand_over(&entry, base + entry.start - begin, other) {
                    break;
                }
                piece = Some((begin, entry.start + entry.len()));
                (moved, own_bytes, shared_bytes) = (moved + 1, own_bytes + own, shared_bytes + of_spans);
            }
            self.head += 1;
        }
        if let Some(piece) = piece.and_then(|(begin, end)| self.bytes.get(begin..end)) {
            other.bytes.extend_from_slice(piece);
        }
        other.live += moved;
        other.own_bytes += own_bytes;
        other.shared_bytes += shared_bytes;
        self.live -= moved;
        self.own_bytes -= own_bytes;
        self.shared_bytes -= shared_bytes;
        self.evicted_to = self.evicted_to.max(self.head);
        self.compact();
    }

    /// The oldest entry goes to another batch, where its bytes will begin at `start`; `false` where that has no place for its thread.
    #[inline]
    fn hand_over(&mut self, entry: &Entry, start: usize, other: &mut Self) -> bool {
        let mut moved = Entry { start, ..*entry };
        if let Form::Parts(parts) = &mut moved.form
            && !parts.move_places((&self.threads, &mut self.spans), (&mut other.threads, &mut other.spans))
        {
            return false;
        }
        other.entries.push(moved);
        if let Some(place) = self.entries.get_mut(self.head) {
            place.form = Form::Dead;
        }
        true
    }

    /// Forgets everything and keeps the memory, unless it is far more than was needed.
    pub fn clear(&mut self) {
        if self.bytes.capacity() > KEPT_BYTES && self.bytes.len() < self.bytes.capacity() / 8 {
            self.bytes = Vec::with_capacity(self.bytes.len());
        }
        self.bytes.clear();
        self.entries.clear();
        self.threads.clear();
        self.spans.clear();
        (self.live, self.own_bytes, self.shared_bytes, self.head, self.evicted_to) = (0, 0, 0, 0, 0);
    }

    fn compact(&mut self) {
        let dead = self.entries.len() - self.live;
        let dead_bytes = self.bytes.len() + self.entries.len() * size_of::<Entry>() - self.own_bytes;
        if dead <= self.live + DEAD_RECORDS && dead_bytes <= self.own_bytes + DEAD_BYTES {
            return;
        }
        if dead == self.head {
            return self.cut_head();
        }
        let (mut end, mut index, mut before) = (0, 0, 0);
        let (bytes, evicted_to) = (&mut self.bytes, self.evicted_to);
        self.entries.retain_mut(|entry| {
            before += usize::from(index < evicted_to && entry.is_live());
            index += 1;
            if entry.is_live() {
                bytes.copy_within(entry.start..entry.start + entry.len(), end);
                entry.start = end;
                end += entry.len();
            }
            entry.is_live()
        });
        self.bytes.truncate(end);
        (self.head, self.evicted_to) = (0, before);
    }

    /// Moves together where nothing between the live ones is dead.
    fn cut_head(&mut self) {
        let start = self.entries.get(self.head).map_or(self.bytes.len(), |entry| entry.start);
        self.bytes.drain(..start);
        self.entries.drain(..self.head);
        self.entries.iter_mut().for_each(|entry| entry.start -= start);
        (self.head, self.evicted_to) = (0, self.evicted_to.saturating_sub(self.head));
    }
}

/// The records of a [`Batch`], oldest first.
#[derive(Clone, Debug)]
pub struct Records<'b> {
    entries: slice::Iter<'b, Entry>,
    batch: &'b Batch,
}

impl<'b> Iterator for Records<'b> {
    type Item = Record<'b>;

    // Written out, and inlined: each adapter of iterators on the way would copy the record once more.
    #[inline]
    fn next(&mut self) -> Option<Record<'b>> {
        let Batch { bytes, threads, spans, .. } = self.batch;
        loop {
            if let Some(record) = self.entries.next()?.record(bytes, threads, spans) {
                return Some(record);
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.entries.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(batch: &mut Batch, level: Level, message: &str) {
        batch.push(&Record::builder().level(level).message(message).build().as_record());
    }

    fn messages(batch: &Batch) -> Vec<String> {
        batch.records().map(|record| record.message().to_owned()).collect()
    }

    #[test]
    fn the_oldest_goes_first_and_never_the_newest() {
        let mut batch = Batch::new();
        ["one", "two"].iter().for_each(|message| push(&mut batch, Level::INFO, message));
        assert!(batch.evict(|_| true));
        assert_eq!(messages(&batch), ["two"]);
        assert!(!batch.evict(|_| true));
        batch.pop();
        assert_eq!((batch.len(), batch.bytes_len()), (0, 0));
    }

    #[test]
    fn the_oldest_are_moved_within_limits_and_one_at_least() {
        let mut batch = Batch::new();
        ["one", "two", "three", "four"].iter().for_each(|message| push(&mut batch, Level::INFO, message));
        let all = batch.bytes_len();
        let mut moved = Batch::new();
        batch.move_oldest(&mut moved, 2, usize::MAX);
        assert_eq!(
            (messages(&moved), messages(&batch)),
            (vec!["one".into(), "two".into()], vec!["three".into(), "four".into()])
        );
        batch.move_oldest(&mut moved, 9, 1);
        assert_eq!((moved.len(), batch.len(), moved.bytes_len() + batch.bytes_len()), (3, 1, all));
        push(&mut batch, Level::INFO, "five");
        assert!(batch.evict(|_| true));
        assert_eq!(messages(&batch), ["five"]);
    }

    #[test]
    fn only_records_that_are_meant_are_evicted() {
        let mut batch = Batch::new();
        push(&mut batch, Level::ERROR, "kept");
        push(&mut batch, Level::DEBUG, "gone");
        push(&mut batch, Level::ERROR, "newest");
        assert!(batch.evict(|level| level > Level::WARN));
        assert!(!batch.evict(|level| level > Level::WARN));
        assert_eq!(messages(&batch), ["kept", "newest"]);
    }

    #[test]
    fn a_batch_whose_oldest_go_for_ever_stays_small_and_right() {
        let mut batch = Batch::new();
        for index in 0..10_000 {
            let level = if index % 1000 == 0 { Level::ERROR } else { Level::INFO };
            push(&mut batch, level, &format!("record {index}"));
            if batch.len() > 20 {
                assert!(batch.evict(|level| level == Level::INFO));
            }
        }
        assert!(batch.entries.len() < 200, "{} entries", batch.entries.len());
        let kept = messages(&batch);
        assert_eq!(kept[..10], (0..10).map(|index| format!("record {}", index * 1000)).collect::<Vec<_>>());
        assert_eq!(kept[10..], (9990..10_000).map(|index| format!("record {index}")).collect::<Vec<_>>());
    }
}
