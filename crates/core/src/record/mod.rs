//! One log record: a borrowed view ([`Record`]) and its owned bytes ([`RecordBuf`]).
//!
//! A record is one MessagePack map, described in `docs/wire-format.md`. Nothing past `capture` knows that `tracing` exists:
//! a handler can be fed with records made by hand.
//!
//! ```
//! use tracing_handlers_core::{Level, Record, Value};
//!
//! let owned = Record::builder()
//!     .level(Level::WARN)
//!     .target("app::db")
//!     .message("slow query")
//!     .field("millis", 812_u64)
//!     .span("request", "app", [("id", "7f3a".into())])
//!     .build();
//!
//! let record = owned.as_record();
//! assert_eq!(record.message(), "slow query");
//! assert_eq!(record.field("millis"), Some(Value::I64(812)));
//! assert_eq!(record.spans().next().map(|span| span.name()), Some("request"));
//!
//! // The bytes are the record; whoever receives them sees the same.
//! let bytes = owned.as_bytes();
//! assert_eq!(Record::decode(bytes)?.message(), "slow query");
//! # Ok::<(), tracing_handlers_core::record::DecodeError>(())
//! ```

mod builder;
pub(crate) mod encode;
mod fields;
mod owned;
pub(crate) mod read;
mod serde;
pub(crate) mod short;
pub(crate) mod site_table;
mod sites;
pub(crate) mod slots;
mod spans;
mod value;

use std::fmt;

pub use self::builder::RecordBuilder;
pub use self::fields::Fields;
pub use self::owned::RecordBuf;
pub use self::sites::Sites;
pub(crate) use self::spans::RawSpan;
pub use self::spans::{SpanRecord, Spans};
pub use self::value::{ErrorChain, Value, ValueBuf};

use self::encode::key;
use self::read::Reader;
use crate::{Level, Timestamp};

/// A borrowed log record.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    pub(crate) head: Head<'a>,
    pub(crate) message: Message<'a>,
    pub(crate) fields: Fields<'a>,
    pub(crate) spans: Spans<'a>,
    pub(crate) omitted: u32,
}

/// Where the message of a record is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Message<'a> {
    /// UTF-8. Bytes, as formats look at each of them anyway, and who reads a batch need not look twice.
    Text(&'a [u8]),
    /// Among the fields, in the [slot](slots) at this place.
    Slot(u32),
}

/// What never changes at a call site.
pub(crate) type CallSite = tracing_core::Metadata<'static>;

/// All that is neither message, fields nor spans.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    pub(crate) time: Timestamp,
    pub(crate) site: Site<'a>,
    pub(crate) thread_id: Option<u64>,
    pub(crate) thread_name: Option<&'a str>,
    pub(crate) process_id: u32,
}

/// Where a record comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Site<'a> {
    /// A call site of this process: inside of it nothing of that need be copied.
    Code(&'static CallSite),
    /// One that is told of.
    Told(Told<'a>),
}

/// What is told of a call site.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'a> {
    pub(crate) level: Level,
    pub(crate) target: &'a str,
    pub(crate) name: &'a str,
    pub(crate) module_path: Option<&'a str>,
    pub(crate) file: Option<&'a str>,
    pub(crate) line: Option<u32>,
}

impl Told<'_> {
    pub(crate) const NOTHING: Self =
        Self { level: Level::INFO, target: "", name: "", module_path: None, file: None, line: None };
}

impl<'a> Site<'a> {
    /// The whole of it.
    pub(crate) fn told(self) -> Told<'a> {
        match self {
            Self::Code(site) => Told {
                level: *site.level(),
                target: site.target(),
                name: site.name(),
                module_path: site.module_path(),
                file: site.file(),
                line: site.line(),
            },
            Self::Told(told) => told,
        }
    }
}

impl Head<'_> {
    pub(crate) const EMPTY: Self = Self {
        time: Timestamp::from_nanos(0),
        site: Site::Told(Told::NOTHING),
        thread_id: None,
        thread_name: None,
        process_id: 0,
    };
}

impl<'a> Record<'a> {
    pub(crate) const EMPTY: Self =
        Self { head: Head::EMPTY, message: Message::Text(b""), fields: Fields::EMPTY, spans: Spans::EMPTY, omitted: 0 };

    /// Starts a record made by hand, for tests and for sources other than `tracing`.
    pub fn builder() -> RecordBuilder {
        RecordBuilder::default()
    }

    /// Reads a record from bytes that may come from anyone.
    ///
    /// Unknown keys are stepped over, so a newer sender can be read; a known key with a value of another type, a text that
    /// is not UTF-8, a length beyond the end or bytes after the end are errors.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] with the offset at which the bytes stopped making sense.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let record = Self::read(&mut reader).filter(|record| reader.rest().is_empty() && record.is_valid());
        record.ok_or(DecodeError { offset: bytes.len() - reader.rest().len() })
    }

    /// Reads what our encoder wrote.
    pub(crate) fn from_encoded(bytes: &'a [u8]) -> Self {
        Self::read(&mut Reader::new(bytes)).unwrap_or(Self::EMPTY)
    }

    /// Reads the map without looking into fields and spans.
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let (mut record, mut told) = (Self::EMPTY, Told::NOTHING);
        for _ in 0..reader.map_len()? {
            match reader.str()? {
                key::TIMESTAMP => record.head.time = Timestamp::from_nanos(reader.signed()?),
                key::LEVEL => told.level = level_from(reader.str()?)?,
                key::TARGET => told.target = reader.str()?,
                key::NAME => told.name = reader.str()?,
                key::MODULE => told.module_path = Some(reader.str()?),
                key::FILE => told.file = Some(reader.str()?),
                key::LINE => told.line = Some(u32::try_from(reader.unsigned()?).ok()?),
                key::THREAD_ID => record.head.thread_id = Some(reader.unsigned()?),
                key::THREAD_NAME => record.head.thread_name = Some(reader.str()?),
                key::PROCESS_ID => record.head.process_id = u32::try_from(reader.unsigned()?).ok()?,
                key::MESSAGE => record.message = Message::Text(reader.str()?.as_bytes()),
                key::FIELDS => record.fields = Fields::read(reader)?,
                key::SPANS => record.spans = Spans::read(reader)?,
                key::OMITTED => record.omitted = u32::try_from(reader.unsigned()?).ok()?,
                _ => reader.skip()?,
            }
        }
        record.head.site = Site::Told(told);
        Some(record)
    }

    fn is_valid(&self) -> bool {
        self.fields.is_valid() && self.spans.is_valid()
    }

    /// Appends the record's MessagePack to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode::record(out, self);
    }

    /// A copy that owns its bytes.
    pub fn to_buf(&self) -> RecordBuf {
        RecordBuf::from_record(self)
    }

    /// When the event was raised.
    pub fn timestamp(&self) -> Timestamp {
        self.head.time
    }

    /// How important it is.
    #[inline]
    pub fn level(&self) -> Level {
        match self.head.site {
            Site::Code(site) => *site.level(),
            Site::Told(told) => told.level,
        }
    }

    /// What part of the program it is about; the module path unless the call site says otherwise.
    pub fn target(&self) -> &'a str {
        match self.head.site {
            Site::Code(site) => site.target(),
            Site::Told(told) => told.target,
        }
    }

    /// The call site's name, `event src/main.rs:12` unless it says otherwise.
    pub fn name(&self) -> &'a str {
        match self.head.site {
            Site::Code(site) => site.name(),
            Site::Told(told) => told.name,
        }
    }

    /// The module of the call site.
    pub fn module_path(&self) -> Option<&'a str> {
        match self.head.site {
            Site::Code(site) => site.module_path(),
            Site::Told(told) => told.module_path,
        }
    }

    /// The source file of the call site.
    pub fn file(&self) -> Option<&'a str> {
        match self.head.site {
            Site::Code(site) => site.file(),
            Site::Told(told) => told.file,
        }
    }

    /// The line of the call site.
    pub fn line(&self) -> Option<u32> {
        match self.head.site {
            Site::Code(site) => site.line(),
            Site::Told(told) => told.line,
        }
    }

    /// The number of the thread: that of [`std::thread::ThreadId`], counted from 1 in each process.
    pub fn thread_id(&self) -> Option<u64> {
        self.head.thread_id
    }

    /// The name of the thread, where it has one.
    pub fn thread_name(&self) -> Option<&'a str> {
        self.head.thread_name
    }

    /// The process.
    pub fn process_id(&self) -> u32 {
        self.head.process_id
    }

    /// The message, merged.
    pub fn message(&self) -> &'a str {
        std::str::from_utf8(self.message_bytes()).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn message_bytes(&self) -> &'a [u8] {
        match self.message {
            Message::Text(text) => text,
            Message::Slot(place) => slots::text_at(self.fields.bytes, place),
        }
    }

    /// The event's own fields, in order, without the message.
    pub fn fields(&self) -> Fields<'a> {
        self.fields
    }

    /// The event's field of that name.
    pub fn field(&self, name: &str) -> Option<Value<'a>> {
        self.fields.find(name)
    }

    /// The spans that the event was raised in, from root to leaf.
    pub fn spans(&self) -> Spans<'a> {
        self.spans
    }

    /// How many fields were left out because of the limits on capture.
    pub fn omitted_fields(&self) -> u32 {
        self.omitted
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("head", &self.head)
            .field("message", &self.message())
            .field("fields", &self.fields)
            .field("spans", &self.spans)
            .field("omitted", &self.omitted)
            .finish()
    }
}

/// The bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    offset: usize,
}

impl DecodeError {
    /// About where the bytes stopped making sense.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a record: malformed at byte {}", self.offset)
    }
}

impl std::error::Error for DecodeError {}

fn level_from(name: &str) -> Option<Level> {
    [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR].into_iter().find(|level| level.as_str() == name)
}
