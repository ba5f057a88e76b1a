//! One record of a batch: of an event only what differs from others is in its bytes (pure).

use super::common::{SharedSpans, ThreadKey, Threads};
use crate::record::{CallSite, Fields, Head, Message, Site, Spans};
use crate::{Level, Record, Timestamp};

/// A record of a batch: less than a cache line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) start: usize,
    /// That of a queue: which of all that it accepted this is.
    pub(super) number: u64,
    pub(super) form: Form,
}

/// What the bytes of an entry are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// The whole record, of this length and level.
    Encoded { len: usize, level: Level },
    /// What differs from event to event, one behind the other: message and fields as they were captured, and spans unless those are
    /// shared. The call site, and what records of a batch have in common, stand for the rest.
    Parts(Parts),
    /// It was evicted or moved.
    Dead,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    site: &'static CallSite,
    time: Timestamp,
    /// The place of the message among the fields.
    message: u32,
    fields_len: u32,
    /// Their length, or their place.
    spans: u32,
    spans_count: u16,
    fields_count: u16,
    omitted: u16,
    thread: u8,
    are_spans_shared: bool,
}

impl Parts {
    /// What can be told of `record` before it is [written](Self::write), if it is of a call site and within what can be told.
    #[inline(always)]
    pub(super) fn of(record: &Record<'_>) -> Option<Self> {
        let Record { head, message, fields, spans, omitted } = record;
        let (Site::Code(site), Message::Slot(message)) = (head.site, *message) else { return None };
        let own_spans = if spans.kept.is_some() { 0 } else { spans.bytes.len() };
        let is_many = (fields.count | spans.count | *omitted) > u32::from(u16::MAX);
        let is_long = fields.bytes.len() + own_spans >= u32::MAX as usize;
        (!is_many && !is_long).then(|| Self {
            site,
            time: head.time,
            message,
            fields_len: fields.bytes.len() as u32,
            spans: own_spans as u32,
            spans_count: spans.count as u16,
            fields_count: fields.count as u16,
            omitted: *omitted as u16,
            thread: 0,
            are_spans_shared: spans.kept.is_some(),
        })
    }

    /// The most that those of `record` add to the bytes of a batch.
    #[inline]
    pub(super) fn most_bytes(record: &Record<'_>) -> usize {
        record.fields.bytes.len() + record.spans.bytes.len()
    }

    /// Appends the bytes of `record`, of which it is; `false`, and nothing is appended, where there is no place for its thread.
    #[inline(always)]
    pub(super) fn write(
        &mut self,
        record: &Record<'_>,
        out: &mut Vec<u8>,
        threads: &mut Threads,
        shared: &mut SharedSpans,
    ) -> bool {
        let Record { head, fields, spans, .. } = record;
        let Some(id) = head.thread_id else { return false };
        let Some(thread) = threads.place(id, head.process_id, head.thread_name) else { return false };
        self.thread = thread;
        out.extend_from_slice(fields.bytes);
        match spans.kept {
            Some(kept) => self.spans = shared.share(kept),
            None if spans.bytes.is_empty() => {}
            None => out.extend_from_slice(spans.bytes),
        }
        true
    }

    /// Gives it places in another batch for what it has in common with others there; `false` where that has none for its thread.
    #[inline]
    pub(super) fn move_places(
        &mut self,
        (threads, spans): (&Threads, &mut SharedSpans),
        (other_threads, other_spans): (&mut Threads, &mut SharedSpans),
    ) -> bool {
        let Some((ThreadKey { id, process_id }, name)) = threads.get(self.thread) else { return false };
        let Some(thread) = other_threads.place(id, process_id, name) else { return false };
        self.thread = thread;
        if self.are_spans_shared
            && let Some(shared) = spans.get(self.spans)
        {
            let place = other_spans.share(shared);
            spans.release(self.spans);
            self.spans = place;
        }
        true
    }

    fn len(&self) -> usize {
        let own_spans = if self.are_spans_shared { 0 } else { self.spans as usize };
        self.fields_len as usize + own_spans
    }

    /// The record that was written into these bytes; nothing here fails for those.
    #[inline]
    fn read<'b>(self, bytes: &'b [u8], threads: &'b Threads, shared: &'b SharedSpans) -> Option<Record<'b>> {
        let (fields, own_spans) = bytes.split_at_checked(self.fields_len as usize)?;
        let fields = Fields { count: u32::from(self.fields_count), bytes: fields, names: Some(self.site.fields()) };
        let kept = if self.are_spans_shared { Some(shared.get(self.spans)?) } else { None };
        let (ThreadKey { id, process_id }, thread_name) = threads.get(self.thread)?;
        Some(Record {
            head: Head { time: self.time, site: Site::Code(self.site), thread_id: Some(id), thread_name, process_id },
            message: Message::Slot(self.message),
            fields,
            spans: Spans { count: u32::from(self.spans_count), bytes: kept.map_or(own_spans, |kept| kept), kept },
            omitted: u32::from(self.omitted),
        })
    }
}

impl Entry {
    pub(super) fn is_live(&self) -> bool {
        !matches!(self.form, Form::Dead)
    }

    pub(super) fn level(&self) -> Option<Level> {
        match self.form {
            Form::Encoded { level, .. } => Some(level),
            Form::Parts(parts) => Some(*parts.site.level()),
            Form::Dead => None,
        }
    }

    /// How many bytes are its own.
    pub(super) fn len(&self) -> usize {
        match self.form {
            Form::Encoded { len, .. } => len,
            Form::Parts(parts) => parts.len(),
            Form::Dead => 0,
        }
    }

    /// Where its spans are, if others may have the same.
    pub(super) fn shared_spans(&self) -> Option<u32> {
        match self.form {
            Form::Parts(parts) => Some(parts.spans).filter(|_| parts.are_spans_shared),
            Form::Encoded { .. } | Form::Dead => None,
        }
    }

    #[inline]
    pub(super) fn record<'b>(&self, bytes: &'b [u8], threads: &'b Threads, shared: &'b SharedSpans) -> Option<Record<'b>> {
        let bytes = bytes.get(self.start..self.start.saturating_add(self.len()))?;
        match self.form {
            Form::Encoded { .. } => Some(Record::from_encoded(bytes)),
            Form::Parts(parts) => parts.read(bytes, threads, shared),
            Form::Dead => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_entry_is_less_than_a_cache_line() {
        assert_eq!(size_of::<super::Entry>(), 56);
    }
}
