//! What an event looks like.

use tracing_handlers_core::{DropReason, Handler, Level, Record};
use tracing_handlers_event_log::{EventLogHandler, EventLogHandlerBuilder, EventType, MAX_DATA_BYTES, MAX_TEXT_UNITS};
use tracing_handlers_testing::{FailureLog, record};

use crate::log::{Kept, Log};

/// The events of records of these messages.
fn events(
    set: impl FnOnce(EventLogHandlerBuilder) -> EventLogHandlerBuilder,
    messages: &[&str],
) -> (EventLogHandler, Vec<Kept>) {
    let (log, failures) = (Log::default(), FailureLog::new());
    let handler = set(log.builder(&failures)).build().unwrap();
    messages.iter().for_each(|message| handler.handle(&record(*message).as_record()).unwrap());
    (handler, log.events())
}

fn raw(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(record.message().as_bytes());
}

#[test]
fn levels_are_the_types_that_python_gives_them() {
    let types = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR].map(types_of(|builder| builder));
    use EventType::{Error, Information, Warning};
    assert_eq!(types, [Information, Information, Information, Warning, Error]);
    assert_eq!(types.map(EventType::number), [4, 4, 4, 2, 1]);
}

#[test]
fn the_map_of_levels_can_be_replaced() {
    let map = |level| if level == Level::INFO { EventType::AuditSuccess } else { EventType::AuditFailure };
    let types = [Level::INFO, Level::ERROR].map(types_of(move |builder| builder.level_map(map)));
    assert_eq!(types.map(EventType::number), [8, 16]);
}

fn types_of(set: impl Fn(EventLogHandlerBuilder) -> EventLogHandlerBuilder) -> impl Fn(Level) -> EventType {
    move |level| {
        let log = Log::default();
        let handler = set(log.builder(&FailureLog::new())).build().unwrap();
        handler.handle(&Record::builder().level(level).build().as_record()).unwrap();
        log.events()[0].event_type
    }
}

#[test]
fn id_category_and_raw_data_are_functions_of_the_record() {
    let set = |builder: EventLogHandlerBuilder| {
        let length = |record: &Record<'_>| u32::try_from(record.message().len()).unwrap();
        let builder = builder.event_id(move |record| 0xC000_0000 + length(record));
        builder.category(|record| u16::from(record.message().as_bytes()[0])).raw_data(|record| record.message().into())
    };
    let (_, events) = events(set, &["ab", "c"]);
    let seen: Vec<_> = events.into_iter().map(|event| (event.id, event.category, event.data)).collect();
    assert_eq!(seen, [(0xC000_0002, 97, b"ab".to_vec()), (0xC000_0001, 99, b"c".to_vec())]);
}

#[test]
fn further_strings_come_behind_the_text_and_are_bounded_and_harmless_as_it_is() {
    let set = |builder: EventLogHandlerBuilder| {
        let strings = |record: &Record<'_>| vec![record.target().to_owned(), "%1\0".to_owned(), "x".repeat(MAX_TEXT_UNITS + 1)];
        builder.format(raw).strings(strings)
    };
    let (handler, events) = events(set, &["sold"]);
    let strings: Vec<_> = events[0].strings.iter().map(ToString::to_string).collect();
    assert_eq!((events[0].text.to_string().as_str(), strings.len()), ("sold", 3));
    assert_eq!((strings[0].as_str(), strings[1].as_str()), (record("sold").as_record().target(), "% 1␀"));
    assert!(strings[2].ends_with("x…[24 characters cut]"), "{}", &strings[2][strings[2].len() - 40..]);
    assert_eq!(handler.cut_events(), 1);
}

#[test]
fn by_default_the_text_has_neither_time_nor_level() {
    let log = Log::default();
    let handler = EventLogHandler::builder("app").api(log.clone()).build().unwrap();
    let record = Record::builder().level(Level::WARN).target("db").message("slow").field("millis", 812_u64).build();
    handler.handle(&record.as_record()).unwrap();
    assert_eq!(log.texts(), ["db: slow millis=812"]);
}

#[test]
fn text_is_utf_16_with_one_nul_at_its_end() {
    let (_, events) = events(|builder| builder.format(raw), &["aü🦀", ""]);
    assert_eq!(events[0].text.units_with_nul(), [0x61, 0xfc, 0xd83e, 0xdd80, 0]);
    assert_eq!(events[1].text.units_with_nul(), [0]);
}

#[test]
fn a_nul_does_not_end_the_text() {
    let (_, events) = events(|builder| builder.format(raw), &["before\0after\0"]);
    assert_eq!(events[0].text.to_string(), "before␀after␀");
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let format = |_: &Record<'_>, out: &mut Vec<u8>| out.extend_from_slice(b"a\xff\xed\xa0\x80b");
    let (_, events) = events(|builder| builder.format(format), &["x"]);
    let text = events[0].text.to_string();
    assert!(text.starts_with("a\u{fffd}") && text.ends_with('b'), "{text}");
}

#[test]
fn no_text_becomes_an_insertion_code() {
    let messages = ["100 %", "fe80::1%12", "%1 %%1 %{S-1-5-18} %%", "% 1", "%a%", "%%%9"];
    let (handler, events) = events(|builder| builder.format(raw), &messages);
    let texts: Vec<_> = events.iter().map(|event| event.text.to_string()).collect();
    assert_eq!(texts, ["100 %", "fe80::1% 12", "% 1 %% 1 % {S-1-5-18} %%", "% 1", "%a%", "%%% 9"]);
    assert_eq!(handler.cut_events(), 0);
}

#[test]
fn a_text_at_the_limit_is_whole_and_one_beyond_is_cut_with_a_mark_and_counted() {
    let (full, longer) = ("x".repeat(MAX_TEXT_UNITS), "x".repeat(MAX_TEXT_UNITS + 1));
    let (handler, events) = events(|builder| builder.format(raw), &[&full, &longer]);
    assert_eq!(events[0].text.to_string(), full);
    let text = events[1].text.to_string();
    // Room is kept for a number of as many digits as that of all bytes.
    assert_eq!(events[1].text.units().len(), MAX_TEXT_UNITS - 3);
    assert!(text.ends_with("x…[24 characters cut]"), "{}", &text[text.len() - 40..]);
    assert_eq!((handler.cut_events(), handler.stats().delivered), (1, 2));
}

#[test]
fn a_cut_leaves_no_half_of_a_surrogate_pair() {
    for prefix in ["", "x"] {
        let message = format!("{prefix}{}", "🦀".repeat(MAX_TEXT_UNITS));
        let (_, events) = events(|builder| builder.format(raw), &[&message]);
        let units = events[0].text.units();
        let text = String::from_utf16(units).expect("a surrogate is alone");
        assert!(units.len() <= MAX_TEXT_UNITS && units.len() + 4 > MAX_TEXT_UNITS, "{}", units.len());
        let kept = text.chars().filter(|char| *char == '🦀').count();
        assert!(text.ends_with(&format!("🦀…[{} characters cut]", MAX_TEXT_UNITS - kept)));
    }
}

#[test]
fn characters_are_counted_in_utf_16_and_not_in_bytes() {
    let message = "ü".repeat(MAX_TEXT_UNITS);
    let (handler, events) = events(|builder| builder.format(raw), &[&message]);
    assert_eq!((events[0].text.to_string(), handler.cut_events()), (message, 0));
}

#[test]
fn raw_data_is_cut_with_a_mark_and_counted() {
    let set = |builder: EventLogHandlerBuilder| builder.raw_data(|record| vec![7; record.message().parse().unwrap()]);
    let (handler, events) = events(set, &["61440", "61441"]);
    assert_eq!(events[0].data, vec![7; MAX_DATA_BYTES]);
    assert_eq!(events[1].data.len(), MAX_DATA_BYTES - 3);
    assert!(events[1].data.ends_with(b"\x07...[21 bytes cut]"), "{}", String::from_utf8_lossy(&events[1].data));
    assert_eq!(handler.cut_events(), 1);
}

#[test]
fn a_panic_of_any_function_of_the_record_costs_that_record() {
    type Set = fn(EventLogHandlerBuilder) -> EventLogHandlerBuilder;
    let all: [Set; 6] = [
        |builder| builder.level_map(|_| panic!("deliberate mistake")),
        |builder| builder.event_id(|_| panic!("deliberate mistake")),
        |builder| builder.category(|_| panic!("deliberate mistake")),
        |builder| builder.strings(|_| panic!("deliberate mistake")),
        |builder| builder.raw_data(|_| panic!("deliberate mistake")),
        |builder| builder.format(|_: &Record<'_>, _: &mut Vec<u8>| panic!("deliberate mistake")),
    ];
    for set in all {
        let (log, failures) = (Log::default(), FailureLog::new());
        let handler = set(log.builder(&failures)).build().unwrap();
        assert!(handler.handle(&record("x").as_record()).unwrap_err().is_panicked());
        assert_eq!((handler.stats().dropped_for(DropReason::Panicked), failures.lost()), (1, 1));
        assert!(log.events().is_empty());
    }
}
