//! `docs/wire-format.md` says what the encoder does.

use tracing_handlers_core::record::ValueBuf;
use tracing_handlers_core::{Level, Record, RecordBuf, Timestamp, Value};

use crate::workspace::read;

#[test]
fn the_example_is_what_the_encoder_writes() {
    let written = bytes_of(&block("## Example", "text"));
    let encoded = example();
    assert_eq!(hex(&written), hex(encoded.as_bytes()));
}

/// The record that the example in the document shows.
fn example() -> RecordBuf {
    Record::builder()
        .timestamp(Timestamp::from_nanos(1_700_000_000_250_000_000))
        .level(Level::WARN)
        .target("app::db")
        .name("event src/db.rs:41")
        .module_path("app::db")
        .file("src/db.rs")
        .line(41)
        .thread_id(1)
        .thread_name("main")
        .process_id(4242)
        .message("slow query")
        .field("millis", 812_u64)
        .field("user", ValueBuf::debug(Some("ann")))
        .field("cause", ValueBuf::Error(vec!["query failed".to_owned(), "timed out".to_owned()]))
        .span("request", "app", [("id", "7f3a".into())])
        .build()
}

#[test]
fn the_keys_are_those_of_the_table_in_that_order() {
    let keys = code_in_first_column("## The record");
    // The example has every key but the last, `omitted`, which stands only where fields were left out.
    let (example, cut) = (example(), Record::builder().omitted_fields(3).build());
    assert_eq!(usize::from(example.as_bytes()[0] & 0x0f), keys.len() - 1);
    let (last, present) = keys.split_last().expect("keys");
    let mut rest = example.as_bytes();
    for key in present {
        let at = offset_of(rest, key).unwrap_or_else(|| panic!("{key} is not where the table says"));
        rest = &rest[at + 1..];
    }
    assert_eq!(offset_of(cut.as_bytes(), last), Some(cut.as_bytes().len() - last.len() - 2));
}

/// Where a string value begins.
fn offset_of(bytes: &[u8], key: &str) -> Option<usize> {
    let mut encoded = vec![0xa0 | key.len() as u8];
    encoded.extend_from_slice(key.as_bytes());
    bytes.windows(encoded.len()).position(|window| window == encoded)
}

#[test]
fn the_bytes_of_each_value_are_those_of_the_table() {
    for (value, expected) in table_of_values() {
        let expected = bytes_of(&expected);
        let buf = Record::builder().field("v", value.clone()).build();
        let field = [&[0x81, 0xa1, b'v'], expected.as_slice()].concat();
        assert!(buf.as_bytes().windows(field.len()).any(|window| window == field), "{value:?} is not {}", hex(&expected));
        assert_eq!(buf.as_record().field("v").map(|value| value.to_owned()), Some(value));
    }
}

/// The values of the section, in the order of the table, with the bytes that the table shows.
fn table_of_values() -> Vec<(ValueBuf, String)> {
    let values = [
        ValueBuf::Bool(true),
        ValueBuf::I64(-33),
        ValueBuf::U64(u64::MAX),
        ValueBuf::F64(0.5),
        ValueBuf::Str("7f3a".to_owned()),
        ValueBuf::Bytes(vec![0xff]),
        ValueBuf::Nil,
        ValueBuf::Debug("Ok".to_owned()),
        ValueBuf::Error(vec!["a".to_owned(), "b".to_owned()]),
        ValueBuf::I128(-1),
        ValueBuf::U128(1),
    ];
    let rows = rows_below("## Values");
    assert_eq!(rows.len(), values.len(), "a kind of value is missing in the table or here");
    let bytes = rows.into_iter().map(|row| row.last().expect("a column").trim_matches('`').to_owned());
    values.into_iter().zip(bytes).collect()
}

#[test]
fn a_reader_accepts_other_orders_wider_headers_and_unknown_keys() {
    // {"new": [1, {"x": nil}], "message": "hi" (str 8), "level": "WARN", "line": 7 (uint 64)} as map 16
    let mut bytes = vec![0xde, 0, 4];
    bytes.extend(b"\xa3new\x92\x01\x81\xa1x\xc0");
    bytes.extend(b"\xa7message\xd9\x02hi");
    bytes.extend(b"\xa5level\xa4WARN");
    bytes.extend(b"\xa4line\xcf\0\0\0\0\0\0\0\x07");
    let record = Record::decode(&bytes).expect("a record");
    assert_eq!((record.message(), record.level(), record.line()), ("hi", Level::WARN, Some(7)));
    assert_eq!((record.timestamp(), record.process_id(), record.file()), (Timestamp::from_nanos(0), 0, None));
}

#[test]
fn a_reader_refuses_what_the_document_says() {
    let refused: [&[u8]; 7] = [
        b"\x81\xa5level\xa4warn",
        b"\x81\xa7message\x01",
        b"\x81\xa7message\xa1\xff",
        b"\x81\xa7message\xa5hi",
        b"\x80\xc0",
        b"\x81\xa6fields\x81\xa1v\x81\xa3new\xa1x",
        b"\x81\xa6fields\x81\xa1v\x90",
    ];
    for bytes in refused {
        assert!(Record::decode(bytes).is_err(), "{}", hex(bytes));
    }
}

#[test]
fn floats_of_four_bytes_are_read() {
    let record = Record::decode(b"\x81\xa6fields\x81\xa1v\xca\x3f\0\0\0").expect("a record");
    assert_eq!(record.field("v"), Some(Value::F64(0.5)));
}

fn document() -> String {
    read("docs/wire-format.md")
}

fn section(heading: &str) -> String {
    let document = document();
    let lines = document.lines().skip_while(|line| *line != heading).skip(1).take_while(|line| !line.starts_with("## "));
    let section = lines.collect::<Vec<_>>().join("\n");
    assert!(!section.is_empty(), "there is no section {heading}");
    section
}

/// The first fenced block of that name.
fn block(heading: &str, name: &str) -> String {
    let section = section(heading);
    let lines = section.lines().skip_while(|line| *line != format!("```{name}")).skip(1).take_while(|line| *line != "```");
    lines.collect::<Vec<_>>().join("\n")
}

/// The cells of the first table, without its head.
fn rows_below(heading: &str) -> Vec<Vec<String>> {
    let section = section(heading);
    let table = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|')).skip(2);
    table.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn code_in_first_column(heading: &str) -> Vec<String> {
    rows_below(heading).into_iter().map(|row| row[0].trim_matches('`').to_owned()).collect()
}

/// Pairs of hexadecimal digits; what follows a `;` is a comment.
fn bytes_of(text: &str) -> Vec<u8> {
    let digits = text.lines().filter_map(|line| line.split(';').next()).flat_map(str::split_whitespace);
    digits.map(|byte| u8::from_str_radix(byte, 16).unwrap_or_else(|_| panic!("not a byte: {byte}"))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}
