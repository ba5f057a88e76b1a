//! Records back to back in one piece of memory (pure).
//!
//! Of an event only what differs from others of its call site is copied; the call site itself lives as long as the process. Records
//! made by hand, and those that came from elsewhere, are encoded whole.

use std::num::NonZeroU64;

use crate::clock::Reading;
use crate::record::{CallSite, Fields, Head, Site, Spans};
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
    live: usize,
    live_bytes: usize,
    /// All entries before this one are dead: their records were moved.
    head: usize,
    /// No record before this one can be evicted: the policy of a queue stays the same.
    evicted_to: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    start: usize,
    len: usize,
    /// That of a queue: which of all that it accepted this is.
    number: u64,
    form: Form,
    is_live: bool,
}

/// What the bytes of an entry are.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// The whole record, of this level.
    Encoded(Level),
    /// What differs from event to event, one behind the other: thread name, message, fields, spans. The call site stands for the rest.
    Parts(Parts),
}

#[derive(Clone, Copy, Debug)]
struct Parts {
    site: &'static CallSite,
    time: Reading,
    thread_id: Option<NonZeroU64>,
    process_id: u32,
    /// [`u32::MAX`] for a thread without a name.
    thread_name_len: u32,
    message_len: u32,
    fields_len: u32,
    fields: u32,
    spans: u32,
    omitted: u32,
}

impl Parts {
    /// Appends `record` part by part, if it is short and of a call site.
    #[inline]
    fn write(record: &Record<'_>, out: &mut Vec<u8>) -> Option<Self> {
        let Record { head, message, fields, spans, omitted } = record;
        let Site::Code(site) = head.site else { return None };
        let name = head.thread_name.unwrap_or("");
        let len = name.len() + message.len() + fields.bytes.len() + spans.bytes.len();
        if len >= u32::MAX as usize || head.thread_id == Some(0) {
            return None;
        }
        out.reserve(len);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(message.as_bytes());
        out.extend_from_slice(fields.bytes);
        out.extend_from_slice(spans.bytes);
        Some(Self {
            site,
            time: head.time,
            thread_id: head.thread_id.and_then(NonZeroU64::new),
            process_id: head.process_id,
            thread_name_len: head.thread_name.map_or(u32::MAX, |name| name.len() as u32),
            message_len: message.len() as u32,
            fields_len: fields.bytes.len() as u32,
            fields: fields.count,
            spans: spans.count,
            omitted: *omitted,
        })
    }

    /// The record that was written into these bytes; nothing here fails for those.
    #[inline]
    fn read(self, bytes: &[u8]) -> Option<Record<'_>> {
        let name_len = Some(self.thread_name_len).filter(|len| *len < u32::MAX);
        let (thread_name, rest) = bytes.split_at_checked(name_len.unwrap_or(0) as usize)?;
        let (message, rest) = rest.split_at_checked(self.message_len as usize)?;
        let (fields, spans) = rest.split_at_checked(self.fields_len as usize)?;
        let thread_name = std::str::from_utf8(thread_name).ok()?;
        let head = Head {
            // Told here, it is asked for many times and reckoned once.
            time: Reading::Told(self.time.timestamp()),
            site: Site::Code(self.site),
            thread_id: self.thread_id.map(NonZeroU64::get),
            thread_name: name_len.map(|_| thread_name),
            process_id: self.process_id,
        };
        Some(Record {
            head,
            message: std::str::from_utf8(message).ok()?,
            fields: Fields { count: self.fields, bytes: fields },
            spans: Spans { count: self.spans, bytes: spans },
            omitted: self.omitted,
        })
    }
}

impl Entry {
    fn level(&self) -> Level {
        match self.form {
            Form::Encoded(level) => level,
            Form::Parts(parts) => *parts.site.level(),
        }
    }

    /// What it holds of a queue's bytes: its own are many of those of a short record.
    #[inline]
    fn weight(&self) -> usize {
        self.len + size_of::<Self>()
    }

    #[inline]
    fn record<'b>(&self, bytes: &'b [u8]) -> Option<Record<'b>> {
        let bytes = bytes.get(self.start..self.start.saturating_add(self.len))?;
        match self.form {
            Form::Encoded(_) => Some(Record::from_encoded(bytes)),
            Form::Parts(parts) => parts.read(bytes),
        }
    }
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
        self.live_bytes
    }

    /// The records, oldest first.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let live = self.entries.iter().skip(self.head).filter(|entry| entry.is_live);
        live.filter_map(|entry| entry.record(&self.bytes))
    }

    /// Appends a record.
    #[inline]
    pub fn push(&mut self, record: &Record<'_>) {
        self.push_numbered(record, 0);
    }

    #[inline]
    pub(super) fn push_numbered(&mut self, record: &Record<'_>, number: u64) {
        let start = self.bytes.len();
        let form = match Parts::write(record, &mut self.bytes) {
            Some(parts) => Form::Parts(parts),
            None => self.encode(*record),
        };
        let entry = Entry { start, len: self.bytes.len() - start, number, form, is_live: true };
        self.live += 1;
        self.live_bytes += entry.weight();
        self.entries.push(entry);
    }

    /// By value: a record whose address nobody takes stays in registers on the way of most.
    #[cold]
    fn encode(&mut self, record: Record<'_>) -> Form {
        record.encode(&mut self.bytes);
        Form::Encoded(record.level())
    }

    /// The number of the oldest record.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.entries.iter().skip(self.head).find(|entry| entry.is_live).map(|entry| entry.number)
    }

    /// Takes the newest record back.
    pub fn pop(&mut self) {
        if let Some(entry) = self.entries.pop() {
            self.bytes.truncate(entry.start);
            if entry.is_live {
                self.live -= 1;
                self.live_bytes -= entry.weight();
            }
        }
    }

    /// Takes out the oldest record, but for the newest, whose level is meant; `false` where there is none. A batch is always
    /// asked with the same meaning.
    pub fn evict(&mut self, is_meant: impl Fn(Level) -> bool) -> bool {
        let newest = self.entries.len().saturating_sub(1);
        while self.evicted_to < newest {
            let entry = self.entries.get_mut(self.evicted_to).filter(|entry| entry.is_live && is_meant(entry.level()));
            self.evicted_to += 1;
            if let Some(entry) = entry {
                entry.is_live = false;
                self.live -= 1;
                self.live_bytes -= entry.weight();
                self.compact();
                return true;
            }
        }
        false
    }

    /// Moves the oldest records behind those of `other`: so many, or so many bytes, but one at least.
    pub fn move_oldest(&mut self, other: &mut Self, records: usize, bytes: usize) {
        let (mut moved, mut moved_bytes) = (0, 0);
        // Their bytes go in one piece, with those of dead ones between them: it is the lock of a queue that is held meanwhile.
        let (mut piece, base) = (None, other.bytes.len());
        other.entries.reserve(records.min(self.live));
        for entry in self.entries.iter_mut().skip(self.head) {
            if entry.is_live {
                let weight = entry.weight();
                if moved >= records || (moved > 0 && moved_bytes + weight > bytes) {
                    break;
                }
                let (begin, _) = piece.unwrap_or((entry.start, 0));
                piece = Some((begin, entry.start + entry.len));
                other.entries.push(Entry { start: base + entry.start - begin, ..*entry });
                entry.is_live = false;
                (moved, moved_bytes) = (moved + 1, moved_bytes + weight);
            }
            self.head += 1;
        }
        if let Some(piece) = piece.and_then(|(begin, end)| self.bytes.get(begin..end)) {
            other.bytes.extend_from_slice(piece);
        }
        other.live += moved;
        other.live_bytes += moved_bytes;
        self.live -= moved;
        self.live_bytes -= moved_bytes;
        self.evicted_to = self.evicted_to.max(self.head);
        self.compact();
    }

    /// Forgets everything and keeps the memory, unless it is far more than was needed.
    pub fn clear(&mut self) {
        if self.bytes.capacity() > KEPT_BYTES && self.bytes.len() < self.bytes.capacity() / 8 {
            self.bytes = Vec::with_capacity(self.bytes.len());
        }
        self.bytes.clear();
        self.entries.clear();
        (self.live, self.live_bytes, self.head, self.evicted_to) = (0, 0, 0, 0);
    }

    fn compact(&mut self) {
        let dead = self.entries.len() - self.live;
        let dead_bytes = self.bytes.len() + self.entries.len() * size_of::<Entry>() - self.live_bytes;
        if dead <= self.live + DEAD_RECORDS && dead_bytes <= self.live_bytes + DEAD_BYTES {
            return;
        }
        if dead == self.head {
            return self.cut_head();
        }
        let (mut end, mut index, mut before) = (0, 0, 0);
        let (bytes, evicted_to) = (&mut self.bytes, self.evicted_to);
        self.entries.retain_mut(|entry| {
            before += usize::from(index < evicted_to && entry.is_live);
            index += 1;
            if entry.is_live {
                bytes.copy_within(entry.start..entry.start + entry.len, end);
                entry.start = end;
                end += entry.len;
            }
            entry.is_live
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
