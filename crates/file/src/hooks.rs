//! The user's hooks that write the first and the last lines of a file.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use tracing_handlers_core::{Error, Timestamp, reentry};

/// What a hook is told of the file whose header or footer it writes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FileInfo<'a> {
    /// The path that it was opened by. In `on_close` it may have another name by then.
    pub path: &'a Path,
    /// Its size in bytes, before what the hook writes.
    pub len: u64,
    /// Whether the handler made it when it opened it; otherwise it was there.
    pub was_made: bool,
    /// The time by the handler's clock.
    pub at: Timestamp,
}

pub(crate) type Hook = Arc<dyn Fn(&FileInfo<'_>, &mut Vec<u8>) + Send + Sync>;

/// The hooks of a handler, if it has any.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) on_open: Option<Hook>,
    pub(crate) on_close: Option<Hook>,
}

impl Hooks {
    /// The header of a file.
    pub(crate) fn header(&self, info: &FileInfo<'_>) -> Result<Vec<u8>, Error> {
        self.on_open.as_ref().map_or(Ok(Vec::new()), |hook| run("on_open", hook, info))
    }

    /// The footer of a file.
    pub(crate) fn footer(&self, info: &FileInfo<'_>) -> Result<Vec<u8>, Error> {
        self.on_close.as_ref().map_or(Ok(Vec::new()), |hook| run("on_close", hook, info))
    }
}

fn run(name: &str, hook: &Hook, info: &FileInfo<'_>) -> Result<Vec<u8>, Error> {
    // The file is locked; what the hook logs must not come back to that lock.
    let _own_work = reentry::enter();
    let mut bytes = Vec::new();
    let ran = catch_unwind(AssertUnwindSafe(|| hook(info, &mut bytes)));
    ran.map_err(|_| Error::panicked(format!("the hook {name} panicked over {}", info.path.display())))?;
    Ok(bytes)
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").field("on_open", &self.on_open.is_some()).field("on_close", &self.on_close.is_some()).finish()
    }
}
