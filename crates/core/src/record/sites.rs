//! What call sites look like, encoded (pure).

use super::encode;
use super::{CallSite, Record, Site};

/// How many places there are; a power of two.
const PLACES: usize = 256;

/// Call sites as they are encoded, for those who encode many records: most of a record's bytes are those of its call site, and the
/// same each time.
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
    places: Vec<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    site: &'static CallSite,
    optional: u32,
    bytes: Vec<u8>,
}

impl Sites {
    /// The entries of this call site in the map of a record, and how many of them not every record has. Of two that want one place the
    /// later has it.
    fn find(&mut self, site: &'static CallSite) -> Option<(u32, &[u8])> {
        if self.places.is_empty() {
            self.places.resize_with(PLACES, || None);
        }
        // Call sites are some 100 bytes apart.
        let address = std::ptr::from_ref(site).addr();
        let place = self.places.get_mut((address >> 4 ^ address >> 12) % PLACES)?;
        if place.as_ref().is_none_or(|known| !std::ptr::eq(known.site, site)) {
            let (told, mut bytes) = (Site::Code(site).told(), Vec::new());
            let optional = encode::site(&mut bytes, &told);
            *place = Some(Known { site, optional, bytes });
        }
        place.as_ref().map(|known| (known.optional, known.bytes.as_slice()))
    }
}

impl Record<'_> {
    /// As [`encode`](Self::encode), for many records.
    pub fn encode_with(&self, sites: &mut Sites, out: &mut Vec<u8>) {
        match self.head.site {
            Site::Code(site) => match sites.find(site) {
                Some((optional, bytes)) => encode::record_of(out, self, optional, bytes),
                None => self.encode(out),
            },
            Site::Told(_) => self.encode(out),
        }
    }
}
