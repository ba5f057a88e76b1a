//! How a file is compressed: gzip or Zstandard, and how hard.

use std::fmt;
use std::io;

use tracing_handlers_core::Error;

use super::Encoder;
use crate::fs::FsFile;

/// How rolled files are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    method: Method,
    level: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    #[cfg(feature = "gzip")]
    Gzip,
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Compression {
    /// gzip, into files that end in `.gz`: any tool reads them.
    #[cfg(feature = "gzip")]
    pub fn gzip() -> Self {
        Self { method: Method::Gzip, level: 6 }
    }

    /// Zstandard, into files that end in `.zst`: smaller than gzip's, in a fraction of the time.
    #[cfg(feature = "zstd")]
    pub fn zstd() -> Self {
        Self { method: Method::Zstd, level: 3 }
    }

    /// How hard it is tried: 0 to 9 for gzip (6 by default), 1 to 22 for Zstandard (3 by default).
    #[must_use]
    pub fn level(mut self, level: u32) -> Self {
        self.level = level;
        self
    }

    /// Refuses a level that the method does not have.
    pub(super) fn check(self) -> Result<(), Error> {
        let levels = match self.method {
            #[cfg(feature = "gzip")]
            Method::Gzip => 0..=9,
            #[cfg(feature = "zstd")]
            Method::Zstd => 1..=22,
        };
        if levels.contains(&self.level) {
            return Ok(());
        }
        let why = format!("the level must be {} to {}", levels.start(), levels.end());
        Err(Error::config("compress", self, why))
    }

    /// What stands behind the name of a file that is compressed like this.
    pub(super) fn ending(self) -> &'static str {
        match self.method {
            #[cfg(feature = "gzip")]
            Method::Gzip => "gz",
            #[cfg(feature = "zstd")]
            Method::Zstd => "zst",
        }
    }

    /// Compresses what it is given into `file`.
    pub(super) fn into_file(self, file: Box<dyn FsFile>) -> io::Result<Box<dyn Encoder>> {
        let out = Out(file);
        match self.method {
            #[cfg(feature = "gzip")]
            Method::Gzip => Ok(Box::new(flate2::write::GzEncoder::new(out, flate2::Compression::new(self.level)))),
            #[cfg(feature = "zstd")]
            Method::Zstd => {
                let level = i32::try_from(self.level).map_err(io::Error::other)?;
                let mut encoder = zstd::stream::write::Encoder::new(out, level)?;
                encoder.include_checksum(true)?;
                Ok(Box::new(encoder))
            }
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.method {
            #[cfg(feature = "gzip")]
            Method::Gzip => "gzip",
            #[cfg(feature = "zstd")]
            Method::Zstd => "zstd",
        };
        write!(f, "{name} level {}", self.level)
    }
}

#[cfg(feature = "gzip")]
impl Encoder for flate2::write::GzEncoder<Out> {
    fn finish(self: Box<Self>) -> io::Result<Box<dyn FsFile>> {
        (*self).finish().map(|out| out.0)
    }
}

#[cfg(feature = "zstd")]
impl Encoder for zstd::stream::write::Encoder<'static, Out> {
    fn finish(self: Box<Self>) -> io::Result<Box<dyn FsFile>> {
        (*self).finish().map(|out| out.0)
    }
}

struct Out(Box<dyn FsFile>);

impl io::Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
