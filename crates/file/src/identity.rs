//! Is the open file still the one at the path (pure)?

use std::io;

use crate::fs::Stat;
use crate::log_file::LogFile;

/// How the open file stands to what is at its path now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The same file.
    Same,
    /// The same file, cut to this size by somebody else (`copytruncate`).
    Truncated(u64),
    /// Another file, or none.
    Moved,
}

/// Compares the open file with what the path shows. A path that cannot be looked at counts as moved: opening it again
/// makes a missing file and its directory, or says why that cannot be.
pub(crate) fn standing(open: &LogFile, at_path: &io::Result<Stat>) -> Standing {
    match at_path {
        Ok(stat) if stat.id != open.id() => Standing::Moved,
        Ok(stat) if open.is_regular() && stat.len < open.len() => Standing::Truncated(stat.len),
        Ok(_) => Standing::Same,
        Err(_) => Standing::Moved,
    }
}
