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
    /// So many entries are of records that are not there any more, with so many bytes of theirs: a push, which is far more frequent, counts
    /// nothing.
    dead: usize,
    dead_bytes: usize,
    /// What the others have in common, counted for each of them.
    shared_bytes: usize,
    /// All entries before this one are dead: their records were moved.
    head: usize,
    /// No record before this one can be evicted: the policy of a queue stays the same.
    evicted_to: usize,
}

/// Up to so many entries, and bytes behind each other, a batch may be filled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    entries: usize,
    bytes: usize,
}

impl Room {
    pub(super) const NONE: Self = Self { entries: 0, bytes: 0 };
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.entries.len() - self.dead
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that the records take.
    pub fn bytes_len(&self) -> usize {
        self.own_bytes() + self.spans.bytes_len()
    }

    /// The bytes that they would take, each for itself: what several have in common is counted for each of them.
    pub fn whole_bytes_len(&self) -> usize {
        self.own_bytes() + self.shared_bytes
    }

    /// What is of each of them alone.
    fn own_bytes(&self) -> usize {
        self.all_bytes() - self.dead_bytes
    }

    /// What spans take that several have in common.
    #[inline(always)]
    pub(super) fn shared_bytes_len(&self) -> usize {
        self.spans.bytes_len()
    }

    fn all_bytes(&self) -> usize {
        self.bytes.len() + self.entries.len() * size_of::<Entry>()
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
    }

    /// Appends a record of these parts; `false` where there is no place for its thread.
    #[inline(always)]
    pub(super) fn push_parts(&mut self, record: &Record<'_>, mut parts: Parts, number: u64) -> bool {
        let start = self.bytes.len();
        let is_written = parts.write(record, &mut self.bytes, &mut self.threads, &mut self.spans);
        if is_written {
            self.entries.push(Entry { start, number, form: Form::Parts(parts) });
            if let Some(kept) = record.spans.kept {
                self.shared_bytes += kept.len();
            }
        }
        is_written
    }

    /// Whether one more record with so many bytes may come.
    #[inline(always)]
    pub(super) fn has_room(&self, room: Room, bytes: usize) -> bool {
        self.entries.len() < room.entries && self.bytes.len() + bytes < room.bytes
    }

    /// Room for records until there are so many, with so many bytes. It is no more than that, and less where there is not much left.
    pub(super) fn room(&self, records: usize, bytes: usize) -> Room {
        let (left, bytes_left) = (records.saturating_sub(self.len()), bytes.saturating_sub(self.bytes_len()));
        let entries = left.min(bytes_left / 2 / size_of::<Entry>());
        Room {
            entries: self.entries.len() + entries,
            bytes: self.bytes.len() + bytes_left.saturating_sub(entries * size_of::<Entry>()),
        }
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
        self.dead += 1;
        self.dead_bytes += own;
        self.shared_bytes -= of_spans;
    }

    /// The number of the oldest record.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.entries.iter().skip(self.head).find(|entry| entry.is_live()).map(|entry| entry.number)
    }

    /// Takes the newest record back.
    pub fn pop(&mut self) {
        let Some(entry) = self.entries.last().copied() else { return };
        if entry.is_live() {
            self.uncount(&entry);
        }
        self.dead -= 1;
        self.dead_bytes -= self.bytes.len() - entry.start + size_of::<Entry>();
        self.bytes.truncate(entry.start);
        self.entries.pop();
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
        other.entries.reserve(records.min(self.len()));
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
            other.dead_bytes += piece.len() + moved * size_of::<Entry>() - own_bytes;
        }
        other.shared_bytes += shared_bytes;
        self.dead += moved;
        self.dead_bytes += own_bytes;
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
        (self.dead, self.dead_bytes, self.shared_bytes, self.head, self.evicted_to) = (0, 0, 0, 0, 0);
    }

    fn compact(&mut self) {
        let own_bytes = self.own_bytes();
        if self.dead <= self.len() + DEAD_RECORDS && self.dead_bytes <= own_bytes + DEAD_BYTES {
            return;
        }
        match self.dead == self.head {
            true => self.cut_head(),
            false => self.move_together(),
        }
        (self.dead, self.dead_bytes) = (0, self.all_bytes() - own_bytes);
    }

    fn move_together(&mut self) {
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

    /// What of the bytes nobody has is not counted, wherever it comes from: evicted records, moved ones, and pieces that were moved with
    /// what lay between.
    #[test]
    fn the_bytes_are_those_of_the_records_that_are_left() {
        let fresh = |batch: &Batch| {
            let mut fresh = Batch::new();
            batch.records().for_each(|record| fresh.push(&record));
            fresh.bytes_len()
        };
        let [mut first, mut second, mut third] = [(); 3].map(|()| Batch::new());
        for number in 0..400 {
            push(&mut first, if number % 4 == 0 { Level::DEBUG } else { Level::INFO }, &"x".repeat(number));
        }
        (0..100).for_each(|_| assert!(first.evict(|level| level == Level::DEBUG)));
        first.move_oldest(&mut second, 250, usize::MAX);
        for _ in 0..4 {
            second.move_oldest(&mut third, 50, usize::MAX);
            for (batch, name) in [(&first, "first"), (&second, "second"), (&third, "third")] {
                assert_eq!(batch.bytes_len(), fresh(batch), "{name}");
            }
        }
        assert_eq!([&first, &second, &third].map(Batch::len), [50, 50, 200]);
        second.pop();
        assert_eq!(second.bytes_len(), fresh(&second));
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
