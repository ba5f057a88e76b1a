//! The deletion of files that are not kept.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tracing_handlers_core::{Error, Timestamp};

use super::Retention;
use crate::upkeep::{Aftermath, Place};

impl Retention {
    /// Those of the rolled files that go, oldest first.
    pub fn expired<'a>(&self, place: Place<'_>, oldest_first: &'a [PathBuf], now: Timestamp) -> &'a [PathBuf] {
        let surplus = if self.needs_stats() {
            let stats: Vec<_> = oldest_first.iter().map(|path| place.fs.stat(path).ok()).collect();
            self.surplus(&stats, now)
        } else {
            self.above_count(oldest_first.len())
        };
        oldest_first.get(..surplus).unwrap_or_default()
    }
}

/// Removes a rolled file. One that cannot be removed stays for the next time and is noted; nothing waits for it.
pub fn remove(place: Place<'_>, path: &Path, aftermath: &mut Aftermath) {
    match place.fs.unlink(path) {
        Ok(unlinked) => aftermath.unlinked.push(unlinked),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => aftermath.notes.push(Error::io(format!("remove {}", path.display()), error)),
    }
}
