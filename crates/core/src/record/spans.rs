//! The spans of a record, read where they stand.

use std::fmt;
use std::sync::Arc;

use super::encode::key;
use super::read::Reader;
use super::{Fields, Value};

/// Spans from root to leaf.
#[derive(Clone, Copy)]
pub struct Spans<'a> {
    pub(crate) count: u32,
    pub(crate) bytes: &'a [u8],
    /// The same bytes where others can have them without a copy.
    pub(crate) kept: Option<&'a Arc<[u8]>>,
}

impl<'a> Spans<'a> {
    pub(crate) const EMPTY: Self = Self { count: 0, bytes: &[], kept: None };

    pub(super) fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let count = reader.array_len()?;
        let start = reader.rest();
        for _ in 0..count {
            reader.skip()?;
        }
        start.get(..start.len() - reader.rest().len()).map(|bytes| Self { count, bytes, kept: None })
    }

    pub(super) fn is_valid(mut self) -> bool {
        let count = self.count as usize;
        self.by_ref().filter(|span| span.fields.is_valid()).count() == count && self.bytes.is_empty()
    }

    /// Calls `each` with the spans, their text as it stands, up to where the bytes make no sense.
    pub(crate) fn for_each_raw(self, mut each: impl FnMut(RawSpan<'a>)) {
        let mut reader = Reader::new(self.bytes);
        for _ in 0..self.count {
            let Some(span) = RawSpan::read(&mut reader) else { return };
            each(span);
        }
    }

    /// As [`for_each_raw`](Self::for_each_raw), in one pass: `each` gets the name of a span and its fields, and gives what stands
    /// behind these, as [`Fields::for_each_raw`] does.
    pub(crate) fn for_each_name(self, mut each: impl FnMut(&'a [u8], Fields<'a>) -> &'a [u8]) {
        let mut reader = Reader::new(self.bytes);
        for _ in 0..self.count {
            let mut ahead = reader;
            if let Some((name, _, count)) = RawSpan::head_as_written(&mut ahead) {
                reader = Reader::new(each(name, Fields::encoded(count, ahead.rest())));
            } else {
                let Some(span) = RawSpan::read(&mut reader) else { return };
                each(span.name, span.fields);
            }
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The innermost span.
    pub fn leaf(self) -> Option<SpanRecord<'a>> {
        self.last()
    }
}

impl<'a> Iterator for Spans<'a> {
    type Item = SpanRecord<'a>;

    fn next(&mut self) -> Option<SpanRecord<'a>> {
        self.count = self.count.checked_sub(1)?;
        let mut reader = Reader::new(self.bytes);
        let span = SpanRecord::read(&mut reader);
        self.bytes = if span.is_some() { reader.rest() } else { &[] };
        span
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.count as usize))
    }
}

impl fmt::Debug for Spans<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

/// One span that a record was raised in.
#[derive(Clone, Copy, Debug)]
pub struct SpanRecord<'a> {
    name: &'a str,
    target: &'a str,
    fields: Fields<'a>,
}

impl<'a> SpanRecord<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let RawSpan { name, target, fields } = RawSpan::read(reader)?;
        let (name, target) = (std::str::from_utf8(name).ok()?, std::str::from_utf8(target).ok()?);
        Some(Self { name, target, fields })
    }

    /// The span's name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The span's target.
    pub fn target(&self) -> &'a str {
        self.target
    }

    /// The span's fields, late ones included.
    pub fn fields(&self) -> Fields<'a> {
        self.fields
    }

    /// The span's field of that name.
    pub fn field(&self, name: &str) -> Option<Value<'a>> {
        self.fields.find(name)
    }
}

/// A span for formats, its text not checked to be UTF-8.
pub(crate) struct RawSpan<'a> {
    pub(crate) name: &'a [u8],
    target: &'a [u8],
    pub(crate) fields: Fields<'a>,
}

impl<'a> RawSpan<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let mut ahead = *reader;
        if let Some(span) = Self::read_as_written(&mut ahead) {
            *reader = ahead;
            return Some(span);
        }
        let mut span = Self { name: b"", target: b"", fields: Fields::EMPTY };
        for _ in 0..reader.map_len()? {
            match reader.str()? {
                key::NAME => span.name = reader.str_bytes()?,
                key::TARGET => span.target = reader.str_bytes()?,
                key::FIELDS => span.fields = Fields::read(reader)?,
                _ => reader.skip()?,
            }
        }
        Some(span)
    }

    #[inline]
    fn read_as_written(reader: &mut Reader<'a>) -> Option<Self> {
        let (name, target, count) = Self::head_as_written(reader)?;
        Some(Self { name, target, fields: Fields::read_counted(reader, count)? })
    }

    /// The map as our encoder writes it, up to the first field, without a look at each key: three in this order. Gives name,
    /// target and the number of fields.
    #[inline]
    fn head_as_written(reader: &mut Reader<'a>) -> Option<(&'a [u8], &'a [u8], u32)> {
        reader.expect(b"\x83\xa4name")?;
        let name = reader.str_bytes()?;
        reader.expect(b"\xa6target")?;
        let target = reader.str_bytes()?;
        reader.expect(b"\xa6fields")?;
        Some((name, target, reader.map_len()?))
    }
}
