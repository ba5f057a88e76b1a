//! The decoders against bytes from anyone, and against frames of CPython.

use proptest::prelude::*;
use tracing_handlers_core::{Level, Record, RecordBuf};

use super::*;

pub(super) const DECODER: Decoder = Decoder { encoding: None, max_frame_bytes: 1 << 20 };

fn pickled(payload: &[u8]) -> Result<RecordBuf, Refused> {
    Decoder { encoding: Some(Encoding::Pickle), ..DECODER }.record(payload)
}

fn reason(payload: &[u8]) -> Reason {
    pickled(payload).unwrap_err().reason
}

/// A frame of CPython's, from the file that the sender's tests have too.
pub(super) fn frame(name: &str) -> Vec<u8> {
    let frames: serde_json::Value = serde_json::from_str(include_str!("../../tests/data/record_frames.json")).unwrap();
    let text = frames[name]["frame_base64"].as_str().unwrap();
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0, 0_u32);
    for digit in text.bytes().filter(|digit| *digit != b'=') {
        held = (held << 6) | alphabet.iter().position(|one| *one == digit).unwrap() as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    bytes
}

fn of_cpython(name: &str) -> RecordBuf {
    let frame = frame(name);
    let (payload, length) = DECODER.first(&frame).unwrap().unwrap();
    assert_eq!(length, frame.len());
    DECODER.record(payload).unwrap()
}

#[test]
fn frames_of_cpython_have_the_values_that_went_in() {
    let plain = Record::builder().timestamp(tracing_handlers_core::Timestamp::from_nanos(1_700_000_000_250_000_000));
    let plain = plain.level(Level::WARN).target("app.mod").name("f").file("/srv/app/mod.py").line(42);
    let plain = plain.thread_id(140_000_000_000_000).thread_name("MainThread").process_id(4242);
    assert_eq!(of_cpython("plain"), plain.clone().message("hello wörld").build());
    assert_eq!(of_cpython("unicode"), plain.clone().message("☃ 😀 \0 end").build());
    assert_eq!(of_cpython("empty"), plain.clone().build());
    let plain = plain.message("hello wörld");
    let traceback = "Traceback (most recent call last):\n  ...\nValueError: x";
    assert_eq!(of_cpython("exc"), plain.clone().field("exc_text", traceback).build());
    assert_eq!(of_cpython("stack"), plain.clone().field("stack_info", "Stack (most recent call last):\n  ...").build());
    let extra = plain.field("user", "bob").field("n", -1_i64).field("big", 1_099_511_627_776_i64);
    let extra = extra.field("huge", 1_180_591_620_717_411_303_424_i128).field("flag", true);
    let extra = extra.field("none", tracing_handlers_core::record::ValueBuf::Nil);
    let extra = extra.field("pi", std::f64::consts::PI).field("neg0", -0.0);
    let nested = |text: &str| tracing_handlers_core::record::ValueBuf::Debug(text.to_owned());
    let extra =
        extra.field("lst", nested(r#"[1, "a", null]"#)).field("dct", nested(r#"{"k": 1.5}"#)).field("tup", nested("[1, 2]"));
    assert_eq!(of_cpython("extra_types"), extra.build());
}

#[test]
fn levels_between_those_of_ours_become_the_next_lower_and_keep_their_name() {
    for (number, name, level) in
        [(5, "TRACE", Level::TRACE), (25, "NOTICE", Level::INFO), (39, "ALERT", Level::WARN), (50, "CRITICAL", Level::ERROR)]
    {
        let mut payload = b"}(X\x03\0\0\0msgX\x01\0\0\0mX\x07\0\0\0levelnoK".to_vec();
        payload.push(number);
        payload.extend_from_slice(b"X\x09\0\0\0levelnameX");
        payload.extend_from_slice(&(name.len() as u32).to_le_bytes());
        payload.extend_from_slice(name.as_bytes());
        payload.extend_from_slice(b"u.");
        let record = pickled(&payload).unwrap();
        assert_eq!(record.as_record().level(), level);
        let kept = record.as_record().field("levelname").map(|name| name.as_str().unwrap().to_owned());
        assert_eq!(kept, (number != 5).then(|| name.to_owned()));
    }
}

#[test]
fn every_opcode_that_is_no_data_is_refused() {
    // GLOBAL, STACK_GLOBAL, REDUCE, BUILD, INST, OBJ, NEWOBJ, NEWOBJ_EX, EXT1, EXT2, EXT4, PERSID, BINPERSID, DUP, POP, POP_MARK.
    let calls = [b'c', 0x93, b'R', b'b', b'i', b'o', 0x81, 0x92, 0x82, 0x83, 0x84, b'P', b'Q', b'2', b'0', b'1'];
    for opcode in calls {
        assert_eq!(
            reason(&[&b"}X\x03\0\0\0msgNs"[..], &[opcode], b"os\nsystem\n."].concat()),
            Reason::Forbidden,
            "{opcode:#x}"
        );
    }
}

#[test]
fn a_pickle_that_is_too_deep_is_refused_without_recursion() {
    let nested = |depth: usize| [&b"]".repeat(depth)[..], &b"a".repeat(depth - 1), b"."].concat();
    assert_eq!(reason(&nested(16)), Reason::Malformed, "as deep as may be, but no dictionary");
    assert_eq!(reason(&nested(17)), Reason::TooComplex);
    assert_eq!(reason(&[&b")"[..], &b"\x85".repeat(20_000), b"."].concat()), Reason::TooComplex);
    assert_eq!(reason(&b"(".repeat(20_000)), Reason::TooComplex);
}

#[test]
fn a_pickle_with_too_many_values_is_refused() {
    assert_eq!(reason(&[&b"]("[..], &b"N".repeat(10_000), b"e."].concat()), Reason::TooComplex);
    assert_eq!(reason(&[&b"]("[..], &b"N".repeat(9_999), b"e."].concat()), Reason::Malformed, "no dictionary");
}

#[test]
fn a_pickle_that_remembers_or_repeats_too_much_is_refused() {
    let remembers = |count: u32| (0..count).flat_map(|place| [&b"r"[..], &place.to_le_bytes()].concat()).collect::<Vec<_>>();
    assert_eq!(reason(&[&b"N"[..], &remembers(4_096), b"."].concat()), Reason::Malformed, "no dictionary");
    assert_eq!(reason(&[&b"N"[..], &remembers(4_097), b"."].concat()), Reason::TooComplex);
    let long = [&b"X\0\x10\0\0"[..], &[b'x'; 4_096], b"q\0"].concat();
    assert_eq!(reason(&[&b"]("[..], &long, &b"h\0".repeat(257), b"e."].concat()), Reason::TooComplex);
    assert_eq!(reason(&[&b"]("[..], &long, &b"h\0".repeat(256), b"e."].concat()), Reason::Malformed, "no dictionary");
    assert_eq!(reason(b"]q\0(h\0e."), Reason::Forbidden, "a list inside of itself");
}

#[test]
fn a_number_with_too_many_digits_is_refused() {
    assert_eq!(reason(&[&b"L"[..], &b"9".repeat(41), b"L\n."].concat()), Reason::TooComplex);
    assert_eq!(reason(b"\x8a\x11aaaaaaaaaaaaaaaaa."), Reason::TooComplex);
}

#[test]
fn marks_protect_what_stands_below_them() {
    for payload in [&b"](a."[..], b"}(s.", b"N(\x85.", b"}((u.", b"e.", b"(", b".", b"N", b"NN.", b"}(N.", b"}.x", b"]((ee."] {
        assert_eq!(reason(payload), Reason::Malformed, "{payload:?}");
    }
    assert!(pickled(b"}X\x03\0\0\0msgNs(u.").is_ok(), "the mark is above");
    assert_eq!(reason(b"}(X\x03\0\0\0msgNsu."), Reason::Malformed, "the mark is between");
}

/// Opcodes and their arguments, mixed at random: what random bytes hardly ever are.
fn opcodes() -> impl Strategy<Value = Vec<u8>> {
    let one = prop_oneof![
        prop::sample::select(&b"(}]).Nauseltd\x85\x86\x87\x88\x89\x94"[..]).prop_map(|opcode| vec![opcode]),
        any::<u8>().prop_map(|value| vec![b'K', value]),
        (0_u8..4).prop_map(|place| vec![b'q', place]),
        (0_u8..4).prop_map(|place| vec![b'h', place]),
        Just(b"X\x03\0\0\0msg".to_vec()),
        Just(b"X\x05\0\0\0spans".to_vec()),
        Just(b"X\x04\0\0\0name".to_vec()),
    ];
    prop::collection::vec(one, 0..60).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_a_record_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for encoding in [None, Some(Encoding::MessagePack), Some(Encoding::Json), Some(Encoding::JsonLines), Some(Encoding::Pickle)] {
            let decoder = Decoder { encoding, max_frame_bytes: 200 };
            decoder.record(&bytes).ok();
            decoder.payloads(&bytes).ok();
            if let Ok(Some((payload, length))) = decoder.first(&bytes) {
                prop_assert!(payload.len() <= 200 && length <= bytes.len());
            }
        }
    }

    #[test]
    fn any_opcodes_are_a_record_or_refused(bytes in opcodes()) {
        pickled(&bytes).ok();
        pickled(&[&b"}("[..], &bytes, b"u."].concat()).ok();
    }

    #[test]
    fn a_frame_of_cpython_that_was_damaged_is_a_record_or_refused(at in 4_usize..600, byte in any::<u8>(), cut in 0_usize..600) {
        let mut frame = frame("extra_types");
        frame[at] = byte;
        pickled(&frame[4..]).ok();
        pickled(&frame[4..cut.max(4)]).ok();
    }

    #[test]
    fn frames_are_found_however_many_stand_together(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..10)) {
        let decoder = Decoder { encoding: Some(Encoding::MessagePack), max_frame_bytes: 50 };
        let bytes: Vec<u8> = payloads.iter().flat_map(|payload| [&(payload.len() as u32).to_be_bytes()[..], payload].concat()).collect();
        let (mut rest, mut found) = (&bytes[..], Vec::new());
        while let Some((payload, length)) = decoder.first(rest).unwrap() {
            found.push(payload.to_vec());
            rest = &rest[length..];
        }
        prop_assert_eq!(found, payloads);
        prop_assert!(rest.is_empty());
    }
}
