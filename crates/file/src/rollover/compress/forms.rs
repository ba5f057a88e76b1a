//! In which forms a rolled file stands: as it was written, or compressed (pure).

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Which forms are known. Without compression only the plain one is: `app.log.1.gz` is then somebody else's.
///
/// A file that stands in two forms is one file: it was compressed, and what came before was still to be removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forms {
    compressed: bool,
}

/// The endings of compressed files. Who changes from one to the other keeps old files of both.
const ENDINGS: [&str; 2] = [".gz", ".zst"];

impl Forms {
    /// Plain and compressed.
    pub fn with_compressed() -> Self {
        Self { compressed: true }
    }

    fn endings(self) -> impl Iterator<Item = &'static str> {
        ENDINGS.into_iter().filter(move |_| self.compressed)
    }

    /// The names under which the rolled file `name` may stand, the plain one last.
    pub fn of(self, name: &Path) -> impl Iterator<Item = PathBuf> {
        self.endings().map(move |ending| with_ending(name, ending)).chain([name.to_owned()])
    }

    /// The plain name of an entry that may be compressed, and whether it is.
    pub fn plain(self, entry: &OsStr) -> (&OsStr, bool) {
        let stem = Path::new(entry).file_stem().unwrap_or(entry);
        let is_compressed = self.endings().any(|ending| with_ending(Path::new(stem), ending).as_os_str() == entry);
        if is_compressed { (stem, true) } else { (entry, false) }
    }
}

pub(super) fn with_ending(name: &Path, ending: &str) -> PathBuf {
    let mut ended = OsString::from(name);
    ended.push(ending);
    PathBuf::from(ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_name_is_found_again_in_each_form() {
        let forms = Forms::with_compressed();
        let names: Vec<_> = forms.of(Path::new("app.log.1")).collect();
        assert_eq!(names, [Path::new("app.log.1.gz"), Path::new("app.log.1.zst"), Path::new("app.log.1")]);
        for name in names {
            let is_plain = name == Path::new("app.log.1");
            assert_eq!(forms.plain(name.as_os_str()), (OsStr::new("app.log.1"), !is_plain));
        }
    }

    #[test]
    fn other_endings_are_part_of_a_name() {
        for name in ["app.log.1.gz.bak", "app.log.1.GZ", ".gz", "app.log.1.bz2"] {
            assert_eq!(Forms::with_compressed().plain(OsStr::new(name)), (OsStr::new(name), false));
        }
        assert_eq!(Forms::default().plain(OsStr::new("app.log.1.gz")), (OsStr::new("app.log.1.gz"), false));
    }
}
