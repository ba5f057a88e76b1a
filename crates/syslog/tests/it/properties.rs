//! Whatever a record says, an independent parser reads the same, in one message, under one header.

use proptest::prelude::*;
use syslog_loose::{Message, ProcId, SyslogFacility, SyslogSeverity, Variant, parse_message_with_year_exact};
use tracing_handlers_core::{Record, RecordBuf, Timestamp};
use tracing_handlers_delivery::Encode;
use tracing_handlers_syslog::wire::framing::counted;
use tracing_handlers_syslog::wire::structured_data::param_name;
use tracing_handlers_syslog::{Framing, Newlines, Protocol, SyslogHandler, SyslogHandlerBuilder};

type Fields = Vec<(String, String)>;

/// Text with all that has a meaning somewhere in syslog.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ -~]{0,8}",
        any::<String>(),
        "[\\\\\"\\]\\[=@<>0-9 :\n\r\0\u{feff}]{0,8}",
        Just("\n<0>1 2023-11-14T22:13:20Z evil app 1 - - forged".to_owned()),
        Just("\"][forged@1 a=\"b".to_owned()),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn fields() -> impl Strategy<Value = Fields> {
    prop::collection::vec((hostile(), hostile()), 0..6)
}

fn record(text: &str, of_event: &Fields, of_span: &Fields) -> RecordBuf {
    let record = Record::builder().timestamp(Timestamp::from_nanos(1_700_000_000_123_456_000)).process_id(42).message(text);
    let record = of_event.iter().fold(record, |record, (name, value)| record.field(name, value.as_str()));
    let values = of_span.iter().map(|(name, value)| (name.as_str(), value.as_str().into()));
    record.span("span", "app", values.collect::<Vec<_>>()).build()
}

fn raw(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(record.message().as_bytes());
}

fn builder(protocol: Protocol) -> SyslogHandlerBuilder {
    SyslogHandler::builder().tcp("127.0.0.1").protocol(protocol).hostname("host").ident("app").format(raw)
}

fn encoded(builder: SyslogHandlerBuilder, record: &RecordBuf) -> Vec<u8> {
    let (mut bytes, mut encoder) = (Vec::new(), builder.max_message_bytes(1 << 20).encoder().unwrap());
    encoder.encode(&record.as_record(), &mut bytes).unwrap();
    bytes
}

fn parsed(message: &str, variant: Variant) -> Message<&str> {
    parse_message_with_year_exact(message, |_| 2023, variant).unwrap_or_else(|error| panic!("{error}: {message:?}"))
}

fn assert_header(message: &Message<&str>) {
    assert_eq!(message.facility, Some(SyslogFacility::LOG_USER));
    assert_eq!(message.severity, Some(SyslogSeverity::SEV_INFO));
    assert_eq!((message.hostname, message.appname), (Some("host"), Some("app")));
    assert_eq!(message.procid, Some(ProcId::PID(42)));
}

fn params(message: &Message<&str>, id: &str) -> Fields {
    let elements: Vec<_> = message.structured_data.iter().filter(|element| element.id == id).collect();
    assert!(elements.len() <= 1, "an element comes twice");
    elements.iter().flat_map(|element| element.params()).map(|(name, value)| ((*name).to_owned(), value)).collect()
}

fn cleaned(prefix: &str, fields: &Fields, value: impl Fn(&str) -> String) -> Fields {
    let name = |name: &str| {
        let mut cleaned = Vec::new();
        param_name(&format!("{prefix}{name}"), &mut cleaned);
        String::from_utf8(cleaned).unwrap()
    };
    fields.iter().map(|(field, text)| (name(field), value(text))).collect()
}

fn without_line_ends(text: &str) -> String {
    text.replace('\n', "\\n").replace('\r', "\\r").replace('\0', "\\0")
}

proptest! {
    #[test]
    fn all_values_read_back_as_they_were(text in hostile(), of_event in fields(), of_span in fields()) {
        let bytes = encoded(
            builder(Protocol::Rfc5424).enterprise_number(32_473).newlines(Newlines::Keep),
            &record(&text, &of_event, &of_span),
        );
        let messages: Vec<_> = counted(&bytes).collect();
        prop_assert_eq!(messages.len(), 1);
        let text_of_message = std::str::from_utf8(messages[0]).unwrap();
        assert!(text_of_message.ends_with(&format!(" {text}")));
        let message = parsed(text_of_message, Variant::RFC5424);
        assert_header(&message);
        // Our parser strips what is around a text.
        prop_assert_eq!(message.msg.trim(), text.trim());
        prop_assert_eq!(params(&message, "fields@32473"), cleaned("", &of_event, str::to_owned));
        prop_assert_eq!(params(&message, "spans@32473"), cleaned("span.", &of_span, str::to_owned));
        prop_assert!(message.structured_data.iter().all(|element| element.id.ends_with("@32473")));
    }

    #[test]
    fn no_text_forges_a_second_line(text in hostile(), of_event in fields()) {
        let builder = builder(Protocol::Rfc5424).enterprise_number(1).framing(Framing::Lf).newlines(Newlines::Keep);
        let bytes = encoded(builder, &record(&text, &of_event, &Vec::new()));
        let line = bytes.strip_suffix(b"\n").unwrap();
        prop_assert!(!line.iter().any(|byte| b"\n\r\0".contains(byte)));
        let message = parsed(std::str::from_utf8(line).unwrap(), Variant::RFC5424);
        assert_header(&message);
        assert_eq!(message.msg.trim(), without_line_ends(&text).trim());
        prop_assert_eq!(params(&message, "fields@1"), cleaned("", &of_event, without_line_ends));
    }

    #[test]
    fn no_text_forges_a_header_of_rfc3164(text in hostile()) {
        let bytes = encoded(builder(Protocol::Rfc3164).framing(Framing::Lf), &record(&text, &Vec::new(), &Vec::new()));
        let line = std::str::from_utf8(bytes.strip_suffix(b"\n").unwrap()).unwrap();
        prop_assert!(!line.contains('\n'));
        let message = parsed(line, Variant::RFC3164);
        assert_header(&message);
        assert!(line.ends_with(&format!("app[42]: {}", without_line_ends(&text))));
    }

    #[test]
    fn no_text_ends_a_message_that_ends_with_a_nul(text in hostile()) {
        for builder in [builder(Protocol::Rfc5424).framing(Framing::Nul).newlines(Newlines::Keep), python()] {
            let bytes = encoded(builder, &record(&text, &Vec::new(), &Vec::new()));
            let ends: Vec<_> = bytes.iter().enumerate().filter(|(_, byte)| **byte == 0).map(|(at, _)| at).collect();
            prop_assert_eq!(ends, [bytes.len() - 1]);
        }
    }

    #[test]
    fn each_line_that_is_split_off_has_the_header(text in hostile()) {
        let bytes = encoded(builder(Protocol::Rfc5424).newlines(Newlines::Split), &record(&text, &Vec::new(), &Vec::new()));
        let lines: Vec<_> = text.split(['\n', '\r']).filter(|line| !line.is_empty()).collect();
        let messages: Vec<_> = counted(&bytes).map(|message| String::from_utf8(message.to_vec()).unwrap()).collect();
        prop_assert_eq!(messages.len(), lines.len().max(1));
        for (message, line) in messages.iter().zip(lines) {
            assert_header(&parsed(message, Variant::RFC5424));
            assert!(message.ends_with(&format!("app 42 - - {line}")));
        }
    }

    #[test]
    fn no_message_is_longer_than_it_may_be(text in hostile(), of_event in fields(), bytes in 480..600_usize) {
        let mut encoder = SyslogHandler::builder()
            .protocol(Protocol::Rfc5424).hostname("host").ident("app").enterprise_number(1).max_message_bytes(bytes)
            .encoder().unwrap();
        encoder.messages(&record(&text.repeat(5), &of_event, &of_event).as_record(), |message| {
            assert!(message.len() <= bytes);
            assert_header(&parsed(std::str::from_utf8(message).unwrap(), Variant::RFC5424));
        });
    }

    #[test]
    fn a_run_of_messages_is_read_back(messages in prop::collection::vec(any::<Vec<u8>>(), 0..5), garbage in any::<Vec<u8>>()) {
        let mut run = Vec::new();
        messages.iter().for_each(|message| Framing::OctetCounting.frame(message, &mut run));
        let read: Vec<_> = counted(&run).map(<[u8]>::to_vec).collect();
        prop_assert_eq!(read, messages);
        counted(&garbage).for_each(drop);
    }
}

fn python() -> SyslogHandlerBuilder {
    SyslogHandler::builder().tcp("127.0.0.1").protocol(Protocol::Python).format(raw)
}
