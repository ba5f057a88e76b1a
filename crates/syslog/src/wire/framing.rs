//! How messages are told apart on a stream (RFC 6587), and the run of messages that one record may become (pure).

use super::number;

/// How messages are told apart on a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// The length in front of each: `11 <14>message`. Nothing in a message can end it.
    #[default]
    OctetCounting,
    /// A line feed behind each. Line ends and NULs in a message are escaped, whatever the setting says.
    Lf,
    /// A NUL behind each, as `syslog(3)` and Python do. NULs in a message are escaped.
    Nul,
}

impl Framing {
    /// Appends the message, framed.
    pub fn frame(self, message: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::OctetCounting => {
                number(message.len() as u64, out);
                out.push(b' ');
                out.extend_from_slice(message);
            }
            Self::Lf => {
                out.extend_from_slice(message);
                out.push(b'\n');
            }
            Self::Nul => {
                out.extend_from_slice(message);
                out.push(0);
            }
        }
    }

    /// Whether the byte may not stand in a message.
    pub(crate) fn forbids(self, byte: u8) -> bool {
        match self {
            Self::OctetCounting => false,
            Self::Lf => matches!(byte, b'\n' | b'\r' | 0),
            Self::Nul => byte == 0,
        }
    }
}

/// The messages of a run that [`Framing::OctetCounting`] framed, up to where it makes no sense.
pub fn counted(mut run: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let space = run.iter().position(|byte| *byte == b' ')?;
        let length: usize = std::str::from_utf8(run.get(..space)?).ok()?.parse().ok()?;
        let message = run.get(space + 1..)?.get(..length)?;
        run = run.get(space + 1 + length..)?;
        Some(message)
    })
}
