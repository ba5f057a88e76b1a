//! `Encoder`: a record becomes one message or, where its lines are split, several (pure).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_handlers_core::format::{Format, Zone};
use tracing_handlers_core::{Error, Level, Record};
use tracing_handlers_delivery::Encode;

use super::framing::Framing;
use super::standard::{self, Standard};
use super::text::{self, Forbidden, Newlines};
use super::{Header, python, rfc3164, rfc5424, structured_data};
use crate::priority::{Facility, Severity, encode_priority};

/// What messages look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `<14>Nov 14 22:13:20 host app[42]: text`: what every daemon reads.
    Rfc3164,
    /// `<14>1 2023-11-14T22:13:20.250000Z host app 42 - - text`: years, zones, microseconds, structured data.
    Rfc5424,
    /// CPython's bytes: priority, ident, text and a NUL.
    Python,
}

/// Which severity a level has.
pub(crate) type LevelMap = Box<dyn Fn(Level) -> Severity + Send + Sync>;

/// The settings of an encoder.
pub(crate) struct Layout {
    pub(crate) protocol: Protocol,
    pub(crate) facility: Facility,
    pub(crate) level_map: LevelMap,
    pub(crate) time: rfc3164::Time,
    pub(crate) zone: Zone,
    pub(crate) hostname: String,
    pub(crate) ident: String,
    pub(crate) message_id: String,
    pub(crate) enterprise: Option<u32>,
    pub(crate) standard: Standard,
    pub(crate) bom: bool,
    pub(crate) newlines: Newlines,
    pub(crate) forbidden: Forbidden,
    /// Of Python's message.
    pub(crate) ends_with_nul: bool,
    pub(crate) max_bytes: usize,
    /// What stands between messages; a datagram has nothing.
    pub(crate) framing: Option<Framing>,
}

/// Turns records into syslog messages. [`SyslogHandlerBuilder::encoder`](crate::SyslogHandlerBuilder::encoder) makes one.
pub struct Encoder {
    layout: Layout,
    format: Box<dyn Format>,
    text: Vec<u8>,
    line: Vec<u8>,
    message: Vec<u8>,
    /// The number of the next message.
    sequence: u32,
    cut: Arc<AtomicU64>,
}

impl Encoder {
    pub(crate) fn new(layout: Layout, format: Box<dyn Format>) -> Self {
        Self { layout, format, text: Vec::new(), line: Vec::new(), message: Vec::new(), sequence: 1, cut: Arc::default() }
    }

    /// Calls `each` with every message that the record becomes, without framing: one, unless lines are split.
    pub fn messages(&mut self, record: &Record<'_>, mut each: impl FnMut(&[u8])) {
        self.text.clear();
        self.format.format(record, &mut self.text);
        let Self { layout, text, line, message, sequence, cut, .. } = self;
        let mut one = |text: &[u8]| {
            line.clear();
            layout.forbidden.escaped(text, line);
            message.clear();
            if layout.message(record, line, *sequence, message) {
                cut.fetch_add(1, Ordering::Relaxed);
            }
            *sequence = standard::next(*sequence);
            each(message);
        };
        match layout.newlines {
            Newlines::Split => text::lines(text).for_each(one),
            Newlines::Keep | Newlines::Escape => one(text),
        }
    }

    /// How many messages were cut, or had fields left out, because of `max_message_bytes`.
    pub fn cut_messages(&self) -> u64 {
        self.cut.load(Ordering::Relaxed)
    }

    /// The counter of [`cut_messages`](Self::cut_messages), which outlives the way to another thread.
    pub(crate) fn cut_counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.cut)
    }
}

impl Encode for Encoder {
    fn encode(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let framing = self.layout.framing;
        self.messages(record, |message| match framing {
            Some(framing) => framing.frame(message, out),
            None => out.extend_from_slice(message),
        });
        Ok(())
    }
}

impl Layout {
    /// Appends the message; says whether something had to be left out.
    fn message(&self, record: &Record<'_>, text: &[u8], sequence: u32, out: &mut Vec<u8>) -> bool {
        let header = self.header(record);
        let mut is_cut = false;
        match self.protocol {
            Protocol::Rfc3164 => rfc3164::header(&header, self.time, out),
            Protocol::Python => python::header(header.priority, &self.ident, out),
            Protocol::Rfc5424 => {
                rfc5424::header(&header, out);
                is_cut |= self.structured_data(record, text.len(), sequence, out);
                // Daemons want the space also before an empty text.
                out.push(b' ');
                if self.bom && !text.is_ascii() {
                    out.extend_from_slice("\u{feff}".as_bytes());
                }
            }
        }
        let room = self.max_bytes.saturating_sub(out.len() + usize::from(self.ends_with_nul));
        is_cut |= text::cut(text, room, out);
        if self.ends_with_nul {
            out.push(0);
        }
        is_cut
    }

    fn structured_data(&self, record: &Record<'_>, text_bytes: usize, sequence: u32, out: &mut Vec<u8>) -> bool {
        self.standard.write(self.enterprise, sequence, self.forbidden, out);
        let Some(enterprise) = self.enterprise else {
            if self.standard.is_empty() {
                out.push(b'-');
            }
            return false;
        };
        // A quarter of the message is for the text, if it needs as much.
        let for_text = text_bytes.min(self.max_bytes / 4) + "\u{feff} ".len();
        let room = self.max_bytes.saturating_sub(out.len() + for_text);
        let start = out.len();
        let omitted = structured_data::write(record, enterprise, self.forbidden, room, out);
        // The mark of nothing, behind something.
        if !self.standard.is_empty() && out.get(start..) == Some(b"-".as_slice()) {
            out.truncate(start);
        }
        omitted > 0
    }

    fn header(&self, record: &Record<'_>) -> Header<'_> {
        Header {
            priority: encode_priority(self.facility, (self.level_map)(record.level())),
            timestamp: record.timestamp(),
            zone: self.zone,
            hostname: &self.hostname,
            app_name: &self.ident,
            process_id: record.process_id(),
            message_id: &self.message_id,
        }
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("protocol", &self.layout.protocol).finish_non_exhaustive()
    }
}
