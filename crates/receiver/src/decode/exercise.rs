//! What is done with bytes of chance, by the fuzz targets of `tests/fuzz` and by [`replay`](super::replay) (pure).
//!
//! Whatever the bytes are, each function returns. What holds for every record is asserted, of the encoders of `socket` as well.

use tracing_handlers_core::format::{Format, Json, Text};
use tracing_handlers_core::{Record, RecordBuf, Value};
use tracing_handlers_socket::Encoding;
use tracing_handlers_socket::export::frame;

use super::{Decoder, Refused, json};

const MAX_FRAME_BYTES: usize = 1 << 16;
/// A byte becomes six at most (`\0` in a text that is shown as by `Debug`, `N` as `null` in a list) and is shown twice at most.
const GROWTH: usize = 16;
/// What a pickle may recall: 1 MiB of texts, and 10,000 numbers of 40 digits.
const RECALLED: usize = (6 << 20) + 10_000 * 44;

fn decoder(encoding: Option<Encoding>) -> Decoder {
    Decoder { encoding, max_frame_bytes: MAX_FRAME_BYTES }
}

/// The bytes as the payload of a frame with a pickle.
pub fn pickle(bytes: &[u8]) {
    payload(Some(Encoding::Pickle), bytes, RECALLED);
}

/// As one with JSON.
pub fn json(bytes: &[u8]) {
    payload(Some(Encoding::Json), bytes, 0);
}

/// As one with a record of MessagePack, which is taken as it is.
pub fn message_pack(bytes: &[u8]) {
    if let Ok(record) = decoder(Some(Encoding::MessagePack)).record(bytes) {
        assert_eq!(record.as_bytes(), bytes);
        look(&record);
    }
}

/// As a datagram.
pub fn datagram(bytes: &[u8]) {
    for encoding in [None, Some(Encoding::JsonLines), Some(Encoding::Pickle)] {
        let decoder = decoder(encoding);
        for payload in decoder.payloads(bytes).unwrap_or_default() {
            assert!(payload.len() <= bytes.len());
            decoder.record(payload).ok().iter().for_each(look);
        }
    }
}

/// As what comes over a connection, behind one byte that says in which pieces: the frames are the same however they are cut.
pub fn stream(bytes: &[u8]) {
    let Some((pieces, bytes)) = bytes.split_first() else { return };
    for encoding in [None, Some(Encoding::JsonLines), Some(Encoding::MessagePack)] {
        let decoder = decoder(encoding);
        let mut whole = Connection::new(decoder);
        whole.read(bytes);
        let mut cut = Connection::new(decoder);
        bytes.chunks(usize::from(*pieces).max(1)).for_each(|piece| cut.read(piece));
        assert_eq!(whole.frames, cut.frames);
        assert_eq!(whole.is_refused, cut.is_refused);
        assert!(cut.is_refused || whole.buffer == cut.buffer);
        for frame in &whole.frames {
            assert!(frame.len() <= MAX_FRAME_BYTES);
            decoder.record(frame).ok().iter().for_each(look);
        }
    }
}

/// A connection as `connection.rs` reads it.
struct Connection {
    decoder: Decoder,
    buffer: Vec<u8>,
    frames: Vec<Vec<u8>>,
    is_refused: bool,
}

impl Connection {
    fn new(decoder: Decoder) -> Self {
        Self { decoder, buffer: Vec::new(), frames: Vec::new(), is_refused: false }
    }

    fn read(&mut self, piece: &[u8]) {
        if self.is_refused {
            return;
        }
        self.buffer.extend_from_slice(piece);
        let mut taken = 0;
        loop {
            let rest = self.buffer.get(taken..).unwrap_or_default();
            match self.decoder.first(rest) {
                Ok(Some((payload, length))) => {
                    assert!(length > payload.len() && length <= rest.len());
                    self.frames.push(payload.to_vec());
                    taken += length;
                }
                Ok(None) => break,
                Err(Refused { .. }) => {
                    self.is_refused = true;
                    break;
                }
            }
        }
        self.buffer.drain(..taken);
    }
}

/// As a record of MessagePack that is sent on, in each encoding, and read again: nobody refuses it, what every encoding keeps is as it
/// was, and what came out twice comes out of that again, to the byte.
pub fn round_trip(bytes: &[u8]) {
    let Ok(record) = decoder(Some(Encoding::MessagePack)).record(bytes) else { return };
    for encoding in [Encoding::MessagePack, Encoding::Json, Encoding::JsonLines, Encoding::Pickle] {
        let Some(once) = sent(encoding, &record) else { continue };
        let (before, after) = (record.as_record(), once.as_record());
        // Where JSON has no message, a field of that name is taken for it, as `tracing` does.
        if !before.message().is_empty() {
            assert_eq!(before.message(), after.message(), "{encoding:?}");
        }
        assert_eq!(
            (before.level(), before.target(), before.spans().count()),
            (after.level(), after.target(), after.spans().count()),
            "{encoding:?}"
        );
        for (name, value) in before.fields() {
            if let (Some(Value::F64(sent)), Value::F64(_), Some(Value::F64(came))) =
                (before.fields().find(name), value, after.fields().find(name))
            {
                assert!(sent.to_bits() == came.to_bits() || sent.is_nan(), "{encoding:?}: {sent:?} came as {came:?}");
            }
        }
        if encoding == Encoding::MessagePack {
            // The bytes of a stranger may have another writer.
            assert_eq!(format!("{before:?}"), format!("{after:?}"));
        }
        // A list becomes a text of `Debug` the first time, and a text the second.
        let twice = sent(encoding, &once);
        assert_eq!(twice, twice.as_ref().and_then(|twice| sent(encoding, twice)), "{encoding:?}");
    }
}

/// The record at the other end of a connection, where there has to be one.
fn sent(encoding: Encoding, record: &RecordBuf) -> Option<RecordBuf> {
    let frame = frame(encoding, &record.as_record()).unwrap_or_default();
    let decoder = Decoder { encoding: Some(encoding), max_frame_bytes: usize::MAX };
    let found = decoder.first(&frame).ok().flatten().filter(|(_, length)| *length == frame.len());
    let received = found.map(|(payload, _)| decoder.record(payload));
    assert!(matches!(received, Some(Ok(_))), "{encoding:?}: {received:?}");
    received?.ok()
}

/// A record is never much longer than its payload.
fn payload(encoding: Option<Encoding>, bytes: &[u8], more: usize) {
    if let Ok(record) = decoder(encoding).record(bytes) {
        let length = record.as_bytes().len();
        assert!(length <= bytes.len() * GROWTH + more + 1_024, "a record of {length} bytes from {}", bytes.len());
        look(&record);
    }
}

/// What a handler does with a record: it reads all of it, and writes it as bytes, as a line and as JSON.
fn look(record: &RecordBuf) {
    let record = record.as_record();
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    let again = Record::decode(&bytes).map(|again| again.to_buf());
    assert_eq!(
        again.ok().as_ref().map(RecordBuf::as_record).map(|again| again.message().to_owned()),
        Some(record.message().to_owned())
    );
    for (name, value) in record.fields() {
        drop((name.len(), value.to_owned()));
    }
    for span in record.spans() {
        assert!(span.name().len() + span.target().len() <= bytes.len());
        span.fields().for_each(|(name, value)| drop((name.len(), value.to_owned())));
    }
    let mut line = Vec::new();
    Text::new().format(&record, &mut line);
    assert!(!line.contains(&b'\n'), "a record is one line");
    assert!(!line.contains(&b'\x1b'), "no escape of a terminal gets through");
    line.clear();
    Json::new().format(&record, &mut line);
    assert!(json::record(&line).is_ok(), "our JSON is JSON");
}
