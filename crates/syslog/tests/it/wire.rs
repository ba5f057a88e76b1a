//! The bytes of messages.

use tracing_handlers_core::format::Zone;
use tracing_handlers_core::{Level, Record, RecordBuf, Timestamp};
use tracing_handlers_syslog::wire::Encoder;
use tracing_handlers_syslog::{Facility, Newlines, Protocol, Severity, SyslogHandler, SyslogHandlerBuilder};

fn at(seconds: i64) -> RecordBuf {
    Record::builder()
        .timestamp(Timestamp::from_nanos(seconds * 1_000_000_000 + 250_000_999))
        .process_id(42)
        .level(Level::WARN)
        .target("app::db")
        .message("two\nlines")
        .field("millis", 812_u64)
        .span("request", "app", [("id", "7f3a".into())])
        .build()
}

const NOVEMBER_14: i64 = 1_700_000_000;

fn messages_of(mut encoder: Encoder, record: &RecordBuf) -> Vec<String> {
    let mut messages = Vec::new();
    encoder.messages(&record.as_record(), |message| messages.push(String::from_utf8(message.to_vec()).unwrap()));
    messages
}

fn message(builder: SyslogHandlerBuilder, record: &RecordBuf) -> String {
    let messages = messages_of(builder.encoder().unwrap(), record);
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages[0].clone()
}

fn builder(protocol: Protocol) -> SyslogHandlerBuilder {
    SyslogHandler::builder().protocol(protocol).hostname("web1").ident("shop").zone(Zone::Utc)
}

fn text(text: &str) -> RecordBuf {
    Record::builder().process_id(42).message(text).build()
}

#[test]
fn rfc3164_over_the_network_has_a_host() {
    let expected = r#"<12>Nov 14 22:13:20 web1 shop[42]: request{id="7f3a"}: app::db: two\nlines millis=812"#;
    assert_eq!(message(builder(Protocol::Rfc3164), &at(NOVEMBER_14)), expected);
}

#[test]
fn a_day_of_one_digit_is_padded_by_a_space() {
    let fifth = at(NOVEMBER_14 - 9 * 86_400);
    assert!(message(builder(Protocol::Rfc3164), &fifth).starts_with("<12>Nov  5 22:13:20 web1 "));
    let tenth = at(NOVEMBER_14 - 4 * 86_400);
    assert!(message(builder(Protocol::Rfc3164), &tenth).starts_with("<12>Nov 10 22:13:20 web1 "));
}

#[test]
fn rfc3164_may_have_a_whole_time() {
    let builder = builder(Protocol::Rfc3164).rfc3339_time(true).zone(Zone::fixed(1, 0).unwrap());
    assert!(message(builder, &at(NOVEMBER_14)).starts_with("<12>2023-11-14T23:13:20.250000+01:00 web1 shop[42]: "));
}

/// In a process of its own, in a zone that this one need not have.
#[cfg(target_os = "linux")]
#[test]
fn without_a_zone_rfc3164_has_local_time_and_rfc5424_that_of_utc() {
    const CHILD: &str = "TRACING_HANDLERS_SYSLOG_ZONE";
    if std::env::var_os(CHILD).is_none() {
        let test = "wire::without_a_zone_rfc3164_has_local_time_and_rfc5424_that_of_utc";
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let child = child.args(["--exact", test]).env("TZ", "Asia/Kolkata").env(CHILD, "1").output().unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let without = |protocol| SyslogHandler::builder().protocol(protocol).hostname("web1").ident("shop");
    assert!(message(without(Protocol::Rfc3164), &at(NOVEMBER_14)).starts_with("<12>Nov 15 03:43:20 web1 "));
    let rfc5424 = message(without(Protocol::Rfc5424), &at(NOVEMBER_14));
    assert!(rfc5424.starts_with("<12>1 2023-11-14T22:13:20.250000Z web1 "));
}

#[cfg(unix)]
#[test]
fn rfc3164_on_a_local_socket_has_no_host_unless_told() {
    let local = || SyslogHandler::builder().local().ident("shop").zone(Zone::Utc);
    assert!(message(local(), &at(NOVEMBER_14)).starts_with("<12>Nov 14 22:13:20 shop[42]: "));
    assert!(message(local().hostname("web1"), &at(NOVEMBER_14)).starts_with("<12>Nov 14 22:13:20 web1 shop[42]: "));
}

#[test]
fn rfc5424_without_a_number_has_no_structured_data() {
    let expected =
        r#"<12>1 2023-11-14T22:13:20.250000Z web1 shop 42 ID47 - request{id="7f3a"}: app::db: two\nlines millis=812"#;
    assert_eq!(message(builder(Protocol::Rfc5424).msgid("ID47"), &at(NOVEMBER_14)), expected);
}

#[test]
fn structured_data_has_the_fields_and_the_text_is_the_message() {
    let expected = r#"<12>1 2023-11-14T22:13:20.250000Z web1 shop 42 - [event@32473 target="app::db" spans="request"][fields@32473 millis="812"][spans@32473 request.id="7f3a"] two\nlines"#;
    assert_eq!(message(builder(Protocol::Rfc5424).enterprise_number(32_473), &at(NOVEMBER_14)), expected);
}

#[test]
fn values_have_the_three_escapes_and_names_what_is_allowed() {
    let record = Record::builder().field("a b=\"]é", "q\" b\\ e] n\n").field("", true).field(&"x".repeat(40), -1_i64);
    let record = record.field("key", vec![0xde_u8, 0x0d]).build();
    let expected = format!(r#"[fields@1 a_b____="q\" b\\ e\] n\\n" _="true" {}="-1" key="de0d"] "#, "x".repeat(32));
    let message = message(builder(Protocol::Rfc5424).enterprise_number(1), &record);
    assert!(message.ends_with(&expected), "{message}");
}

#[test]
fn a_mark_of_the_byte_order_is_only_where_it_is_asked_for_and_needed() {
    let with = || builder(Protocol::Rfc5424).bom(true).format(tracing_handlers_testing::MessageOnly);
    assert!(message(with(), &text("späm")).ends_with("- - \u{feff}späm"));
    assert!(message(with(), &text("spam")).ends_with("- - spam"));
    let without = builder(Protocol::Rfc5424).format(tracing_handlers_testing::MessageOnly);
    assert!(message(without, &text("späm")).ends_with("- - späm"));
}

#[test]
fn facility_and_levels_make_the_priority() {
    let map = |level| if level == Level::ERROR { Severity::Alert } else { Severity::from(level) };
    for (level, priority) in
        [(Level::ERROR, 161), (Level::WARN, 164), (Level::INFO, 166), (Level::DEBUG, 167), (Level::TRACE, 167)]
    {
        let record = Record::builder().level(level).build();
        let message = message(builder(Protocol::Rfc5424).facility(Facility::Local4).level_map(map), &record);
        assert!(message.starts_with(&format!("<{priority}>1 ")), "{message}");
    }
    let lowest =
        message(builder(Protocol::Rfc5424).facility(Facility::Kern).level_map(|_| Severity::Emerg), &Record::builder().build());
    assert!(lowest.starts_with("<0>1 "), "{lowest}");
}

fn raw(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(record.message().as_bytes());
}

#[test]
fn line_ends_are_escaped_kept_or_split() {
    let hostile = text("one\r\n\n<0>two\0\n");
    let with = |newlines| messages_of(builder(Protocol::Rfc5424).format(raw).newlines(newlines).encoder().unwrap(), &hostile);
    let body = |message: &String| message.split_once(" - - ").unwrap().1.to_owned();
    let bodies = |newlines| with(newlines).iter().map(body).collect::<Vec<_>>();
    assert_eq!(bodies(Newlines::Escape), [r"one\r\n\n<0>two\0\n"]);
    assert_eq!(bodies(Newlines::Keep), ["one\r\n\n<0>two\0\n"]);
    assert_eq!(bodies(Newlines::Split), ["one", "<0>two\0"]);
    let empty = messages_of(builder(Protocol::Rfc5424).newlines(Newlines::Split).format(raw).encoder().unwrap(), &text("\n"));
    assert_eq!(empty.iter().map(body).collect::<Vec<_>>(), [""]);
}

#[test]
fn a_long_text_is_cut_at_a_character_with_a_mark_and_counted() {
    for bytes in 480..490 {
        let mut encoder = builder(Protocol::Rfc5424).format(raw).tcp("127.0.0.1").max_message_bytes(bytes).encoder().unwrap();
        let record = text(&"ä語🦀".repeat(100));
        encoder.messages(&record.as_record(), |message| {
            assert!(message.len() <= bytes && message.len() > bytes - 8, "{} of {bytes}", message.len());
            let text = std::str::from_utf8(message).unwrap().split_once(" - - ").unwrap().1;
            let (kept, mark) = text.split_once('…').unwrap();
            assert_eq!(mark, format!("[{} bytes cut]", 900 - kept.len()));
        });
        encoder.messages(&self::text("short").as_record(), |_| {});
        assert_eq!(encoder.cut_messages(), 1);
    }
}

#[test]
fn fields_that_do_not_fit_are_left_out_whole_and_counted() {
    let record = Record::builder()
        .message("m".repeat(600))
        .field("small", "1")
        .field("large", "x".repeat(400))
        .field("also_small", "2")
        .field("huge", "]".repeat(10_000))
        .build();
    let mut encoder = builder(Protocol::Rfc5424).enterprise_number(1).max_message_bytes(480).encoder().unwrap();
    encoder.messages(&record.as_record(), |message| {
        let message = std::str::from_utf8(message).unwrap();
        assert!(message.contains(r#" [fields@1 small="1" also_small="2"][cut@1 fields="2"] mmmm"#), "{message}");
        assert!(message.ends_with(" bytes cut]") && message.len() <= 480, "{message}");
    });
    assert_eq!(encoder.cut_messages(), 1);
}

#[test]
fn a_message_that_lost_only_fields_counts_as_cut() {
    let record = Record::builder().message("whole").field("huge", "x".repeat(10_000)).build();
    let mut encoder = builder(Protocol::Rfc5424).enterprise_number(1).encoder().unwrap();
    encoder.messages(&record.as_record(), |message| assert!(message.ends_with(b" [cut@1 fields=\"1\"] whole")));
    assert_eq!(encoder.cut_messages(), 1);
}

#[test]
fn a_message_has_two_kibibytes_over_udp_and_eight_elsewhere() {
    let longest = |builder: SyslogHandlerBuilder| message(builder.format(raw), &text(&"x".repeat(100_000))).len();
    // What was cut is told in a few digits more or less.
    assert!((2_040..=2_048).contains(&longest(SyslogHandler::builder().udp("127.0.0.1"))));
    assert!((8_184..=8_192).contains(&longest(SyslogHandler::builder().tcp("127.0.0.1"))));
    #[cfg(unix)]
    assert!((8_184..=8_192).contains(&longest(SyslogHandler::builder().local())));
}

#[test]
fn pythons_message_keeps_its_nul_when_it_is_cut() {
    let mut encoder = SyslogHandler::builder().protocol(Protocol::Python).max_message_bytes(480).encoder().unwrap();
    encoder.messages(&text(&"x".repeat(5_000)).as_record(), |message| {
        assert!(message.ends_with(b" bytes cut]\0"));
        assert_eq!(message.len(), 480);
    });
}

#[test]
fn what_rfc5424_defines_itself_stands_before_the_fields() {
    let builder = || {
        let builder = builder(Protocol::Rfc5424).time_quality(true).origin(r#"my "shop""#, "1.2.0");
        builder.sequence_id(true)
    };
    let expected = r#"<14>1 1970-01-01T00:00:00.000000Z web1 shop 42 - [timeQuality tzKnown="1" isSynced="1"][origin software="my \"shop\"" swVersion="1.2.0"][meta sequenceId="1"] "#;
    let plain = message(builder(), &text("a"));
    assert!(plain.starts_with(expected), "{plain}");

    // Behind it comes what is ours, or nothing where there is nothing.
    let numbered = message(builder().enterprise_number(32_473), &at(NOVEMBER_14));
    let middle = r#"[origin enterpriseId="32473" software="my \"shop\"" swVersion="1.2.0"][meta sequenceId="1"][event@32473 target="app::db""#;
    assert!(numbered.contains(middle), "{numbered}");
    let bare = message(builder().enterprise_number(32_473), &text("a"));
    assert!(bare.contains(r#"sequenceId="1"] a"#), "{bare}");
}

#[test]
fn messages_are_numbered_as_they_are_written_and_a_parser_reads_the_number() {
    let mut encoder = builder(Protocol::Rfc5424).time_quality(false).sequence_id(true).encoder().unwrap();
    let mut read = Vec::new();
    for _ in 0..3 {
        encoder.messages(&text("a").as_record(), |message| {
            let message = std::str::from_utf8(message).unwrap();
            let parsed =
                syslog_loose::parse_message_with_year_exact(message, |_| 2026, syslog_loose::Variant::RFC5424).unwrap();
            let elements = parsed.structured_data.iter().map(|element| (element.id.to_owned(), element.params[0].1.to_owned()));
            read.push(elements.collect::<Vec<_>>());
        });
    }
    let ids: Vec<_> = read.iter().map(|elements| elements[1].clone()).collect();
    assert_eq!(ids, ["1", "2", "3"].map(|number| ("meta".to_owned(), number.to_owned())));
    assert!(read.iter().all(|elements| elements[0].0 == "timeQuality" && elements.len() == 2));
}
