//! What formats write of a call site, kept by each thread: names and target of its events never change, and are escaped once.

use std::cell::RefCell;

use super::escape;
use super::json::Layout;
use super::text::level;
use crate::record::CallSite;
use crate::record::read::RawName;
use crate::record::short::Short;
use crate::record::site_table::SiteTable;
use crate::record::slots::Names;

thread_local! {
    static KNOWN: RefCell<SiteTable<Known>> = const { RefCell::new(SiteTable::new()) };
}

/// A call site as it looks in text, and in JSON once that was asked for.
#[derive(Debug)]
pub(super) struct Known {
    site: &'static CallSite,
    /// ` INFO `
    level: [u8; 6],
    /// `target: `
    target: Vec<u8>,
    /// ` name=` of each field, where that is short.
    keys: Vec<Option<Short>>,
    /// With a `fields` object, and flat.
    json: [Option<Box<Layout>>; 2],
}

impl Known {
    fn new(site: &'static CallSite) -> Self {
        let mut target = Vec::new();
        escape::text(site.target(), &mut target);
        target.extend_from_slice(b": ");
        let mut names = Names::of(site.fields());
        let keys = (0..site.fields().len()).map(|field| Self::short_key(names.raw(field))).collect();
        let [a, b, c, d, e] = level(*site.level());
        Self { site, level: [a, b, c, d, e, b' '], target, keys, json: Default::default() }
    }

    fn short_key(name: RawName<'_>) -> Option<Short> {
        let mut key = Vec::new();
        escape::key(name, true, &mut key);
        Short::new(&key)
    }

    /// ` INFO `
    #[inline]
    pub(super) fn level(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.level);
    }

    /// `target: `
    #[inline]
    pub(super) fn target(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.target);
    }

    /// `name=` of a field, behind a space where it is to be separated from what stands before.
    #[inline]
    pub(super) fn key(&self, field: usize, separate: bool, out: &mut Vec<u8>) {
        match self.keys.get(field) {
            Some(Some(key)) if separate => key.append(out),
            _ => escape::key(self.name(field), separate, out),
        }
    }

    #[inline]
    pub(super) fn json(&mut self, flat: bool) -> &Layout {
        let [nested, flattened] = &mut self.json;
        let place = if flat { flattened } else { nested };
        place.get_or_insert_with(|| Box::new(Layout::new(self.site, flat)))
    }

    #[cold]
    pub(super) fn name(&self, field: usize) -> RawName<'static> {
        Names::of(self.site.fields()).raw(field)
    }
}

/// Gives `write` what is known of a call site; late in a thread's life, when its locals are gone, nothing.
#[inline]
pub(super) fn with(site: &'static CallSite, write: impl FnOnce(Option<&mut Known>)) {
    let mut write = Some(write);
    let known = KNOWN.try_with(|all| {
        let mut all = all.try_borrow_mut().ok()?;
        let known = all.find(site, Known::new)?;
        write.take().map(|write| write(Some(known)))
    });
    if let (Err(_) | Ok(None), Some(write)) = (known, write) {
        write(None);
    }
}
