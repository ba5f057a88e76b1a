//! Values of an event as it was captured: a slot of 16 bytes each, behind it the text of the value, if it has one (pure).
//!
//! Inside the process a record is written far more often than it is read, by a caller who waits; so nothing is encoded here, and a
//! name is the number of its field at the call site. MessagePack is made of it where bytes leave the process.

use tracing_core::field::FieldSet;

use super::Value;
use super::read::{Other, RawValue, Reader};

/// What a slot holds. In its lowest byte; above that the number of the field, the length of the text behind the slot, and in the
/// upper half the value itself, where it has no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// The text of the event, which is no field.
    Message,
    Bool,
    I64,
    U64,
    F64,
    Str,
    /// The text of a `Debug` or `Display`.
    Debug,
    Bytes,
    /// A value as MessagePack.
    Encoded,
}

impl Kind {
    const ALL: [Self; 9] =
        [Self::Message, Self::Bool, Self::I64, Self::U64, Self::F64, Self::Str, Self::Debug, Self::Bytes, Self::Encoded];
}

/// Neither a text nor all others together are longer: lengths and places have 32 bits.
pub(crate) const MOST_TEXT: usize = 1 << 30;

pub(crate) const SLOT: usize = size_of::<u128>();
const LEN: u32 = 32;
const BITS: u32 = 64;

/// A value without a text. No call site has fields whose number would not fit.
#[inline]
pub(crate) fn push(out: &mut Vec<u8>, kind: Kind, field: usize, bits: u64) {
    let low = (field as u32) << 8 | kind as u32;
    out.extend_from_slice(&(u128::from(bits) << BITS | u128::from(low)).to_le_bytes());
}

/// The text behind the slot at this place, which was pushed last, is all there.
#[inline]
pub(crate) fn end_text(out: &mut [u8], slot: u32) {
    let len = (out.len() - slot as usize - SLOT) as u32;
    let begin = slot as usize + LEN as usize / 8;
    if let Some(place) = out.get_mut(begin..begin + size_of::<u32>()) {
        place.copy_from_slice(&len.to_le_bytes());
    }
}

/// The place of a slot that is not there.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// The text of the slot at this place; none is [`NOWHERE`].
#[inline]
pub(crate) fn text_at(bytes: &[u8], place: u32) -> &[u8] {
    let slot = bytes.get(place as usize..).and_then(|rest| Slots { rest }.next());
    slot.map_or(b"", |slot| slot.text)
}

/// Slots one after the other, as far as they make sense.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots<'a> {
    pub(crate) rest: &'a [u8],
}

/// A value as it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot<'a> {
    pub(crate) kind: Kind,
    pub(crate) field: usize,
    pub(crate) bits: u64,
    pub(crate) text: &'a [u8],
}

impl<'a> Slots<'a> {
    /// The next that is no message.
    #[inline]
    pub(crate) fn next_field(&mut self) -> Option<Slot<'a>> {
        self.find(|slot| slot.kind != Kind::Message)
    }
}

impl<'a> Iterator for Slots<'a> {
    type Item = Slot<'a>;

    #[inline]
    fn next(&mut self) -> Option<Slot<'a>> {
        let (slot, rest) = self.rest.split_first_chunk::<SLOT>()?;
        let slot = u128::from_le_bytes(*slot);
        let (text, rest) = rest.split_at_checked((slot >> LEN) as u32 as usize)?;
        let kind = *Kind::ALL.get(usize::from(slot as u8))?;
        self.rest = rest;
        Some(Slot { kind, field: (slot as u32 >> 8) as usize, bits: (slot >> BITS) as u64, text })
    }
}

impl<'a> Slot<'a> {
    #[inline(always)]
    pub(crate) fn raw_value(self) -> RawValue<'a> {
        match self.kind {
            Kind::I64 => RawValue::I64(self.bits.cast_signed()),
            Kind::U64 => match i64::try_from(self.bits) {
                Ok(number) => RawValue::I64(number),
                Err(_) => RawValue::Other(Other::Known(Value::U64(self.bits))),
            },
            Kind::F64 => RawValue::F64(f64::from_bits(self.bits)),
            Kind::Str => RawValue::Str(self.text),
            Kind::Debug | Kind::Message => RawValue::Debug(self.text),
            Kind::Bool => RawValue::Other(Other::Known(Value::Bool(self.bits != 0))),
            Kind::Bytes => RawValue::Other(Other::Known(Value::Bytes(self.text))),
            Kind::Encoded => RawValue::Other(Other::Encoded(Reader::new(self.text))),
        }
    }
}

/// A field's name without the mark of a raw identifier.
#[inline]
pub(crate) fn shown_name(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}

/// The names of the fields of a call site, in their order.
#[inline]
pub(crate) fn names(fields: &'static FieldSet) -> impl Iterator<Item = &'static str> {
    fields.iter().map(|field| shown_name(field.name()))
}

/// The name of this field; none of a field that the call site does not have.
#[inline]
pub(crate) fn name(fields: &'static FieldSet, field: usize) -> &'static str {
    names(fields).nth(field).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_read_as_they_were_pushed() {
        let mut bytes = Vec::new();
        push(&mut bytes, Kind::U64, 3, u64::MAX);
        let place = bytes.len() as u32;
        push(&mut bytes, Kind::Message, 0, 0);
        bytes.extend_from_slice(b"hello");
        end_text(&mut bytes, place);
        push(&mut bytes, Kind::Bool, 0xff_ffff, 1);
        let all: Vec<_> = Slots { rest: &bytes }.map(|slot| (slot.kind, slot.field, slot.bits, slot.text)).collect();
        let nothing = &b""[..];
        assert_eq!(
            all,
            [(Kind::U64, 3, u64::MAX, nothing), (Kind::Message, 0, 0, b"hello"), (Kind::Bool, 0xff_ffff, 1, nothing)]
        );
        assert_eq!((text_at(&bytes, place), text_at(&bytes, NOWHERE)), (&b"hello"[..], nothing));
        let mut fields = Slots { rest: &bytes };
        let kinds: Vec<_> = std::iter::from_fn(|| fields.next_field()).map(|slot| slot.kind).collect();
        assert_eq!(kinds, [Kind::U64, Kind::Bool]);
    }

    #[test]
    fn every_kind_is_found_by_its_number() {
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
        }
    }

    #[test]
    fn bytes_that_are_no_slots_end_the_fields() {
        let mut bytes = Vec::new();
        push(&mut bytes, Kind::I64, 0, 1);
        for end in 0..bytes.len() {
            assert_eq!(Slots { rest: bytes.get(..end).unwrap() }.count(), 0, "{end} bytes");
        }
        bytes[0] = 99;
        assert_eq!(Slots { rest: &bytes }.count(), 0, "a kind that is none");
        bytes[0] = Kind::Str as u8;
        bytes[4] = 1;
        assert_eq!(Slots { rest: &bytes }.count(), 0, "a text that is not there");
    }
}
