//! The only `Visit`: field values into slots, within limits, surviving whatever a user's `Debug` does.

use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use tracing_core::Field;
use tracing_core::field::{FieldSet, Visit};

use super::Limits;
use crate::record::Fields;
use crate::record::encode::{self, Text};
use crate::record::slots::{self, Kind};

/// The values of an event or a span, what did not become one, and how they are captured.
#[derive(Debug, Default)]
pub(super) struct Captured {
    /// [Slots](crate::record::slots).
    pub(super) bytes: Vec<u8>,
    pub(super) count: u32,
    pub(super) omitted: Vec<&'static str>,
    /// The place of the message's slot.
    pub(super) message: u32,
    limits: Limits,
    /// Whether a field of that name is the message: the first of an event is.
    takes_message: bool,
    panics: Panics,
    /// The bytes may not be more when a value begins.
    room: usize,
    /// Nor more than this while a text is written; so much of it was cut.
    end: usize,
    cut: usize,
}

/// Who catches a panic of user code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Panics {
    /// The visitor: a mark stands for what could not be written, and all other fields are kept.
    #[default]
    Contained,
    /// The caller, who then visits again: one net for a whole event costs less than one for each value.
    PassedOn,
}

impl Visit for Captured {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let slot = if self.panics == Panics::PassedOn { self.begin_easily(field, Kind::Debug) } else { None };
        let Some(slot) = slot else { return self.debug_with_care(field, value) };
        let written = write!(self, "{value:?}");
        if written.is_err() || self.cut > 0 {
            self.mark(Ok(written));
        }
        self.finish(slot);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let Some(slot) = self.begin_easily(field, Kind::Str) else { return self.str_with_care(field, value) };
        self.write_str(value).ok();
        if self.cut > 0 {
            self.mark(Ok(Ok(())));
        }
        self.finish(slot);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, Kind::Bool, u64::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, Kind::I64, value.cast_unsigned());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, Kind::U64, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        if let Some(slot) = self.begin_value(field, Kind::Encoded) {
            encode::i128(&mut self.bytes, value);
            self.finish(slot);
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        if let Some(slot) = self.begin_value(field, Kind::Encoded) {
            encode::u128(&mut self.bytes, value);
            self.finish(slot);
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.plain(field, Kind::F64, value.to_bits());
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        let limit = self.limit();
        // Bytes cannot carry the mark of truncation, so cut ones become a text.
        let kind = if value.len() > limit { Kind::Debug } else { Kind::Bytes };
        let Some(slot) = self.begin_value(field, kind) else { return };
        let bytes = &mut self.bytes;
        match value.get(..limit) {
            Some(kept) if kept.len() < value.len() => {
                write!(Text(bytes), "{}{}", kept.escape_ascii(), Cut(value.len() - limit)).ok();
            }
            _ => bytes.extend_from_slice(value),
        }
        self.finish(slot);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn StdError + 'static)) {
        let limit = self.limit();
        if let Some(slot) = self.begin_value(field, Kind::Encoded) {
            self.error(value, limit);
            self.finish(slot);
        }
    }
}

impl Captured {
    /// For the values of another event, or of another span, which has no message.
    #[inline]
    pub(super) fn start(&mut self, limits: &Limits, is_event: bool, panics: Panics) {
        self.bytes.clear();
        self.count = 0;
        self.omitted.clear();
        self.message = slots::NOWHERE;
        self.limits = *limits;
        self.takes_message = is_event;
        self.panics = panics;
        self.room = limits.record_bytes;
        self.cut = 0;
    }

    pub(super) fn omitted_count(&self) -> u32 {
        self.omitted.len() as u32
    }

    /// What the limits leave.
    #[inline]
    pub(super) fn left(&self) -> usize {
        self.room.saturating_sub(self.bytes.len())
    }

    /// As fields of this call site.
    #[inline]
    pub(super) fn fields(&self, names: &'static FieldSet) -> Fields<'_> {
        Fields { count: self.count, bytes: &self.bytes, names: Some(names) }
    }

    /// A value that needs no text.
    // Most values pass here, and a call costs more than what they need: what few need stands apart.
    #[inline(always)]
    fn plain(&mut self, field: &Field, kind: Kind, bits: u64) {
        let bytes = &mut self.bytes;
        let is_large_enough = bytes.capacity() - bytes.len() >= slots::SLOT;
        if is_large_enough && self.has_room() {
            slots::push(&mut self.bytes, kind, field.index(), bits);
            self.count += 1;
        } else {
            self.plain_or_omitted(field, kind, bits);
        }
    }

    #[cold]
    #[inline(never)]
    fn plain_or_omitted(&mut self, field: &Field, kind: Kind, bits: u64) {
        if self.has_room() {
            slots::push(&mut self.bytes, kind, field.index(), bits);
            self.count += 1;
        } else {
            self.omit(field);
        }
    }

    #[inline]
    fn has_room(&self) -> bool {
        self.count < self.limits.fields && self.bytes.len() < self.room
    }

    #[cold]
    fn omit(&mut self, field: &Field) {
        self.omitted.push(field.name());
    }

    /// How long a text may be.
    #[inline]
    fn limit(&self) -> usize {
        self.limits.value_bytes.min(self.left())
    }

    /// Begins a value with a text; gives where its slot is.
    #[inline(always)]
    fn begin_value(&mut self, field: &Field, kind: Kind) -> Option<u32> {
        if !self.has_room() {
            self.omit(field);
            return None;
        }
        let limit = self.limit();
        self.count += 1;
        Some(self.push_slot(kind, field, limit))
    }

    /// The same, which may be the message.
    fn begin_text(&mut self, field: &Field, kind: Kind) -> Option<u32> {
        if self.is_message(field) {
            self.takes_message = false;
            self.message = self.bytes.len() as u32;
            let limit = self.limits.value_bytes.min(self.limits.record_bytes);
            return Some(self.push_slot(Kind::Message, field, limit));
        }
        self.begin_value(field, kind)
    }

    #[inline]
    fn is_message(&self, field: &Field) -> bool {
        self.takes_message && field.name() == "message"
    }

    /// Begins a text where that is easy: its slot needs no more memory, and a message comes first.
    // Nothing here calls anything, so that what most values need stays in registers.
    #[inline(always)]
    fn begin_easily(&mut self, field: &Field, kind: Kind) -> Option<u32> {
        let (slot, room) = (self.bytes.len(), self.bytes.capacity() - self.bytes.len());
        if room < slots::SLOT || self.count >= self.limits.fields || slot >= self.room {
            return None;
        }
        let limit = self.limits.value_bytes.min(self.room - slot);
        let kind = if self.is_message(field) {
            if slot > 0 {
                return None;
            }
            self.takes_message = false;
            self.message = 0;
            Kind::Message
        } else {
            self.count += 1;
            kind
        };
        Some(self.push_slot(kind, field, limit))
    }

    #[cold]
    #[inline(never)]
    fn debug_with_care(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let Some(slot) = self.begin_text(field, Kind::Debug) else { return };
        let written = match self.panics {
            Panics::PassedOn => Ok(write!(self, "{value:?}")),
            Panics::Contained => catch_unwind(AssertUnwindSafe(|| write!(self, "{value:?}"))),
        };
        self.mark(written);
        self.finish(slot);
    }

    #[cold]
    #[inline(never)]
    fn str_with_care(&mut self, field: &Field, value: &str) {
        let Some(slot) = self.begin_text(field, Kind::Str) else { return };
        let written = self.write_str(value);
        self.mark(Ok(written));
        self.finish(slot);
    }

    /// Begins a slot with a text of so many bytes at most.
    #[inline]
    fn push_slot(&mut self, kind: Kind, field: &Field, limit: usize) -> u32 {
        let slot = self.bytes.len() as u32;
        slots::push(&mut self.bytes, kind, field.index(), 0);
        self.end = self.bytes.len() + limit;
        slot
    }

    /// The text behind the slot is all there. The message takes nothing of the room of others.
    #[inline]
    fn finish(&mut self, slot: u32) {
        slots::end_text(&mut self.bytes, slot);
        if slot == self.message {
            self.room += self.bytes.len() - slot as usize;
        }
    }

    /// Says what is missing from a text.
    #[cold]
    fn mark(&mut self, written: thread::Result<fmt::Result>) {
        mark(&mut Text(&mut self.bytes), mem::take(&mut self.cut), written);
    }

    /// A source chain is user code too: where following it panics, what was written so far is replaced by the mark. The limit is
    /// that of the whole chain.
    fn error(&mut self, value: &(dyn StdError + 'static), mut left: usize) {
        let start = self.bytes.len();
        let followed = catch_unwind(AssertUnwindSafe(|| {
            encode::error(&mut self.bytes, value, |text, error| write_fmt(text, format_args!("{error}"), &mut left));
        }));
        if followed.is_err() {
            self.bytes.truncate(start);
            encode::error_texts(&mut self.bytes, 1, std::iter::once(PANICKED));
        }
    }

    /// What does not fit, or needs more memory.
    #[cold]
    #[inline(never)]
    fn write_part(&mut self, s: &str) {
        let (kept, cut) = split(s, self.end.saturating_sub(self.bytes.len()));
        self.bytes.extend_from_slice(kept.as_bytes());
        if !cut.is_empty() {
            self.end = self.bytes.len();
            self.cut += cut.len();
        }
    }
}

/// User code writes here: cut at the limit.
impl fmt::Write for Captured {
    #[inline]
    fn write_str(&mut self, s: &str) -> fmt::Result {
        // What few need stands apart, more memory too: a call that may be needed costs also where it is not.
        if s.len() <= self.end - self.bytes.len() && s.len() <= self.bytes.capacity() - self.bytes.len() {
            self.bytes.extend_from_slice(s.as_bytes());
        } else {
            self.write_part(s);
        }
        Ok(())
    }
}

const PANICKED: &str = "<panicked>";

/// User code writes here: cut at the limit, which shrinks by what was written; a panic or an error becomes a visible mark.
fn write_fmt(text: &mut Text<'_>, arguments: fmt::Arguments<'_>, limit: &mut usize) {
    let mut capped = Capped { out: text.0, left: *limit, cut: 0 };
    let written = catch_unwind(AssertUnwindSafe(|| capped.write_fmt(arguments)));
    let cut = capped.cut;
    *limit = capped.left;
    mark(text, cut, written);
}

/// Says what is missing from a text.
#[cold]
fn mark(text: &mut Text<'_>, cut: usize, written: thread::Result<fmt::Result>) {
    if cut > 0 {
        write!(text, "{}", Cut(cut)).ok();
    }
    match written {
        Ok(Ok(())) => {}
        Ok(Err(fmt::Error)) => text.push("<formatting failed>"),
        Err(_) => text.push(PANICKED),
    }
}

/// The mark that stands where bytes were cut off.
struct Cut(usize);

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…[{} bytes cut]", self.0)
    }
}

/// Passes on so many bytes and counts the rest.
struct Capped<'a> {
    out: &'a mut Vec<u8>,
    left: usize,
    cut: usize,
}

impl fmt::Write for Capped<'_> {
    #[inline]
    fn write_str(&mut self, s: &str) -> fmt::Result {
        if s.len() <= self.left {
            self.left -= s.len();
            self.out.extend_from_slice(s.as_bytes());
        } else {
            self.cut(s);
        }
        Ok(())
    }
}

impl Capped<'_> {
    #[cold]
    fn cut(&mut self, s: &str) {
        let (kept, cut) = split(s, self.left);
        self.left = 0;
        self.cut += cut.len();
        self.out.extend_from_slice(kept.as_bytes());
    }
}

/// As much of a text as fits into so many bytes, up to the end of a character, and the rest.
fn split(s: &str, bytes: usize) -> (&str, &str) {
    let mut end = bytes.min(s.len());
    while !s.is_char_boundary(end) {
        end -= 1;
    }
    s.split_at_checked(end).unwrap_or(("", s))
}
