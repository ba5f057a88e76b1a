//! Python's format strings: `%(asctime)s %(levelname)-8s %(message)s` and `{asctime} {levelname:<8} {message}`.

mod attribute;
mod parse;
mod spec;

use time::OffsetDateTime;
use time::format_description::{OwnedFormatItem, parse_strftime_owned};

use self::attribute::{Attribute, Number, Part};
use self::parse::Piece;
use self::spec::Spec;
use super::{Format, Zone, escape, python, text, value};
use crate::{Error, Record, Timestamp, clock};

/// A format string of Python's `logging`, in `%` style or `{}` style.
///
/// ```
/// use tracing_handlers_core::{Level, Record, Timestamp};
/// use tracing_handlers_core::format::{Format, Pattern, Zone};
///
/// let record = Record::builder()
///     .timestamp(Timestamp::from_nanos(1_700_000_000_250_000_000))
///     .level(Level::WARN)
///     .target("app::db")
///     .message("slow\nquery")
///     .field("millis", 812_u64)
///     .build();
/// let line = |pattern: Pattern| {
///     let mut line = Vec::new();
///     pattern.zone(Zone::Utc).format(&record.as_record(), &mut line);
///     String::from_utf8_lossy(&line).into_owned()
/// };
///
/// let percent = Pattern::percent("%(asctime)s %(levelname)-8s %(name)s %(message)s (%(millis)05d ms)")?;
/// assert_eq!(line(percent), r"2023-11-14 22:13:20,250 WARNING  app::db slow\nquery (00812 ms)");
///
/// let brace = Pattern::brace("{asctime} [{levelname:^9}] {message}")?.datefmt("%H:%M")?;
/// assert_eq!(line(brace), r"22:13 [ WARNING ] slow\nquery");
///
/// let error = Pattern::percent("%(message)q").unwrap_err();
/// assert!(error.is_config() && error.to_string().contains("%(message)q"));
/// # Ok::<(), tracing_handlers_core::Error>(())
/// ```
///
/// | attribute | is |
/// |---|---|
/// | `name`, `target` | the target |
/// | `message`, `msg` | the message |
/// | `levelname`, `levelno` | `ERROR` 40, `WARNING` 30, `INFO` 20, `DEBUG` 10, `TRACE` 5 |
/// | `asctime` | the time, by [`datefmt`](Pattern::datefmt) or as `2023-11-14 22:13:20,250` |
/// | `created`, `msecs` | seconds since the epoch, and the milliseconds into the second; numbers with a point, as in Python |
/// | `relativeCreated` | milliseconds since [`relative_to`](Pattern::relative_to) |
/// | `pathname`, `filename`, `module`, `lineno` | the source file, its last part, that without its extension, and the line |
/// | `funcName` | the name of the innermost span, which `#[instrument]` takes from the function |
/// | `thread`, `threadName`, `process` | number and name of the thread, number of the process |
/// | `processName` | this program's file name without its extension |
/// | `taskName` | `None` |
/// | `fields`, `spans` | the event's fields as `a=1 b=2`, the spans as `outer{a=1}:inner` |
/// | any other name | the event's field of that name, or that of the innermost span that has it |
///
/// | setting | default |
/// |---|---|
/// | [`datefmt`](Pattern::datefmt) | Python's, with milliseconds |
/// | [`zone`](Pattern::zone) | the system's zone, as in Python |
/// | [`missing`](Pattern::missing): for what a record does not have | empty |
/// | [`relative_to`](Pattern::relative_to) | when the program made its first pattern |
///
/// Conversions are `s`, `r` (the same here), `d`, `i` and `f`, with flags, width and precision; in `{}` style fill, alignment,
/// sign, width, precision, the types `s`, `d`, `f` and the conversions `!s` and `!r`. A pattern that Python would refuse for an
/// attribute (`%(message)d`) is refused when it is made; a field that turns out not to be a number is written as its text. Width
/// and precision count characters.
///
/// # Differs from Python
///
/// The text of a record is escaped, the pattern's own is not: no message can start a line. A name that no record has is not an
/// error but [`missing`](Pattern::missing), since any name may be a field's.
#[derive(Clone, Debug)]
pub struct Pattern {
    pieces: Vec<Piece>,
    zone: Zone,
    date: Option<OwnedFormatItem>,
    missing: String,
    origin: Timestamp,
    process_name: String,
}

impl Pattern {
    /// A pattern in `%` style: `%(levelname)s: %(message)s`.
    ///
    /// # Errors
    ///
    /// A configuration error that names what in the pattern is wrong.
    pub fn percent(pattern: &str) -> Result<Self, Error> {
        Self::new(pattern, parse::percent(pattern))
    }

    /// A pattern in `{}` style: `{levelname}: {message}`.
    ///
    /// # Errors
    ///
    /// A configuration error that names what in the pattern is wrong.
    pub fn brace(pattern: &str) -> Result<Self, Error> {
        Self::new(pattern, parse::brace(pattern))
    }

    fn new(pattern: &str, pieces: Result<Vec<Piece>, String>) -> Result<Self, Error> {
        let pieces = pieces.map_err(|why| Error::config("pattern", format_args!("{pattern:?}"), why))?;
        Ok(Self {
            pieces,
            zone: Zone::Local,
            date: None,
            missing: String::new(),
            origin: clock::first_asked(),
            process_name: python::process_name(),
        })
    }

    /// How `asctime` is written, in the notation of `strftime`: `%Y-%m-%dT%H:%M:%S%z`. Names of days and months are English.
    ///
    /// # Errors
    ///
    /// A configuration error for a specifier that is not known, or that cannot be written the way C writes it (`%Z`, `%w`).
    pub fn datefmt(mut self, datefmt: &str) -> Result<Self, Error> {
        let refuse = |why: &dyn std::fmt::Display| Error::config("datefmt", format_args!("{datefmt:?}"), why);
        if datefmt.is_empty() {
            return Err(refuse(&"must not be empty"));
        }
        if parse::has_weekday_number(datefmt) {
            return Err(refuse(&"`%w` is not supported, `%u` is"));
        }
        let format = parse_strftime_owned(datefmt).map_err(|error| refuse(&error))?;
        OffsetDateTime::UNIX_EPOCH.format(&format).map_err(|error| refuse(&error))?;
        self.date = Some(format);
        Ok(self)
    }

    /// In which zone `asctime` is written.
    #[must_use]
    pub fn zone(mut self, zone: Zone) -> Self {
        self.zone = zone;
        self
    }

    /// What is written for an attribute or a field that a record does not have; it is not escaped.
    #[must_use]
    pub fn missing(mut self, text: &str) -> Self {
        text.clone_into(&mut self.missing);
        self
    }

    /// From when on `relativeCreated` counts.
    #[must_use]
    pub fn relative_to(mut self, start: Timestamp) -> Self {
        self.origin = start;
        self
    }

    /// Writes the attribute, then fits what was written into its width.
    fn field(&self, attribute: &Attribute, spec: &Spec, record: &Record<'_>, out: &mut Vec<u8>) {
        let (start, part) = (out.len(), attribute.part(record));
        let is_number = matches!(part, Part::Number(_) | Part::RelativeCreated);
        match part {
            Part::Text(text) => escape::text(text, out),
            Part::Value(value) => value::bare(value, out),
            Part::Number(number) => spec.number(number, out),
            Part::RelativeCreated => spec.number(self.relative(record.timestamp()), out),
            Part::Asctime => self.asctime(record.timestamp(), out),
            Part::ProcessName => escape::text(&self.process_name, out),
            Part::Fields => fields(record, out),
            Part::Spans => spans(record, out),
            Part::Missing => out.extend_from_slice(self.missing.as_bytes()),
        }
        spec.fit(out, start, is_number);
    }

    /// Milliseconds since the origin.
    fn relative(&self, stamp: Timestamp) -> Number {
        Number::Float((i128::from(stamp.as_nanos()) - i128::from(self.origin.as_nanos())) as f64 / 1e6)
    }

    fn asctime(&self, stamp: Timestamp, out: &mut Vec<u8>) {
        let Some(format) = &self.date else { return self.zone.write_asctime(stamp, out) };
        let (start, local) = (out.len(), stamp.to_utc().to_offset(self.zone.offset_at(stamp)));
        // `datefmt` tried the format out; should a date be beyond it all the same, the time is still written.
        if local.format_into(out, format).is_err() {
            out.truncate(start);
            self.zone.write_asctime(stamp, out);
        }
    }
}

impl Format for Pattern {
    fn format(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Field(attribute, spec) => self.field(attribute, spec, record, out),
            }
        }
    }
}

fn fields(record: &Record<'_>, out: &mut Vec<u8>) {
    text::fields(record.fields(), out, false);
    text::omitted(record, out);
}

fn spans(record: &Record<'_>, out: &mut Vec<u8>) {
    for (index, span) in record.spans().enumerate() {
        if index > 0 {
            out.push(b':');
        }
        escape::text(span.name(), out);
        if !span.fields().is_empty() {
            out.push(b'{');
            text::fields(span.fields(), out, false);
            out.push(b'}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Level;
    use crate::record::{RecordBuf, ValueBuf};

    fn record() -> RecordBuf {
        Record::builder()
            .timestamp(Timestamp::from_nanos(1_700_000_000_007_900_000))
            .level(Level::WARN)
            .target("app::db")
            .file("src/db/pool.rs")
            .line(42)
            .thread_id(3)
            .thread_name("worker")
            .process_id(77)
            .message("häl\nlo")
            .field("millis", 812_u64)
            .field("share", 0.75)
            .field("user", "eve\u{1b}[2J")
            .span("outer", "app", [("id", "root".into()), ("peer", "p1".into())])
            .span("inner", "app", [("id", ValueBuf::from(7_u64))])
            .build()
    }

    fn write(pattern: Pattern, record: &RecordBuf) -> String {
        let mut out = b"kept".to_vec();
        pattern.zone(Zone::Utc).format(&record.as_record(), &mut out);
        String::from_utf8(out).unwrap().strip_prefix("kept").unwrap().to_owned()
    }

    fn percent(pattern: &str) -> String {
        write(Pattern::percent(pattern).unwrap(), &record())
    }

    fn brace(pattern: &str) -> String {
        write(Pattern::brace(pattern).unwrap(), &record())
    }

    #[test]
    fn attributes_that_are_ours_are_written() {
        assert_eq!(percent("%(fields)s"), r#"millis=812 share=0.75 user="eve\x1b[2J""#);
        assert_eq!(percent("%(spans)s"), r#"outer{id="root" peer="p1"}:inner{id=7}"#);
        assert_eq!(percent("%(target)s %(funcName)s %(taskName)s"), "app::db inner None");
        assert!(!percent("%(processName)s").is_empty());
    }

    #[test]
    fn other_names_are_fields_of_the_event_then_of_the_innermost_span_that_has_them() {
        assert_eq!(brace("{millis}|{user}|{id}|{peer}|{nobody}"), r"812|eve\x1b[2J|7|p1|");
        let both = Record::builder().field("id", "event").span("s", "", [("id", "span".into())]).build();
        assert_eq!(write(Pattern::brace("{id}").unwrap(), &both), "event");
        let pattern = Pattern::percent("%(nobody)4s|%(funcName)s|%(lineno)d").unwrap().missing("-");
        assert_eq!(write(pattern, &Record::builder().build()), "   -|-|-");
    }

    #[test]
    fn a_number_of_a_field_takes_numeric_conversions_and_other_values_fall_back_to_text() {
        assert_eq!(percent("%(millis)06d|%(millis).1f|%(share)d|%(share)+.1f"), "000812|812.0|0|+0.8");
        assert_eq!(percent("%(peer)04d|%(peer)-4f|"), "  p1|p1  |");
        assert_eq!(brace("{millis:6}|{peer:6}|{millis!s:6}|"), "   812|p1    |812   |");
    }

    #[test]
    fn wide_numbers_of_fields_are_numbers() {
        let record = Record::builder().field("a", u128::MAX).field("b", i128::MIN).field("c", u64::MAX).build();
        let written = write(Pattern::percent("%(a)d %(b)d %(c)d %(a).0f").unwrap(), &record);
        assert_eq!(written, format!("{} {} {} {:.0}", u128::MAX, i128::MIN, u64::MAX, u128::MAX as f64));
    }

    #[test]
    fn no_text_of_a_record_can_start_a_line_but_the_pattern_can() {
        assert_eq!(percent("%(message)s\n\t%(user)s"), "häl\\nlo\n\teve\\x1b[2J");
    }

    #[test]
    fn trace_has_the_name_of_tracing_and_a_number_below_debug() {
        let record = Record::builder().level(Level::TRACE).build();
        assert_eq!(write(Pattern::brace("{levelname} {levelno}").unwrap(), &record), "TRACE 5");
    }

    #[test]
    fn relative_created_counts_milliseconds_from_the_start() {
        let start = Timestamp::from_nanos(1_700_000_000_000_000_000);
        let pattern = Pattern::brace("{relativeCreated:.1f}").unwrap().relative_to(start);
        assert_eq!(write(pattern, &record()), "7.9");
        let clock_is_not_fixed = Pattern::brace("{relativeCreated:.0f}").unwrap();
        assert!(write(clock_is_not_fixed, &record()).starts_with('-'), "2023 was before this program");
    }

    #[test]
    fn a_module_is_the_file_name_without_its_last_extension() {
        for (file, expected) in [
            ("src/db/pool.rs", "pool.rs pool"),
            (r"src\db\pool.gen.rs", "pool.gen.rs pool.gen"),
            (".hidden", ".hidden .hidden"),
            ("", " "),
        ] {
            let record = Record::builder().file(file).build();
            assert_eq!(write(Pattern::percent("%(filename)s %(module)s").unwrap(), &record), expected, "{file:?}");
        }
    }

    #[test]
    fn omitted_fields_are_marked() {
        let record = Record::builder().field("a", 1_u64).omitted_fields(2).build();
        assert_eq!(write(Pattern::percent("%(fields)s").unwrap(), &record), "a=1 …[2 fields omitted]");
    }

    #[test]
    fn asctime_follows_datefmt_and_zone() {
        let pattern = Pattern::percent("%(asctime)s").unwrap().datefmt("%d.%m.%Y %H:%M:%S %z").unwrap();
        let (mut out, record) = (Vec::new(), record());
        pattern.zone(Zone::fixed(5, 30).unwrap()).format(&record.as_record(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "15.11.2023 03:43:20 +0530");
    }

    #[test]
    fn a_bad_datefmt_names_setting_and_value() {
        for bad in ["", "%Q", "%", "%Z", "%H %w", "%-w"] {
            let error = Pattern::percent("%(asctime)s").unwrap().datefmt(bad).unwrap_err();
            assert!(error.is_config());
            assert!(error.to_string().starts_with(&format!("setting `datefmt` = {bad:?}: ")), "{error}");
        }
        assert!(Pattern::percent("%(asctime)s").unwrap().datefmt("%%w %H").is_ok());
    }

    #[test]
    fn patterns_that_say_nothing_or_nonsense_are_refused() {
        for bad in [
            "",
            "plain",
            "100%%",
            "%",
            "%(name",
            "%(name)",
            "%()s",
            "%(name)x",
            "%(name)q",
            "%(name)*d",
            "%(name).*s",
            "%(name)d",
            "%(asctime)f",
            "%(levelname)i",
            "%s",
            "%d %(name)s",
            "100% %(name)s",
            "%(name).s",
            "%(name)#s",
            "%(name)99999s",
            "%(a(b)s",
        ] {
            let error = Pattern::percent(bad).unwrap_err();
            assert!(error.is_config());
            assert!(error.to_string().starts_with(&format!("setting `pattern` = {bad:?}: ")), "{error}");
        }
    }

    #[test]
    fn braces_that_say_nothing_or_nonsense_are_refused() {
        for bad in [
            "",
            "plain",
            "{{}}",
            "{",
            "}",
            "{name",
            "name}",
            "{}",
            "{0}",
            "{name[0]}",
            "{name!a}",
            "{name!}",
            "{name!sx}",
            "{name:d}",
            "{name:f}",
            "{name:+}",
            "{name:=5}",
            "{lineno:s}",
            "{lineno:.2}",
            "{lineno:.2d}",
            "{msecs:d}",
            "{msecs:.2}",
            "{lineno:x}",
            "{lineno:,}",
            "{lineno:_d}",
            "{lineno:#x}",
            "{lineno:{width}}",
            "{lineno:5 }",
            "{name:.}",
            "{name:99999}",
            "{lineno!s:d}",
            "{lineno!r:+}",
        ] {
            let error = Pattern::brace(bad).unwrap_err();
            assert!(error.is_config());
            assert!(error.to_string().starts_with(&format!("setting `pattern` = {bad:?}: ")), "{error}");
        }
    }

    #[test]
    fn fields_with_dots_in_their_names_can_be_named() {
        let record = Record::builder().field("http.status", 404_u64).build();
        assert_eq!(write(Pattern::percent("%(http.status)d").unwrap(), &record), "404");
        assert_eq!(write(Pattern::brace("{http.status:>5}").unwrap(), &record), "  404");
    }
}
