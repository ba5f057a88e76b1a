//! A record on its way to its mail (pure): number, level, subject and text.

use tracing_handlers_core::{Error, Format, Level, Record};
use tracing_handlers_delivery::Encode;

use super::subject::{self, Subject};

/// Number, severity, length of the subject.
const HEAD: usize = 8 + 1 + 4;

/// Writes frames.
pub(crate) struct Encoder {
    format: Box<dyn Format>,
    subject: Subject,
    /// The number of the next frame. It makes the name of a mail, which is the same at every attempt.
    next: u64,
}

impl Encoder {
    pub(crate) fn new(format: Box<dyn Format>, subject: Subject) -> Self {
        Self { format, subject, next: 1 }
    }
}

impl Encode for Encoder {
    fn encode(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let subject = subject::clean(&(self.subject)(record));
        let length = u32::try_from(subject.len()).unwrap_or(0);
        out.extend_from_slice(&self.next.to_be_bytes());
        out.push(severity(record.level()));
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(subject.as_bytes());
        self.format.format(record, out);
        self.next += 1;
        Ok(())
    }
}

/// The more severe, the greater.
fn severity(level: Level) -> u8 {
    match level {
        Level::ERROR => 5,
        Level::WARN => 4,
        Level::INFO => 3,
        Level::DEBUG => 2,
        Level::TRACE => 1,
    }
}

/// A frame, read back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'f> {
    pub(crate) number: u64,
    pub(crate) severity: u8,
    pub(crate) subject: &'f [u8],
    pub(crate) text: &'f [u8],
}

impl<'f> Frame<'f> {
    /// `None` for what the encoder did not write.
    pub(crate) fn read(bytes: &'f [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD)?;
        let number = u64::from_be_bytes(head.get(..8)?.try_into().ok()?);
        let severity = *head.get(8)?;
        let length = u32::from_be_bytes(head.get(9..)?.try_into().ok()?);
        let (subject, text) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        Some(Self { number, severity, subject, text })
    }
}

#[cfg(test)]
mod tests {
    use super::super::subject::IntoSubject as _;
    use super::*;

    #[test]
    fn a_frame_reads_back() {
        let format = |record: &Record<'_>, out: &mut Vec<u8>| out.extend_from_slice(record.message().as_bytes());
        struct Message<F>(F);
        impl<F: Fn(&Record<'_>, &mut Vec<u8>) + Send + Sync + 'static> Format for Message<F> {
            fn format(&self, record: &Record<'_>, out: &mut Vec<u8>) {
                (self.0)(record, out);
            }
        }
        let mut encoder = Encoder::new(Box::new(Message(format)), "a\nb".into_subject());
        let (mut first, mut second) = (Vec::new(), Vec::new());
        encoder.encode(&Record::builder().message("one").build().as_record(), &mut first).unwrap();
        encoder.encode(&Record::builder().level(Level::ERROR).build().as_record(), &mut second).unwrap();
        assert_eq!(Frame::read(&first), Some(Frame { number: 1, severity: 3, subject: b"a b", text: b"one" }));
        assert_eq!(Frame::read(&second), Some(Frame { number: 2, severity: 5, subject: b"a b", text: b"" }));
        assert_eq!(Frame::read(b"short"), None);
    }
}
