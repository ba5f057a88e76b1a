//! The frame of `SocketHandler`: four bytes, big-endian, that say how many follow (pure).

use tracing_handlers_core::Error;

/// Appends what `write` appends, with its length before it.
pub(crate) fn prefixed(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>) -> Result<(), Error> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out)?;
    let written = out.len().saturating_sub(start + 4);
    let length = u32::try_from(written).map_err(|_| Error::new(format!("frame a record of {written} bytes")))?;
    if let Some(prefix) = out.get_mut(start..start + 4) {
        prefix.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_does_not_count_itself_nor_what_was_there() {
        let mut out = b"before".to_vec();
        let write = |out: &mut Vec<u8>| {
            out.extend_from_slice(&[7; 300]);
            Ok(())
        };
        prefixed(&mut out, write).unwrap();
        assert_eq!(&out[..10], b"before\0\0\x01\x2c");
        assert_eq!(out.len(), 310);
    }
}
