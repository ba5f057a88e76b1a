//! What call sites and threads look like, encoded (pure).

use super::encode;
use super::short::Short;
use super::site_table::SiteTable;
use super::{CallSite, Head, Record, Site, slots};

/// Call sites, and the last thread, as they are encoded, for those who encode many records: most of a record's bytes are those of its
/// call site, and the same each time.
///
/// ```
/// use tracing_handlers_core::Record;
/// use tracing_handlers_core::record::Sites;
///
/// let (record, mut out) = (Record::builder().message("hello").build(), Vec::new());
/// record.as_record().encode_with(&mut Sites::default(), &mut out);
/// assert_eq!(out, record.as_bytes());
/// ```
#[derive(Debug, Default)]
pub struct Sites {
    known: SiteTable<Known>,
    origin: Origin,
}

/// A thread, and its entries in the map of a record.
#[derive(Debug, Default)]
struct Origin {
    thread_id: Option<u64>,
    thread_name: Option<String>,
    process_id: u32,
    bytes: Vec<u8>,
}

impl Origin {
    #[inline]
    fn is_of(&self, head: &Head<'_>) -> bool {
        self.thread_id == head.thread_id
            && self.process_id == head.process_id
            && self.thread_name.as_deref() == head.thread_name
            && !self.bytes.is_empty()
    }

    #[cold]
    fn set(&mut self, head: &Head<'_>) {
        (self.thread_id, self.process_id) = (head.thread_id, head.process_id);
        self.thread_name = head.thread_name.map(str::to_owned);
        self.bytes.clear();
        encode::origin(&mut self.bytes, head);
    }
}

#[derive(Debug)]
struct Known {
    optional: u32,
    bytes: Vec<u8>,
    names: Vec<Option<Short>>,
}

impl Known {
    fn new(site: &'static CallSite) -> Self {
        let (told, mut bytes) = (Site::Code(site).told(), Vec::new());
        let optional = encode::site(&mut bytes, &told);
        let names = slots::names(site.fields()).map(|name| Short::written(|out| encode::str(out, name))).collect();
        Self { optional, bytes, names }
    }
}

impl Sites {
    fn encode(&mut self, site: &'static CallSite, record: &Record<'_>, out: &mut Vec<u8>) {
        let Self { known, origin } = self;
        if !origin.is_of(&record.head) {
            origin.set(&record.head);
        }
        match known.find(site, Known::new) {
            Some(known) => encode::record_of(out, record, (known.optional, &known.bytes, &known.names), &origin.bytes),
            None => record.encode(out),
        }
    }
}

impl Record<'_> {
    /// As [`encode`](Self::encode), for many records.
    pub fn encode_with(&self, sites: &mut Sites, out: &mut Vec<u8>) {
        match self.head.site {
            Site::Code(site) => sites.encode(site, self, out),
            Site::Told(_) => self.encode(out),
        }
    }
}
