//! Rolled files are compressed by a thread that no caller waits for.
//!
//! A copy is written under a temporary name, brought to the disk, renamed to the name of the rolled file with `.gz` or `.zst` behind
//! it; then the file itself goes. So at every moment at least one of both is whole. Where both are there, the compressed one is
//! known for the copy by the time of its last change, which it has taken over: two files of different times are two files.

mod compressor;
mod forms;
#[cfg(any(feature = "gzip", feature = "zstd"))]
mod method;
#[cfg(not(any(feature = "gzip", feature = "zstd")))]
mod no_method;
mod sweep;
mod temporary;

use std::io;

use crate::fs::FsFile;

pub use self::compressor::{Compressor, Family, Moving};
pub use self::forms::Forms;
#[cfg(any(feature = "gzip", feature = "zstd"))]
pub use self::method::Compression;
#[cfg(not(any(feature = "gzip", feature = "zstd")))]
pub use self::no_method::Compression;

/// Compresses as it is written to.
trait Encoder: io::Write {
    /// Writes the end, and gives the file back.
    fn finish(self: Box<Self>) -> io::Result<Box<dyn FsFile>>;
}
