//! How Python's `logging` says what a record has: level names and numbers, parts of a path; and what a process is called.

use crate::Level;

/// `WARNING` for `WARN`, the others as here.
pub fn level_name(level: Level) -> &'static str {
    match level {
        Level::WARN => "WARNING",
        other => other.as_str(),
    }
}

/// 40 for `ERROR`, and 10 less for each level below; 5 for `TRACE`, which Python does not have.
pub fn level_number(level: Level) -> u8 {
    match level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        Level::DEBUG => 10,
        Level::TRACE => 5,
    }
}

/// The last part of a path: `filename`. `file!()` has the separators of the platform that compiled it.
pub fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// That without its extension: `module`. A dot at the beginning does not begin an extension.
pub fn file_stem(path: &str) -> &str {
    let name = file_name(path);
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.trim_start_matches('.').is_empty() => stem,
        _ => name,
    }
}

/// `processName`: this program's file name without its extension. Python says `MainProcess`, which tells programs not apart.
pub fn process_name() -> String {
    let program = std::env::current_exe().unwrap_or_default();
    program.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
