//! The names and values of an event or a span, read where they stand.

use std::fmt;

use tracing_core::field::FieldSet;

use super::Value;
use super::read::{RawValue, Reader};
use super::slots::{self, Slots};

/// Names and values in the order in which they were recorded.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    pub(crate) count: u32,
    pub(crate) bytes: &'a [u8],
    /// The fields of their call site, if they stand there as [slots](super::slots), not as MessagePack.
    pub(crate) names: Option<&'static FieldSet>,
}

impl<'a> Fields<'a> {
    pub(crate) const EMPTY: Self = Self::encoded(0, &[]);

    /// So many names and values, as MessagePack.
    pub(crate) const fn encoded(count: u32, bytes: &'a [u8]) -> Self {
        Self { count, bytes, names: None }
    }

    pub(super) fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let count = reader.map_len()?;
        Self::read_counted(reader, count)
    }

    pub(super) fn read_counted(reader: &mut Reader<'a>, count: u32) -> Option<Self> {
        let start = reader.rest();
        for _ in 0..count {
            reader.str_bytes()?;
            reader.skip()?;
        }
        start.get(..start.len() - reader.rest().len()).map(|bytes| Self::encoded(count, bytes))
    }

    pub(super) fn is_valid(mut self) -> bool {
        let count = self.count as usize;
        self.by_ref().count() == count && self.bytes.is_empty()
    }

    /// Calls `each` with the names and values, their text as it stands, up to where the bytes make no sense. Gives what stands
    /// behind them.
    #[inline]
    pub(crate) fn for_each_raw(self, mut each: impl FnMut(&'a [u8], RawValue<'a>)) -> &'a [u8] {
        let (mut slots, mut reader) = (Slots { rest: self.bytes }, Reader::new(self.bytes));
        for _ in 0..self.count {
            let entry = match self.names {
                Some(names) => slots.next_field().map(|slot| (slots::name(names, slot.field).as_bytes(), slot.raw_value())),
                None => reader.str_bytes().and_then(|name| Some((name, reader.raw_value()?))),
            };
            let Some((name, value)) = entry else { break };
            each(name, value);
        }
        if self.names.is_some() { slots.rest } else { reader.rest() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The value of that name.
    pub fn find(mut self, name: &str) -> Option<Value<'a>> {
        self.find_map(|(key, value)| (key == name).then_some(value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.count = self.count.checked_sub(1)?;
        let (entry, rest) = match self.names {
            None => {
                let mut reader = Reader::new(self.bytes);
                (reader.str().zip(reader.value()), reader.rest())
            }
            Some(names) => {
                let mut slots = Slots { rest: self.bytes };
                let slot = slots.next_field();
                (slot.and_then(|slot| Some((slots::name(names, slot.field), slot.raw_value().value()?))), slots.rest)
            }
        };
        self.bytes = if entry.is_some() { rest } else { &[] };
        entry
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.count as usize))
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(*self).finish()
    }
}
