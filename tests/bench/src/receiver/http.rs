//! As much of HTTP/1.1 as a receiver of bodies needs: requests with a `content-length`, one after the other on a connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// More than any batch has.
const LONGEST: u64 = 64 << 20;

/// Answers every request with 200, and hands out its body, until the connection ends.
pub(super) fn serve(stream: TcpStream, mut take: impl FnMut(&[u8])) {
    while_requests_come(stream, &mut take).ok();
}

fn while_requests_come(mut stream: TcpStream, take: &mut impl FnMut(&[u8])) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(256 << 10, stream.try_clone()?);
    let mut body = Vec::new();
    while let Some(length) = head(&mut reader)? {
        body.clear();
        if reader.by_ref().take(length.min(LONGEST)).read_to_end(&mut body)? as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        take(&body);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
    }
    Ok(())
}

/// How long the body behind the next head is; `None` at the end of the connection.
fn head(reader: &mut impl BufRead) -> io::Result<Option<u64>> {
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok(Some(length));
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_how_long_the_body_is() {
        let mut stream = &b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcPOST / HTTP/1.1\r\n\r\n"[..];
        assert_eq!(head(&mut stream).unwrap(), Some(3));
        stream.consume(3);
        assert_eq!(head(&mut stream).unwrap(), Some(0));
        assert_eq!(head(&mut stream).unwrap(), None);
    }
}
