//! Compression of rolled files.

mod crash;
mod faults;
mod rolled;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use tracing_handlers_core::{Deadline, Handler};
use tracing_handlers_rotating_file::{Compression, RotatingFileHandler, RotatingFileHandlerBuilder};
use tracing_handlers_testing::file_subject::lines_of;
use tracing_handlers_testing::{MessageOnly, Setting, handle};

/// Two records a file.
fn builder(setting: &Setting) -> RotatingFileHandlerBuilder {
    let builder = RotatingFileHandler::builder(&setting.path).max_bytes(20).backup_count(3).format(MessageOnly);
    builder.compress(Compression::gzip()).fs(setting.fs.clone()).on_failure(setting.failures.clone())
}

/// All entries of the folder, sorted.
fn names(setting: &Setting) -> Vec<String> {
    let entries = fs::read_dir(setting.directory()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The lines of all files of the chain, oldest first. What stands there twice is the same, and counts once.
fn lines(setting: &Setting) -> Vec<String> {
    let mut lines = Vec::new();
    for number in (1..=4).rev() {
        let plain = setting.backup(number);
        let forms = [plain.clone(), with(&plain, ".gz"), with(&plain, ".zst")];
        let found: Vec<_> = forms.iter().filter(|path| path.exists()).map(|path| unpacked_lines(path)).collect();
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "{number}: {found:?}");
        lines.extend(found.into_iter().next().unwrap_or_default());
    }
    if setting.path.exists() {
        lines.extend(lines_of(&setting.path));
    }
    lines
}

fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The lines of a file that may be compressed.
fn unpacked_lines(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap();
    let mut text = String::new();
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("gz") => flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text).unwrap(),
        Some("zst") => zstd::stream::read::Decoder::new(&*bytes).unwrap().read_to_string(&mut text).unwrap(),
        _ => (&*bytes).read_to_string(&mut text).unwrap(),
    };
    text.lines().map(str::to_owned).collect()
}

/// Writes numbered records; gives them back.
fn write(handler: &impl Handler, name: &str, count: usize) -> Vec<String> {
    let messages: Vec<_> = (0..count).map(|number| format!("{name} {number:03}")).collect();
    messages.iter().for_each(|message| handle(handler, message));
    messages
}

/// Closes the handler once everything is compressed.
fn close(handler: &impl Handler) {
    handler.close(Deadline::never()).unwrap();
}
