//! From a record to the bytes of a syslog message, for whoever has a transport of their own (pure).
//!
//! [`Encoder`] does all of it; the modules are its parts.
//!
//! ```
//! use tracing_handlers_core::{Level, Record, Timestamp};
//! use tracing_handlers_syslog::{Protocol, SyslogHandler};
//!
//! let mut encoder = SyslogHandler::builder()
//!     .protocol(Protocol::Rfc5424)
//!     .hostname("web1")
//!     .ident("shop")
//!     .enterprise_number(32473)
//!     .encoder()?;
//!
//! let time = Timestamp::from_nanos(1_700_000_000_250_000_000);
//! let record = Record::builder().timestamp(time).process_id(42).level(Level::WARN).message("slow").field("millis", 812_u64);
//! encoder.messages(&record.build().as_record(), |message| {
//!     let expected = r#"<12>1 2023-11-14T22:13:20.250000Z web1 shop 42 - [fields@32473 millis="812"] slow"#;
//!     assert_eq!(message, expected.as_bytes());
//! });
//! # Ok::<(), tracing_handlers_core::Error>(())
//! ```

mod encoder;
pub mod framing;
pub mod python;
#[cfg(feature = "relp")]
pub(crate) mod relp;
pub mod rfc3164;
pub mod rfc5424;
pub(crate) mod standard;
pub mod structured_data;
mod text;

use tracing_handlers_core::Timestamp;
use tracing_handlers_core::format::Zone;

pub(crate) use self::encoder::Layout;
pub use self::encoder::{Encoder, Protocol};
pub use self::framing::Framing;
pub use self::text::{Forbidden, Newlines};

/// What stands in front of a message.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// Facility and severity.
    pub priority: u8,
    /// When it happened.
    pub timestamp: Timestamp,
    /// In which zone that is written.
    pub zone: Zone,
    /// Where; may be empty.
    pub hostname: &'a str,
    /// The program.
    pub app_name: &'a str,
    /// The process; 0 is none.
    pub process_id: u32,
    /// The kind of message; may be empty.
    pub message_id: &'a str,
}

/// The time as RFC 3339 has it, which is 27 or 32 bytes.
fn rfc3339(header: &Header<'_>) -> Vec<u8> {
    let mut text = Vec::with_capacity(32);
    header.zone.write_rfc3339(header.timestamp, &mut text);
    text
}

/// Appends what is allowed of a text, `_` for each character that is not, up to `longest` bytes.
fn clean(text: &str, longest: usize, is_allowed: impl Fn(u8) -> bool, out: &mut Vec<u8>) {
    let byte = |char: char| u8::try_from(char).ok().filter(|byte| byte.is_ascii() && is_allowed(*byte)).unwrap_or(b'_');
    out.extend(text.chars().map(byte).take(longest));
}

/// Appends a number.
fn number(value: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let (mut rest, mut first) = (value, digits.len());
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (rest % 10) as u8;
        (rest, first) = (rest / 10, at);
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(first..).unwrap_or_default());
}
