//! What formats write of a call site, kept by each thread: names and target of its events never change, and are escaped once.

use std::cell::RefCell;

use super::escape;
use super::json::Layout;
use super::text::level;
use crate::record::short::Short;
use crate::record::site_table::SiteTable;
use crate::record::{CallSite, slots};

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
        let key = |name: &'static str| Short::written(|out| escape::key(name.as_bytes(), true, out));
        let keys = slots::names(site.fields()).map(key).collect();
        let [a, b, c, d, e] = level(*site.level());
        Self { site, level: [a, b, c, d, e, b' '], target, keys, json: Default::default() }
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
    pub(super) fn name(&self, field: usize) -> &'static [u8] {
        slots::name(self.site.fields(), field).as_bytes()
    }
}

/// Gives `write` what is known of a call site; late in a thread's life, when its locals are gone, nothing.
#[inline]
pub(super) fn with(site: &'static CallSite, write: impl FnOnce(Option<&mut Known>)) {
    let mut write = Some(write);
    let with_known = |all: &RefCell<SiteTable<Known>>| {
        let Ok(mut all) = all.try_borrow_mut() else { return };
        if let Some(write) = write.take() {
            write(all.find(site, Known::new));
        }
    };
    KNOWN.try_with(with_known).ok();
    if let Some(write) = write {
        write(None);
    }
}
