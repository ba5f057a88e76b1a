//! How rolled files are compressed.

use std::io;
use std::ops::RangeInclusive;

use tracing_handlers_core::Error;

use crate::fs::FsFile;

/// How rolled files are compressed; each kind is a feature of the crate.
///
/// | kind | feature | ending | levels, and the default |
/// |---|---|---|---|
#[cfg_attr(feature = "gzip", doc = "| [`gzip`](Self::gzip) | `gzip` | `.gz` | 0 to 9, 6 |")]
#[cfg_attr(not(feature = "gzip"), doc = "| gzip | `gzip` | `.gz` | 0 to 9, 6 |")]
#[cfg_attr(feature = "zstd", doc = "| [`zstd`](Self::zstd) | `zstd` | `.zst` | 1 to 19, 3 |")]
#[cfg_attr(not(feature = "zstd"), doc = "| zstd | `zstd` | `.zst` | 1 to 19, 3 |")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    kind: Kind,
    level: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    #[cfg(feature = "gzip")]
    Gzip,
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Kind {
    fn levels(self) -> RangeInclusive<u32> {
        match self {
            #[cfg(feature = "gzip")]
            Self::Gzip => 0..=9,
            #[cfg(feature = "zstd")]
            Self::Zstd => 1..=19,
        }
    }
}

impl Compression {
    /// gzip (RFC 1952).
    #[cfg(feature = "gzip")]
    pub fn gzip() -> Self {
        Self { kind: Kind::Gzip, level: 6 }
    }

    /// Zstandard (RFC 8878).
    #[cfg(feature = "zstd")]
    pub fn zstd() -> Self {
        Self { kind: Kind::Zstd, level: 3 }
    }

    /// How hard it tries: more takes more time and less space.
    #[must_use]
    pub fn level(mut self, level: u32) -> Self {
        self.level = level;
        self
    }

    /// Refuses a level that does not exist.
    ///
    /// # Errors
    ///
    /// A configuration error.
    pub fn check(self) -> Result<Self, Error> {
        let levels = self.kind.levels();
        if levels.contains(&self.level) {
            return Ok(self);
        }
        let (name, value) = (self.ending().trim_start_matches('.'), self.level);
        let why = format!("{name} has levels {} to {}", levels.start(), levels.end());
        Err(Error::config("compress", format_args!("level {value}"), why))
    }

    pub(super) fn ending(self) -> &'static str {
        match self.kind {
            #[cfg(feature = "gzip")]
            Kind::Gzip => ".gz",
            #[cfg(feature = "zstd")]
            Kind::Zstd => ".zst",
        }
    }

    /// Writes the whole of `source`, compressed, to `target`, while `goes_on`.
    #[cfg_attr(
        not(any(feature = "gzip", feature = "zstd")),
        allow(unused_variables, reason = "without a kind there is nothing to do")
    )]
    pub(super) fn compress(
        self,
        source: &mut dyn FsFile,
        target: &mut dyn FsFile,
        goes_on: &dyn Fn() -> bool,
    ) -> io::Result<()> {
        let target = Target(target);
        match self.kind {
            #[cfg(feature = "gzip")]
            Kind::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(target, flate2::Compression::new(self.level));
                copy(source, &mut encoder, goes_on)?;
                encoder.finish().map(drop)
            }
            #[cfg(feature = "zstd")]
            Kind::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(target, i32::try_from(self.level).unwrap_or(3))?;
                copy(source, &mut encoder, goes_on)?;
                encoder.finish().map(drop)
            }
        }
    }
}

/// Bytes between two looks at whether to go on.
#[cfg(any(feature = "gzip", feature = "zstd"))]
const BLOCK: usize = 64 * 1024;

#[cfg(any(feature = "gzip", feature = "zstd"))]
fn copy(source: &mut dyn FsFile, target: &mut dyn io::Write, goes_on: &dyn Fn() -> bool) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    while goes_on() {
        match source.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(count) => target.write_all(block.get(..count).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("the handler was closed"))
}

struct Target<'a>(#[cfg_attr(not(any(feature = "gzip", feature = "zstd")), allow(dead_code))] &'a mut dyn FsFile);

impl io::Write for Target<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
