//! A record on its way to its mail (pure): number, level, subject, text and, where it is wanted, HTML.

use tracing_handlers_core::{Error, Format, Level, Record};
use tracing_handlers_delivery::Encode;

use super::html;
use super::subject::{self, Subject};

/// Number, severity, lengths of subject and text.
const HEAD: usize = 8 + 1 + 4 + 4;

/// Writes frames.
pub(crate) struct Encoder {
    format: Box<dyn Format>,
    subject: Subject,
    html: bool,
    /// The number of the next frame. It makes the name of a mail, which is the same at every attempt.
    next: u64,
}

impl Encoder {
    pub(crate) fn new(format: Box<dyn Format>, subject: Subject, html: bool) -> Self {
        Self { format, subject, html, next: 1 }
    }
}

impl Encode for Encoder {
    fn encode(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let subject = subject::clean(&(self.subject)(record));
        out.extend_from_slice(&self.next.to_be_bytes());
        out.push(severity(record.level()));
        out.extend_from_slice(&length(subject.len())?);
        let place = out.len();
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(subject.as_bytes());
        let start = out.len();
        self.format.format(record, out);
        let of_text = length(out.len().saturating_sub(start))?;
        if let Some(place) = out.get_mut(place..).and_then(<[u8]>::first_chunk_mut) {
            *place = of_text;
        }
        if self.html {
            html::record(record, out);
        }
        self.next += 1;
        Ok(())
    }
}

fn length(length: usize) -> Result<[u8; 4], Error> {
    let length = u32::try_from(length).map_err(|error| Error::new(format!("write a mail: {error}")))?;
    Ok(length.to_be_bytes())
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
    /// Empty where none was wanted.
    pub(crate) html: &'f [u8],
}

impl<'f> Frame<'f> {
    /// `None` for what the encoder did not write.
    pub(crate) fn read(bytes: &'f [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD)?;
        let number = u64::from_be_bytes(head.get(..8)?.try_into().ok()?);
        let severity = *head.get(8)?;
        let length = |at| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?) as usize);
        let (subject, rest) = rest.split_at_checked(length(9)?)?;
        let (text, html) = rest.split_at_checked(length(13)?)?;
        Some(Self { number, severity, subject, text, html })
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
        let mut encoder = Encoder::new(Box::new(Message(format)), "a\nb".into_subject(), false);
        let (mut first, mut second) = (Vec::new(), Vec::new());
        encoder.encode(&Record::builder().message("one").build().as_record(), &mut first).unwrap();
        encoder.encode(&Record::builder().level(Level::ERROR).build().as_record(), &mut second).unwrap();
        assert_eq!(Frame::read(&first), Some(Frame { number: 1, severity: 3, subject: b"a b", text: b"one", html: b"" }));
        assert_eq!(Frame::read(&second), Some(Frame { number: 2, severity: 5, subject: b"a b", text: b"", html: b"" }));
        assert_eq!(Frame::read(b"short"), None);
        assert_eq!(Frame::read(first.get(..first.len() - 1).unwrap()), None);
        let mut both = Vec::new();
        encoder.html = true;
        encoder.encode(&Record::builder().message("one").build().as_record(), &mut both).unwrap();
        let frame = Frame::read(&both).unwrap();
        assert_eq!((frame.text, frame.html.starts_with(b"<div"), frame.html.ends_with(b"</div>\n")), (&b"one"[..], true, true));
    }
}
