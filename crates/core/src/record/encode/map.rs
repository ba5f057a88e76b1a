//! A record as one map, and a span as another: which keys there are, and in which order (pure).

use super::piece::Piece;
use super::{array_header, bool, bytes, debug, f64, i64, map_header, str, str_bytes, u64};
use crate::Level;
use crate::record::short::Short;
use crate::record::slots::{self, Kind, Slot, Slots};
use crate::record::{Fields, Head, Record, Told};

/// The keys of the outer map, in the order in which they are written.
pub(crate) mod key {
    pub(crate) const TIMESTAMP: &str = "ts";
    pub(crate) const LEVEL: &str = "level";
    pub(crate) const TARGET: &str = "target";
    pub(crate) const NAME: &str = "name";
    pub(crate) const MODULE: &str = "module";
    pub(crate) const FILE: &str = "file";
    pub(crate) const LINE: &str = "line";
    pub(crate) const THREAD_ID: &str = "tid";
    pub(crate) const THREAD_NAME: &str = "thread";
    pub(crate) const PROCESS_ID: &str = "pid";
    pub(crate) const MESSAGE: &str = "message";
    pub(crate) const FIELDS: &str = "fields";
    pub(crate) const SPANS: &str = "spans";
    pub(crate) const OMITTED: &str = "omitted";
}

pub(crate) fn level_name(level: Level) -> &'static str {
    level.as_str()
}

/// The whole record as one map.
pub(crate) fn record(out: &mut Vec<u8>, record: &Record<'_>) {
    let told = record.head.site.told();
    head(out, record, optional_of(&told));
    site(out, &told);
    origin(out, &record.head);
    rest(out, record, &[]);
}

/// As [`record`], with what [`site`] wrote of its call site and said, the names of its fields as they are encoded, where they are
/// short, and what [`origin`] wrote of its thread.
#[inline]
pub(in crate::record) fn record_of(
    out: &mut Vec<u8>,
    record: &Record<'_>,
    (optional, site, names): (u32, &[u8], &[Option<Short>]),
    origin: &[u8],
) {
    head(out, record, optional);
    out.extend_from_slice(site);
    out.extend_from_slice(origin);
    rest(out, record, names);
}

/// What stands before the call site.
#[inline]
fn head(out: &mut Vec<u8>, record: &Record<'_>, optional_of_site: u32) {
    let Record { head, omitted, .. } = record;
    let optional = [head.thread_id.is_some(), head.thread_name.is_some(), *omitted > 0];
    let entries = 8 + optional_of_site + optional.into_iter().map(u32::from).sum::<u32>();
    // No more than 14 entries.
    let [a, b] = *key::TIMESTAMP.as_bytes().first_chunk().unwrap_or(&[0; 2]);
    let before = [0x80 | entries as u8, 0xa2, a, b, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    Piece::nanos(record.timestamp().as_nanos()).append(&before, 4, out);
}

/// How many entries of a call site are not there for all.
fn optional_of(site: &Told<'_>) -> u32 {
    [site.module_path.is_some(), site.file.is_some(), site.line.is_some()].into_iter().map(u32::from).sum()
}

/// The entries of a call site; gives how many of them not every record has.
pub(in crate::record) fn site(out: &mut Vec<u8>, site: &Told<'_>) -> u32 {
    str(out, key::LEVEL);
    str(out, level_name(site.level));
    str(out, key::TARGET);
    str(out, site.target);
    str(out, key::NAME);
    str(out, site.name);
    optional_str(out, key::MODULE, site.module_path);
    optional_str(out, key::FILE, site.file);
    optional_u64(out, key::LINE, site.line.map(u64::from));
    optional_of(site)
}

/// The entries of the thread that raised a record.
pub(in crate::record) fn origin(out: &mut Vec<u8>, head: &Head<'_>) {
    optional_u64(out, key::THREAD_ID, head.thread_id);
    optional_str(out, key::THREAD_NAME, head.thread_name);
    str(out, key::PROCESS_ID);
    u64(out, u64::from(head.process_id));
}

/// What stands behind call site and thread.
#[inline]
fn rest(out: &mut Vec<u8>, record: &Record<'_>, names: &[Option<Short>]) {
    let message = record.message_bytes();
    match Piece::str(message) {
        Some((piece, text)) => {
            piece.append(b"\xa7message\0\0\0\0\0\0\0\0\0", 8, out);
            out.extend_from_slice(text);
        }
        None => {
            str(out, key::MESSAGE);
            str_bytes(out, message);
        }
    }
    match record.fields.count {
        count @ ..16 => out.extend_from_slice(&[0xa6, b'f', b'i', b'e', b'l', b'd', b's', 0x80 | count as u8]),
        count => {
            str(out, key::FIELDS);
            map_header(out, count);
        }
    }
    named_fields(out, record.fields, names);
    match record.spans.count {
        count @ ..16 => out.extend_from_slice(&[0xa5, b's', b'p', b'a', b'n', b's', 0x90 | count as u8]),
        count => {
            str(out, key::SPANS);
            array_header(out, count);
        }
    }
    if !record.spans.is_empty() {
        out.extend_from_slice(record.spans.bytes);
    }
    if record.omitted > 0 {
        str(out, key::OMITTED);
        u64(out, u64::from(record.omitted));
    }
}

/// Names and values, without the header that counts them.
pub(crate) fn fields(out: &mut Vec<u8>, fields: Fields<'_>) {
    named_fields(out, fields, &[]);
}

/// The same with the names that are encoded already.
#[inline]
fn named_fields(out: &mut Vec<u8>, fields: Fields<'_>, short: &[Option<Short>]) {
    let Some(names) = fields.names else { return out.extend_from_slice(fields.bytes) };
    let mut slots = Slots { rest: fields.bytes };
    while let Some(slot) = slots.next_field() {
        match (short.get(slot.field), Piece::of(slot)) {
            (Some(Some(name)), Some((piece, text))) => {
                piece.append_to(name, out);
                if !text.is_empty() {
                    out.extend_from_slice(text);
                }
                continue;
            }
            (Some(Some(name)), None) => name.append(out),
            _ => str(out, slots::name(names, slot.field)),
        }
        value(out, slot);
    }
}

fn value(out: &mut Vec<u8>, Slot { kind, bits, text, .. }: Slot<'_>) {
    match kind {
        Kind::Bool => bool(out, bits != 0),
        Kind::I64 => i64(out, bits.cast_signed()),
        Kind::U64 => u64(out, bits),
        Kind::F64 => f64(out, f64::from_bits(bits)),
        Kind::Str => str_bytes(out, text),
        Kind::Debug | Kind::Message => debug(out, text),
        Kind::Bytes => bytes(out, text),
        Kind::Encoded => out.extend_from_slice(text),
    }
}

/// One span as a map; `fields` are entries already encoded.
pub(crate) fn span(out: &mut Vec<u8>, name: &str, target: &str, count: u32, fields: &[u8]) {
    out.push(0x83);
    str(out, key::NAME);
    str(out, name);
    str(out, key::TARGET);
    str(out, target);
    str(out, key::FIELDS);
    map_header(out, count);
    out.extend_from_slice(fields);
}

fn optional_str(out: &mut Vec<u8>, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        str(out, key);
        str(out, value);
    }
}

fn optional_u64(out: &mut Vec<u8>, key: &str, value: Option<u64>) {
    if let Some(value) = value {
        str(out, key);
        u64(out, value);
    }
}
