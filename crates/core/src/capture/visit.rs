//! The only `Visit`: field values into MessagePack, within limits, surviving whatever a user's `Debug` does.

use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use tracing_core::Field;
use tracing_core::field::Visit;

use super::Limits;
use super::log_bridge::LogMeta;
use crate::record::encode;

/// The entries of a map of fields, and what did not become an entry.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) bytes: Vec<u8>,
    pub(super) count: u32,
    pub(super) omitted: Vec<&'static str>,
}

impl Entries {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
        self.omitted.clear();
    }

    /// Appends an entry that is already encoded.
    pub(super) fn push(&mut self, entry: &[u8]) {
        self.bytes.extend_from_slice(entry);
        self.count += 1;
    }

    /// Notes a field that did not become an entry, once.
    pub(super) fn omit(&mut self, name: Option<&'static str>) {
        self.omitted.extend(name.filter(|name| !self.omitted.contains(name)));
    }

    pub(super) fn omitted_count(&self) -> u32 {
        u32::try_from(self.omitted.len()).unwrap_or(u32::MAX)
    }
}

/// A field's name without the mark of a raw identifier.
pub(super) fn shown_name(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name)
}

/// Writes fields into [`Entries`]; an event's message and the `log` bridge's own fields go elsewhere.
pub(super) struct FieldVisitor<'a> {
    pub(super) limits: &'a Limits,
    pub(super) entries: &'a mut Entries,
    /// Where an event's message goes, until it went there.
    pub(super) message: Option<&'a mut String>,
    pub(super) log: Option<&'a mut LogMeta>,
    pub(super) panics: Panics,
}

/// Who catches a panic of user code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Panics {
    /// The visitor: a mark stands for what could not be written, and all other fields are kept.
    Contained,
    /// The caller, who then visits again: one net for a whole event costs less than one for each value.
    PassedOn,
}

impl FieldVisitor<'_> {
    /// Writes the name and says how long the value may be, or counts the field as omitted.
    // Every value passes here, and a call costs more than what most of them need.
    #[inline(always)]
    fn begin(&mut self, name: &'static str) -> Option<usize> {
        let left = self.limits.record_bytes.saturating_sub(self.entries.bytes.len());
        if self.entries.count >= self.limits.fields || left == 0 {
            self.entries.omitted.push(name);
            return None;
        }
        encode::str(&mut self.entries.bytes, shown_name(name));
        self.entries.count += 1;
        Some(self.limits.value_bytes.min(left))
    }

    /// The message, if this field is it and there was none yet.
    #[inline]
    fn message(&mut self, name: &str) -> Option<(&mut String, usize)> {
        if name != "message" {
            return None;
        }
        let limit = self.limits.value_bytes.min(self.limits.record_bytes);
        self.message.take().map(|message| (message, limit))
    }
}

impl Visit for FieldVisitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let panics = self.panics;
        if let Some((message, limit)) = self.message(field.name()) {
            message.clear();
            write_debug(message, value, limit, panics).ok();
        } else if let Some(limit) = self.begin(field.name()) {
            encode::debug(&mut self.entries.bytes, |text| write_debug(text, value, limit, panics));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if self.log.as_mut().is_some_and(|log| log.take_str(field.name(), value)) {
            return;
        }
        if let Some((message, limit)) = self.message(field.name()) {
            message.clear();
            write_cut(message, value, limit).ok();
        } else if let Some(limit) = self.begin(field.name()) {
            if value.len() <= limit {
                encode::str(&mut self.entries.bytes, value);
            } else {
                encode::text(&mut self.entries.bytes, |text| write_cut(text, value, limit));
            }
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if self.begin(field.name()).is_some() {
            encode::bool(&mut self.entries.bytes, value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if self.begin(field.name()).is_some() {
            encode::i64(&mut self.entries.bytes, value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if self.log.as_mut().is_some_and(|log| log.take_u64(field.name(), value)) {
            return;
        }
        if self.begin(field.name()).is_some() {
            encode::u64(&mut self.entries.bytes, value);
        }
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        if self.begin(field.name()).is_some() {
            encode::i128(&mut self.entries.bytes, value);
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        if self.begin(field.name()).is_some() {
            encode::u128(&mut self.entries.bytes, value);
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if self.begin(field.name()).is_some() {
            encode::f64(&mut self.entries.bytes, value);
        }
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        let Some(limit) = self.begin(field.name()) else { return };
        match value.get(..limit) {
            // Bytes cannot carry the mark of truncation, so cut ones become a text.
            Some(kept) if kept.len() < value.len() => encode::debug(&mut self.entries.bytes, |text| {
                write!(text, "{}{}", kept.escape_ascii(), Cut(value.len() - kept.len()))
            }),
            _ => encode::bytes(&mut self.entries.bytes, value),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn StdError + 'static)) {
        if let Some(limit) = self.begin(field.name()) {
            contained_error(self.entries, value, limit);
        }
    }
}

/// A source chain is user code too: where following it panics, what was written so far is replaced by the mark. The limit is
/// that of the whole chain.
fn contained_error(entries: &mut Entries, value: &(dyn StdError + 'static), limit: usize) {
    let start = entries.bytes.len();
    let (bytes, mut left) = (&mut entries.bytes, limit);
    let followed = catch_unwind(AssertUnwindSafe(|| {
        encode::error(bytes, value, |text, error| write_fmt(text, format_args!("{error}"), &mut left));
    }));
    if followed.is_err() {
        entries.bytes.truncate(start);
        encode::error_texts(&mut entries.bytes, 1, std::iter::once(PANICKED));
    }
}

const PANICKED: &str = "<panicked>";

#[inline]
fn write_debug(out: &mut impl fmt::Write, value: &dyn fmt::Debug, mut limit: usize, panics: Panics) -> fmt::Result {
    match panics {
        Panics::Contained => write_fmt(out, format_args!("{value:?}"), &mut limit),
        Panics::PassedOn => {
            let mut capped = Capped { out, left: limit, cut: 0 };
            let written = write!(capped, "{value:?}");
            let cut = capped.cut;
            if cut == 0 && written.is_ok() { Ok(()) } else { mark(out, cut, Ok(written)) }
        }
    }
}

/// User code writes here: cut at the limit, which shrinks by what was written; a panic or an error becomes a visible mark.
fn write_fmt(out: &mut impl fmt::Write, arguments: fmt::Arguments<'_>, limit: &mut usize) -> fmt::Result {
    let mut capped = Capped { out, left: *limit, cut: 0 };
    let written = catch_unwind(AssertUnwindSafe(|| capped.write_fmt(arguments)));
    let cut = capped.cut;
    *limit = capped.left;
    mark(out, cut, written)
}

/// Says what is missing from a text.
#[cold]
fn mark(out: &mut impl fmt::Write, cut: usize, written: thread::Result<fmt::Result>) -> fmt::Result {
    if cut > 0 {
        write!(out, "{}", Cut(cut))?;
    }
    match written {
        Ok(Ok(())) => Ok(()),
        Ok(Err(fmt::Error)) => out.write_str("<formatting failed>"),
        Err(_) => out.write_str(PANICKED),
    }
}

fn write_cut(out: &mut impl fmt::Write, value: &str, mut limit: usize) -> fmt::Result {
    write_fmt(out, format_args!("{value}"), &mut limit)
}

/// The mark that stands where bytes were cut off.
struct Cut(usize);

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…[{} bytes cut]", self.0)
    }
}

/// Passes on so many bytes and counts the rest.
struct Capped<'a, W> {
    out: &'a mut W,
    left: usize,
    cut: usize,
}

impl<W: fmt::Write> fmt::Write for Capped<'_, W> {
    #[inline]
    fn write_str(&mut self, s: &str) -> fmt::Result {
        if s.len() <= self.left {
            self.left -= s.len();
            return self.out.write_str(s);
        }
        let end = floor_char_boundary(s, self.left);
        let (kept, cut) = s.split_at_checked(end).unwrap_or(("", s));
        self.left = 0;
        self.cut += cut.len();
        self.out.write_str(kept)
    }
}

fn floor_char_boundary(s: &str, mut index: usize) -> usize {
    while !s.is_char_boundary(index) {
        index -= 1;
    }
    index
}
