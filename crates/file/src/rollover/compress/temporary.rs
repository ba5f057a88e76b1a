//! Names of files that are on their way into a chain or out of it: a process that ends leaves them, and the next one removes them (pure).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::forms::{ENDINGS, with_ending};

/// What stands in the place of an ending in the name of a file that is to go.
pub(super) const GONE: &str = "gone";

/// `.app.log.1.gz.tmp`, which is no name of a rolled file.
pub(super) fn name(of: &Path, ending: &str) -> PathBuf {
    let mut hidden = OsString::from(".");
    hidden.push(of.file_name().unwrap_or_default());
    with_ending(&with_ending(&of.with_file_name(hidden), ending), "tmp")
}

/// The inverse.
pub(super) fn plain_name(entry: &str) -> Option<&str> {
    let name = entry.strip_prefix('.')?.strip_suffix(".tmp")?;
    ENDINGS.into_iter().chain([GONE]).find_map(|ending| name.strip_suffix(ending)?.strip_suffix('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_name_tells_what_it_is_of() {
        for ending in ENDINGS.into_iter().chain([GONE]) {
            let name = name(Path::new("/logs/app.log.1"), ending);
            let entry = name.file_name().unwrap().to_str().unwrap();
            assert_eq!(name.parent(), Some(Path::new("/logs")));
            assert_eq!(plain_name(entry), Some("app.log.1"));
        }
        for entry in ["app.log.1.gz.tmp", ".app.log.1.gz", ".app.log.1.tmp", ".app.log.1gz.tmp", ""] {
            assert_eq!(plain_name(entry), None, "{entry}");
        }
    }
}
