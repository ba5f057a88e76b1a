//! What a JSON object says of a call site, in one of the two layouts: written once, then copied.

use super::{Object, RESERVED, number};
use crate::record::short::Short;
use crate::record::{CallSite, slots};

/// A call site as it looks in JSON.
#[derive(Debug)]
pub(in crate::format) struct Layout {
    site: &'static CallSite,
    /// `,"level":"INFO","fields":{"message":`, or the same without `fields`.
    begin: Vec<u8>,
    /// How much of that stands where there is no message.
    without_message: usize,
    /// `,"name":` of each field, where that is short and does not depend on the event.
    keys: Vec<Option<Short>>,
    /// `},"target":"…"`, or the same without the brace.
    target: Vec<u8>,
    /// `,"filename":"…","line_number":7`
    location: Vec<u8>,
}

impl Layout {
    pub(in crate::format) fn new(site: &'static CallSite, flat: bool) -> Self {
        let part = |write: &dyn Fn(&mut Object<'_>)| {
            let mut out = Vec::new();
            write(&mut Object { out: &mut out, first: false });
            out
        };
        let mut begin = part(&|object| object.string("level", site.level().as_str()));
        if !flat {
            begin.extend_from_slice(b",\"fields\":{");
        }
        let without_message = begin.len();
        begin.extend_from_slice(if flat { b",\"message\":" } else { b"\"message\":" });
        let mut target = if flat { Vec::new() } else { b"}".to_vec() };
        target.extend(part(&|object| object.string("target", site.target())));
        let key = |name: &'static str| match name.as_bytes() {
            // Whether that is taken is known only with the event.
            b"message" => None,
            name => Short::new(&part(&|object| object.field_key(name, flat && RESERVED.contains(&name)))),
        };
        Self {
            site,
            begin,
            without_message,
            keys: slots::names(site.fields()).map(key).collect(),
            target,
            location: part(&|object| object.location(site.file(), site.line())),
        }
    }

    /// What stands between the time and the message, or the first field where there is no message.
    #[inline]
    pub(super) fn begin(&self, has_message: bool, out: &mut Vec<u8>) {
        let end = if has_message { self.begin.len() } else { self.without_message };
        out.extend_from_slice(self.begin.get(..end).unwrap_or_default());
    }

    #[inline]
    pub(super) fn key(&self, field: usize) -> Option<&Short> {
        self.keys.get(field)?.as_ref()
    }

    #[cold]
    pub(super) fn name(&self, field: usize) -> &'static [u8] {
        slots::name(self.site.fields(), field).as_bytes()
    }

    #[inline]
    pub(super) fn target(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.target);
    }

    pub(super) fn location(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.location);
    }
}

impl Object<'_> {
    pub(super) fn location(&mut self, file: Option<&str>, line: Option<u32>) {
        if let Some(file) = file {
            self.string("filename", file);
        }
        if let Some(line) = line {
            self.key("line_number");
            number::u64(u64::from(line), self.out);
        }
    }
}
