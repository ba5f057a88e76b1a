//! Subjects (pure).

use tracing_handlers_core::Record;

/// The most characters of a subject.
pub(crate) const LONGEST: usize = 200;

/// Where a subject comes from: a text, or a function of the record. The `Kind` tells the compiler which.
pub trait IntoSubject<Kind> {
    /// A function that gives each record its subject.
    fn into_subject(self) -> Subject;
}

/// A function that gives each record its subject.
pub type Subject = Box<dyn Fn(&Record<'_>) -> String + Send>;

/// Marks a subject that is a text.
#[derive(Debug)]
pub enum Text {}

/// Marks a subject that is a function.
#[derive(Debug)]
pub enum Function {}

impl<S: Into<String>> IntoSubject<Text> for S {
    fn into_subject(self) -> Subject {
        let text = self.into();
        Box::new(move |_| text.clone())
    }
}

impl<F: Fn(&Record<'_>) -> String + Send + 'static> IntoSubject<Function> for F {
    fn into_subject(self) -> Subject {
        Box::new(self)
    }
}

/// `ERROR app::db: connection lost`.
pub(crate) fn of_record(record: &Record<'_>) -> String {
    // What is cut off later is not copied first.
    let message: String = record.message().chars().take(LONGEST).collect();
    format!("{} {}: {message}", record.level(), record.target())
}

/// One line of at most [`LONGEST`] characters: what would end a line or is not to be seen becomes a space, and `=?`, with which a text that
/// is encoded for headers begins (RFC 2047), gets one in its middle, so that nobody decodes it.
pub(crate) fn clean(subject: &str) -> String {
    let is_unseen =
        |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}');
    let mut cleaned: String = subject.chars().take(LONGEST).map(|c| if is_unseen(c) { ' ' } else { c }).collect();
    if subject.chars().nth(LONGEST).is_some() {
        cleaned.push('…');
    }
    cleaned.trim().replace("=?", "= ?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_line_and_short() {
        assert_eq!(clean("disk full\r\nBcc: evil@example.org\0"), "disk full  Bcc: evil@example.org");
        let long = clean(&"ü".repeat(10_000));
        assert_eq!((long.chars().count(), long.ends_with('…')), (LONGEST + 1, true));
        assert_eq!(clean(&"x".repeat(LONGEST)), "x".repeat(LONGEST));
        assert_eq!(clean("=?utf-8?b?DQpCY2M6IGV2aWw=?="), "= ?utf-8?b?DQpCY2M6IGV2aWw= ?=");
    }

    #[test]
    fn a_text_and_a_function_are_subjects() {
        let record = Record::builder().message("hello").build();
        let of = |subject: Subject| subject(&record.as_record());
        assert_eq!(of("Log".into_subject()), "Log");
        assert_eq!(of(String::from("Log").into_subject()), "Log");
        assert_eq!(of((|record: &Record<'_>| record.message().to_uppercase()).into_subject()), "HELLO");
    }
}
