//! Events that came from the `log` crate through `tracing-log`: their real call site is in fields of the event.

use std::error::Error as StdError;
use std::fmt;

use tracing_core::field::Visit;
use tracing_core::{Field, Metadata};

use super::visit::Captured;
use crate::record::{CallSite, Site, Told};

/// What a `log` record says of its call site.
#[derive(Debug, Default)]
pub(super) struct LogMeta {
    target: String,
    module_path: String,
    file: String,
    line: Option<u32>,
}

impl LogMeta {
    /// Whether events of this call site are `log` records.
    #[inline]
    pub(super) fn is_bridge(metadata: &Metadata<'_>) -> bool {
        metadata.target() == "log" && metadata.name() == "log event"
    }

    /// For another event.
    pub(super) fn cleared(&mut self) -> &mut Self {
        self.target.clear();
        self.module_path.clear();
        self.file.clear();
        self.line = None;
        self
    }

    /// Takes the bridge's own fields; says whether this was one.
    fn take_str(&mut self, name: &str, value: &str) -> bool {
        let place = match name {
            "log.target" => &mut self.target,
            "log.module_path" => &mut self.module_path,
            "log.file" => &mut self.file,
            _ => return false,
        };
        place.push_str(value);
        true
    }

    fn take_u64(&mut self, name: &str, value: u64) -> bool {
        let is_line = name == "log.line";
        if is_line {
            self.line = u32::try_from(value).ok();
        }
        is_line
    }

    /// The real call site, in the place of the bridge's.
    pub(super) fn told<'a>(&'a self, bridge: &'static CallSite) -> Told<'a> {
        let present = |text: &'a String| (!text.is_empty()).then_some(text.as_str());
        Told {
            target: present(&self.target).unwrap_or(bridge.target()),
            module_path: present(&self.module_path),
            file: present(&self.file),
            line: self.line,
            ..Site::Code(bridge).told()
        }
    }
}

/// Takes the bridge's own fields out; all others are captured.
pub(super) struct LogVisitor<'a> {
    pub(super) log: &'a mut LogMeta,
    pub(super) others: &'a mut Captured,
}

impl Visit for LogVisitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if !self.log.take_str(field.name(), value) {
            self.others.record_str(field, value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if !self.log.take_u64(field.name(), value) {
            self.others.record_u64(field, value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.others.record_debug(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn StdError + 'static)) {
        self.others.record_error(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.others.record_bool(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.others.record_i64(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.others.record_f64(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.others.record_i128(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.others.record_u128(field, value);
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.others.record_bytes(field, value);
    }
}
