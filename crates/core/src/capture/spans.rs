//! Span data: stored once, as values, in one extension that all layers share.
//!
//! Two layers of one type never collide: the first that sees a span stores its fields, the others find them. A late
//! `Span::record` reaches every layer; replacing a field by the same value twice changes nothing.

use std::mem;

use tracing_core::span::{Attributes, Id, Record as Values};
use tracing_core::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope, SpanRef};

use super::lineage::{self, AsOf, Lineages, Place, Shown};
use super::visit::{Captured, Panics};
use super::{Capture, Limits, Scratch};
use crate::record::encode;
use crate::record::read::Reader;
use crate::record::slots::shown_name;

/// The entries of a map of fields, or the maps of spans, and what did not become an entry.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) bytes: Vec<u8>,
    pub(super) count: u32,
    omitted: Vec<&'static str>,
}

impl Entries {
    /// Those of a span, visited by `visit`.
    fn visit(metadata: &'static Metadata<'static>, limits: &Limits, visit: impl FnOnce(&mut Captured)) -> Self {
        let mut captured = Captured::default();
        captured.start(limits, false, Panics::Contained);
        visit(&mut captured);
        let mut bytes = Vec::with_capacity(captured.bytes.len());
        encode::fields(&mut bytes, captured.fields(metadata.fields()));
        Self { bytes, count: captured.count, omitted: captured.omitted }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
        self.omitted.clear();
    }

    /// Appends an entry that is already encoded.
    fn push(&mut self, entry: &[u8]) {
        self.bytes.extend_from_slice(entry);
        self.count += 1;
    }

    /// Notes a field that did not become an entry, once.
    fn omit(&mut self, name: Option<&'static str>) {
        self.omitted.extend(name.filter(|name| !self.omitted.contains(name)));
    }

    fn omitted_count(&self) -> u32 {
        u32::try_from(self.omitted.len()).unwrap_or(u32::MAX)
    }
}

/// A span's fields in the registry's extensions.
#[derive(Debug)]
struct SpanFields {
    /// The span's map, as it stands in a record.
    encoded: Vec<u8>,
    /// The entries of `encoded`'s fields, for late records.
    fields: Entries,
    lineages: Lineages,
}

impl SpanFields {
    fn new(metadata: &Metadata<'_>, fields: Entries) -> Self {
        let mut encoded = Vec::with_capacity(32 + metadata.name().len() + metadata.target().len() + fields.bytes.len());
        encode::span(&mut encoded, metadata.name(), metadata.target(), fields.count, &fields.bytes);
        Self { encoded, fields, lineages: Lineages::default() }
    }

    /// Puts newly recorded fields in the place of older ones of the same name, and of those that were left out.
    fn merge(&mut self, metadata: &'static Metadata<'static>, new: &Entries, limits: &Limits) {
        let mut merged = Entries { omitted: mem::take(&mut self.fields.omitted), ..Entries::default() };
        for (_, entry) in entries(&self.fields).filter(|(name, _)| !contains(new, name)) {
            merged.push(entry);
        }
        for (name, entry) in entries(new) {
            let declared = metadata.fields().iter().map(|field| field.name()).find(|declared| shown_name(declared) == name);
            if merged.count < limits.fields {
                merged.push(entry);
                merged.omitted.retain(|omitted| Some(*omitted) != declared);
            } else {
                merged.omit(declared);
            }
        }
        // Several layers bring the same values: what is left out is counted once.
        for name in &new.omitted {
            merged.omit(Some(name));
        }
        *self = Self::new(metadata, merged);
    }
}

/// The name and the whole bytes of each entry.
fn entries(entries: &Entries) -> impl Iterator<Item = (&str, &[u8])> {
    let mut reader = Reader::new(&entries.bytes);
    (0..entries.count).map_while(move |_| {
        let before = reader.rest();
        let name = reader.str()?;
        reader.skip()?;
        before.get(..before.len() - reader.rest().len()).map(|entry| (name, entry))
    })
}

fn contains(within: &Entries, wanted: &str) -> bool {
    entries(within).any(|(name, _)| name == wanted)
}

/// Stores the fields of a new span, unless another layer did.
pub(crate) fn open<S>(attributes: &Attributes<'_>, id: &Id, context: &Context<'_, S>, limits: &Limits)
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    let Some(span) = context.span(id) else { return };
    if span.extensions().get::<SpanFields>().is_some() {
        return;
    }
    let metadata = attributes.metadata();
    let fields = SpanFields::new(metadata, Entries::visit(metadata, limits, |visitor| attributes.record(visitor)));
    span.extensions_mut().replace(fields);
}

/// Adds fields recorded late. User code runs before the lock is taken.
pub(crate) fn record<S>(id: &Id, values: &Values<'_>, context: &Context<'_, S>, limits: &Limits)
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    let Some(span) = context.span(id) else { return };
    let new = Entries::visit(span.metadata(), limits, |visitor| values.record(visitor));
    let mut extensions = span.extensions_mut();
    match extensions.get_mut::<SpanFields>() {
        Some(fields) => fields.merge(span.metadata(), &new, limits),
        None => drop(extensions.replace(SpanFields::new(span.metadata(), new))),
    }
    drop(extensions);
    if let Some(root) = span.scope().last() {
        lineage::forget(&root.id());
    }
}

/// Where the spans of an event are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is in none.
    Nothing,
    /// In [`Scratch::shown`].
    Shown,
    /// Behind each other in the spans of the [`Scratch`].
    Written,
}

/// Finds the spans of an event, root first.
#[inline(always)]
pub(super) fn find<S>(event: &Event<'_>, context: &Context<'_, S>, capture: &Capture, scratch: &mut Scratch) -> Found
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    let Some(id) = scratch.current.as_ref().or(event.parent()) else { return Found::Nothing };
    let left = scratch.fields.left();
    if scratch.shown.as_ref().is_some_and(|shown| shown.is_of(id, capture.place, left)) {
        return Found::Shown;
    }
    let id = id.clone();
    look_up(event, &id, context, capture.place, left, scratch)
}

/// Finds them through the registry.
fn look_up<S>(
    event: &Event<'_>,
    id: &Id,
    context: &Context<'_, S>,
    place: Option<Place>,
    left: usize,
    scratch: &mut Scratch,
) -> Found
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    scratch.spans.clear();
    scratch.omitted = 0;
    let Some(leaf) = context.span(id) else {
        // A per-layer filter hides the current span. What is hidden is simply not in the scope.
        if let Some(scope) = context.event_scope(event) {
            write(scope, left, scratch);
        }
        return Found::Written;
    };
    let kept = place.and_then(|place| leaf.extensions().get::<SpanFields>()?.lineages.get(place));
    if let (Some(place), Some(lineage)) = (place, kept.filter(|lineage| lineage.len() <= left)) {
        Shown::set(&mut scratch.shown, id, place, lineage);
        return Found::Shown;
    }
    let as_of = write(leaf.scope(), left, scratch);
    if let (Some(place), Some(as_of)) = (place, as_of)
        && let Some(fields) = leaf.extensions().get::<SpanFields>()
    {
        fields.lineages.keep(place, &scratch.spans, scratch.omitted, as_of);
    }
    Found::Written
}

/// Writes the spans behind each other, as far as they fit; of the others the names alone. Says as of when they are all that
/// there is.
fn write<'s, S: LookupSpan<'s>>(scope: Scope<'s, S>, mut left: usize, scratch: &mut Scratch) -> Option<AsOf> {
    let (mut as_of, mut is_whole) = (None, true);
    for span in scope.from_root() {
        as_of = as_of.or_else(|| AsOf::now(&span.id()));
        is_whole &= write_one(&span, &mut left, scratch);
    }
    as_of.filter(|_| is_whole)
}

/// Says whether the span is there with all its fields.
fn write_one<'s, S: LookupSpan<'s>>(span: &SpanRef<'s, S>, left: &mut usize, scratch: &mut Scratch) -> bool {
    let extensions = span.extensions();
    let out = &mut scratch.spans;
    out.count += 1;
    match extensions.get::<SpanFields>() {
        Some(fields) if fields.encoded.len() <= *left => {
            scratch.omitted += fields.fields.omitted_count();
            out.bytes.extend_from_slice(&fields.encoded);
            *left -= fields.encoded.len();
            true
        }
        // One without fields of ours was made before the layer, or is being made right now.
        other => {
            scratch.omitted += other.map_or(0, |fields| fields.fields.omitted_count() + fields.fields.count);
            encode::span(&mut out.bytes, span.metadata().name(), span.metadata().target(), 0, &[]);
            false
        }
    }
}
