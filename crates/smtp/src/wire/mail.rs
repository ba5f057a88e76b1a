//! One mail of several frames (pure).

use tracing_handlers_delivery::Frames;

use super::frame::Frame;
use super::html;

/// What a mail says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Mail {
    /// The first and the last record that it tells of.
    pub(crate) numbers: (u64, u64),
    pub(crate) subject: String,
    pub(crate) text: String,
    /// The same as a page, where it is wanted.
    pub(crate) html: Option<String>,
}

impl Mail {
    /// The mail of these records: the subject of the first of the most severe, and the texts in their order. `left_out` are records
    /// before it that were never sent, and why.
    pub(crate) fn of(frames: &Frames, left_out: Option<(u64, &str)>) -> Self {
        let mut mail = Self::default();
        let (mut worst, mut parts) = (0, String::new());
        for frame in frames.iter().filter_map(Frame::read) {
            if mail.numbers.0 == 0 {
                mail.numbers.0 = frame.number;
            } else {
                mail.text.push('\n');
            }
            mail.numbers.1 = frame.number;
            mail.text.push_str(String::from_utf8_lossy(frame.text).trim_end_matches(['\r', '\n']));
            parts.push_str(&String::from_utf8_lossy(frame.html));
            if frame.severity > worst {
                worst = frame.severity;
                mail.subject = String::from_utf8_lossy(frame.subject).into_owned();
            }
        }
        if frames.len() > 1 {
            mail.subject.push_str(&format!(" ({} records)", frames.len()));
        }
        let left_out = left_out.filter(|(count, _)| *count > 0);
        let note = left_out.map(|(count, why)| format!("{count} earlier records were left out: {why}"));
        if let Some(note) = &note {
            mail.text.push_str("\n\n");
            mail.text.push_str(note);
        }
        mail.html = (!parts.is_empty()).then(|| html::page(&parts, note.as_deref()));
        mail
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::Encoder;
    use super::super::subject::of_record;
    use super::*;
    use tracing_handlers_core::format::Pattern;
    use tracing_handlers_core::{Error, Level, Record, Timestamp};
    use tracing_handlers_delivery::Encode as _;

    fn frames(records: &[(Level, &str)]) -> Frames {
        encoded(records, false)
    }

    fn encoded(records: &[(Level, &str)], html: bool) -> Frames {
        let mut encoder = Encoder::new(Box::new(Pattern::percent("%(message)s").unwrap()), Box::new(of_record), html);
        let mut frames = Frames::new();
        for (level, message) in records {
            let record = Record::builder().level(*level).target("app").message(*message).build();
            frames.push::<Error>(Timestamp::default(), |out| encoder.encode(&record.as_record(), out)).unwrap();
        }
        frames
    }

    #[test]
    fn a_digest_keeps_the_order_and_has_the_subject_of_the_worst() {
        let frames = frames(&[(Level::INFO, "begin"), (Level::ERROR, "broken"), (Level::ERROR, "worse"), (Level::INFO, "end")]);
        let mail = Mail::of(&frames, None);
        assert_eq!(mail.text, "begin\nbroken\nworse\nend");
        assert_eq!(mail.subject, "ERROR app: broken (4 records)");
        assert_eq!(mail.numbers, (1, 4));
    }

    #[test]
    fn a_mail_says_what_was_left_out_before_it() {
        let mail = Mail::of(&frames(&[(Level::ERROR, "again")]), Some((7, "more than 10 mails in 60s")));
        assert_eq!(mail.text, "again\n\n7 earlier records were left out: more than 10 mails in 60s");
        assert_eq!(mail.subject, "ERROR app: again");
    }
    #[test]
    fn a_page_has_what_the_text_has() {
        let mail = Mail::of(&encoded(&[(Level::INFO, "begin"), (Level::ERROR, "broken")], true), Some((7, "a crash loop")));
        let page = mail.html.unwrap();
        let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text}: {page}"));
        assert!(at(">begin<") < at(">broken<") && at(">broken<") < at("7 earlier records were left out: a crash loop"));
        assert_eq!(Mail::of(&frames(&[(Level::INFO, "begin")]), None).html, None);
    }
}
