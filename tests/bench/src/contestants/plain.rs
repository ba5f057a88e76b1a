//! What a plain loop makes of the same socket: frames as long as ours, made beforehand.

use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;

use super::{Place, Running};
use crate::Failed;

/// How long the frame of an event is, the four bytes of its length included.
const FRAME_BYTES: usize = 305;

/// How much a loop writes at once.
const BLOCK_BYTES: usize = 64 << 10;

pub(super) fn tcp(place: &Place) -> Result<Running, Failed> {
    let mut stream = TcpStream::connect(("127.0.0.1", place.port))?;
    Ok(Running::of_loop(move |events| {
        let frame = frame()?;
        let block = frame.repeat(BLOCK_BYTES / FRAME_BYTES);
        let mut left = usize::try_from(events)? * FRAME_BYTES;
        while left > 0 {
            let part = block.get(..left).unwrap_or(&block);
            stream.write_all(part)?;
            left -= part.len();
        }
        Ok(())
    }))
}

pub(super) fn udp(place: &Place) -> Result<Running, Failed> {
    let (socket, port) = (UdpSocket::bind("127.0.0.1:0")?, place.port);
    Ok(Running::of_loop(move |events| {
        let frame = frame()?;
        for _ in 0..events {
            socket.send_to(&frame, ("127.0.0.1", port))?;
        }
        Ok(())
    }))
}

pub(super) fn unix(place: &Place) -> Result<Running, Failed> {
    let (socket, path) = (UnixDatagram::unbound()?, place.socket());
    Ok(Running::of_loop(move |events| {
        let frame = frame()?;
        for _ in 0..events {
            socket.send_to(&frame, &path)?;
        }
        Ok(())
    }))
}

fn frame() -> Result<Vec<u8>, Failed> {
    let body = FRAME_BYTES - 4;
    let mut frame = u32::try_from(body)?.to_be_bytes().to_vec();
    frame.resize(FRAME_BYTES, b'x');
    Ok(frame)
}
