//! Without a feature for it there is no way to compress, so nothing that is said of one here ever happens.

use std::fmt;
use std::io;

use tracing_handlers_core::Error;

use super::Encoder;
use crate::fs::FsFile;

/// How rolled files are compressed: not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {}

impl Compression {
    pub(super) fn check(self) -> Result<(), Error> {
        match self {}
    }

    pub(super) fn ending(self) -> &'static str {
        match self {}
    }

    pub(super) fn into_file(self, _: Box<dyn FsFile>) -> io::Result<Box<dyn Encoder>> {
        match self {}
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}
