//! Frames, as the peers of these tests read them.

use std::io::{self, Read};

use tracing_handlers_testing::peers::Framing;

/// Payloads behind their lengths.
pub(crate) const FRAMES: Framing =
    Framing { read: |stream| read_frame(stream), frame: |payload| [&(payload.len() as u32).to_be_bytes(), payload].concat() };

/// One payload behind its length; nothing at the end of the connection.
pub(crate) fn read_frame(stream: &mut (impl Read + ?Sized)) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let mut payload = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut payload)?;
    Ok(Some(payload))
}

/// What stands in a datagram behind a length that is that of the rest.
pub(crate) fn payload_of(datagram: &[u8]) -> Vec<u8> {
    let (length, payload) = datagram.split_first_chunk().unwrap();
    assert_eq!(u32::from_be_bytes(*length) as usize, payload.len());
    payload.to_vec()
}
