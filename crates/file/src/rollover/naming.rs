//! Names by pattern: `{stem}-{date}.{index}.{ext}` (pure).
//!
//! A pattern is a namer that was written down. Which handler made the date and the number, and which names are its own, is the business
//! of that handler: it recognises a name by making it again.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tracing_handlers_core::Error;

/// Which numbers a handler's default names end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endings {
    /// `app.log.7`: a place in a chain.
    Index,
    /// `app.log.2024-01-31`, and `app.log.2024-01-31.7` for a second one of that date.
    Date,
}

/// Where the process runs, for `{host}` and `{pid}`.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) host: String,
    pub(super) pid: u32,
}

/// A pattern that was read, for the files of one path.
#[derive(Clone, Debug)]
pub(super) struct NamePattern {
    /// The path that is written to, and a dot: what the default names begin with.
    base: OsString,
    directory: PathBuf,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Date,
    Index,
}

impl NamePattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub(super) fn read(pattern: &str, path: &Path, endings: Endings, origin: &Origin) -> Result<Self, String> {
        let parts = read_parts(pattern, path, origin)?;
        check(&parts, endings)?;
        let mut base = OsString::from(path);
        base.push(".");
        Ok(Self { base, directory: path.parent().unwrap_or(Path::new("")).to_owned(), parts })
    }

    /// The name in the place of a default one; that itself, if it is none.
    pub(super) fn name(&self, default: &Path) -> PathBuf {
        let bytes = default.as_os_str().as_encoded_bytes();
        let ending = bytes.strip_prefix(self.base.as_encoded_bytes()).and_then(|ending| std::str::from_utf8(ending).ok());
        let Some(ending) = ending else { return default.to_owned() };
        let (date, index) = match ending.split_once('.') {
            Some((date, index)) => (date, index),
            None if self.parts.contains(&Part::Date) => (ending, "0"),
            None => ("", ending),
        };
        let text = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Date => date.to_owned(),
            Part::Index => index.to_owned(),
        };
        self.directory.join(self.parts.iter().map(text).collect::<String>())
    }
}

fn read_parts(pattern: &str, path: &Path, origin: &Origin) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        text.push_str(before);
        if let Some(behind) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
            text.extend(from.chars().next());
            rest = behind;
            continue;
        }
        let inside = from.strip_prefix('{').and_then(|from| from.split_once('}'));
        let (name, behind) = inside.ok_or("has a brace without its other; a brace that is meant is doubled")?;
        match name {
            "date" => put(&mut parts, &mut text, Part::Date),
            "index" => put(&mut parts, &mut text, Part::Index),
            _ => text.push_str(&constant(name, path, origin)?),
        }
        rest = behind;
    }
    text.push_str(rest);
    if let Some(bad) = text_of(&parts).chain([text.as_str()]).find(|text| text.contains(is_separator)) {
        return Err(format!("leads out of the directory or holds what no name can: {bad:?}"));
    }
    if cfg!(windows) && text.ends_with([' ', '.']) {
        return Err("ends in what Windows leaves out of a name: a space or a dot".into());
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

fn put(parts: &mut Vec<Part>, text: &mut String, part: Part) {
    if !text.is_empty() {
        parts.push(Part::Text(std::mem::take(text)));
    }
    parts.push(part);
}

fn text_of(parts: &[Part]) -> impl Iterator<Item = &str> {
    parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        _ => None,
    })
}

fn is_separator(char: char) -> bool {
    // On Windows a colon begins the name of a stream in the file.
    std::path::is_separator(char) || char.is_control() || cfg!(windows) && "<>:\"|?*".contains(char)
}

/// What stays the same in all names of a handler.
fn constant(name: &str, path: &Path, origin: &Origin) -> Result<String, String> {
    let of_path = |text: Option<&std::ffi::OsStr>, what| {
        text.and_then(std::ffi::OsStr::to_str).map(str::to_owned).ok_or_else(|| format!("the path has no {what} that is UTF-8"))
    };
    match name {
        "stem" => of_path(path.file_stem(), "stem"),
        "ext" => of_path(path.extension(), "extension"),
        // A name of a host can hold anything, as far as the system cares.
        "host" => Ok(origin.host.replace(|char: char| !char.is_alphanumeric() && !"-_.".contains(char), "_")),
        "pid" => Ok(origin.pid.to_string()),
        _ => Err(format!("{{{name}}} is not known; there are {{date}}, {{index}}, {{stem}}, {{ext}}, {{host}} and {{pid}}")),
    }
}

/// Refuses what could not tell files apart, or not be found again.
fn check(parts: &[Part], endings: Endings) -> Result<(), String> {
    let count = |wanted: &Part| parts.iter().filter(|part| *part == wanted).count();
    match endings {
        Endings::Index if count(&Part::Date) > 0 => return Err("has a {date}, which numbered files do not have".into()),
        Endings::Index if count(&Part::Index) != 1 => return Err("must have one {index}".into()),
        Endings::Date if count(&Part::Date) != 1 => return Err("must have one {date}".into()),
        Endings::Date if count(&Part::Index) > 1 => return Err("must not have more than one {index}".into()),
        _ => {}
    }
    let is_number = |part: &Part| matches!(part, Part::Date | Part::Index);
    // `…-311` is the 31st and 1, or the 3rd and 11.
    for (at, part) in parts.iter().enumerate().filter(|(_, part)| is_number(part)) {
        let before = at.checked_sub(1).and_then(|before| parts.get(before));
        let touches = |text: &str, end: Option<char>| end.is_some_and(|end| end.is_ascii_digit()) && !text.is_empty();
        let runs_on = match before {
            Some(Part::Text(text)) => touches(text, text.chars().next_back()),
            Some(_) => true,
            None => false,
        };
        let runs_into = matches!(parts.get(at + 1), Some(Part::Text(text)) if touches(text, text.chars().next()));
        if runs_on || runs_into {
            return Err(format!("must have something other than a digit beside {part}"));
        }
    }
    Ok(())
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text(text) => text,
            Self::Date => "{date}",
            Self::Index => "{index}",
        })
    }
}

/// The error for a pattern, as `build()` returns it.
pub(super) fn refused(pattern: &str, why: impl std::fmt::Display) -> Error {
    Error::config("name_pattern", format_args!("{pattern:?}"), why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pattern: &str, endings: Endings) -> Result<NamePattern, String> {
        let origin = Origin { host: "db/1".into(), pid: 47 };
        NamePattern::read(pattern, Path::new("/logs/app.log"), endings, &origin)
    }

    fn dated(pattern: &str, default: &str) -> String {
        read(pattern, Endings::Date).unwrap().name(Path::new(default)).to_string_lossy().replace('\\', "/")
    }

    #[test]
    fn dates_and_numbers_go_where_the_pattern_has_them() {
        let [plain, second] = ["/logs/app.log.2024-01-31", "/logs/app.log.2024-01-31.2"];
        assert_eq!(dated("{stem}-{date}.{index}.{ext}", plain), "/logs/app-2024-01-31.0.log");
        assert_eq!(dated("{stem}-{date}.{index}.{ext}", second), "/logs/app-2024-01-31.2.log");
        assert_eq!(dated("{stem}-{date}.{ext}", second), dated("{stem}-{date}.{ext}", plain), "no place for the number");
        assert_eq!(dated("{host}-{pid}-{{{date}}}", plain), "/logs/db_1-47-{2024-01-31}");
        let chain = read("{stem}.{index}.{ext}", Endings::Index).unwrap();
        assert_eq!(chain.name(Path::new("/logs/app.log.7")), Path::new("/logs/app.7.log"));
        assert_eq!(chain.name(Path::new("/else/x")), Path::new("/else/x"));
    }

    #[test]
    fn what_could_not_tell_files_apart_is_refused_in_words() {
        for (pattern, endings, words) in [
            ("app.log", Endings::Index, "{index}"),
            ("{date}", Endings::Index, "{date}"),
            ("{index}", Endings::Date, "{date}"),
            ("{date}{index}", Endings::Date, "beside {index}"),
            ("{date}7", Endings::Date, "beside {date}"),
            ("7{index}", Endings::Index, "beside {index}"),
            ("{pid}{index}", Endings::Index, "beside {index}"),
            ("{index}-{index}", Endings::Index, "one {index}"),
            ("{when}", Endings::Date, "{when} is not known"),
            ("{date", Endings::Date, "brace"),
            ("}{date}", Endings::Date, "brace"),
            ("../{date}", Endings::Date, "directory"),
            ("{date}\n", Endings::Date, "no name can"),
        ] {
            let why = read(pattern, endings).unwrap_err();
            assert!(why.contains(words), "{pattern}: {why}");
        }
        for pattern in ["{date} ", "{date}.", "{date}:x", "{date}?"] {
            assert_eq!(read(pattern, Endings::Date).is_err(), cfg!(windows), "{pattern}");
        }
        let origin = Origin { host: String::new(), pid: 1 };
        let why = NamePattern::read("{date}.{ext}", Path::new("/logs/app"), Endings::Date, &origin).unwrap_err();
        assert!(why.contains("extension"), "{why}");
    }
}
