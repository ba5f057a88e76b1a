//! Logs to a file that somebody else rotates: `WatchedFileHandler` beside logrotate, in both of its ways, without a signal and
//! without a restart.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example watched_file
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use tracing_handlers::WatchedFileHandler;
use tracing_handlers::format::Text;
use tracing_subscriber::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("app.log");
    let layer = WatchedFileHandler::builder(&path).format(Text::new().time(false)).layer()?;
    let (handle, handler) = (layer.handle(), Arc::clone(layer.handler()));
    tracing_subscriber::registry().with(layer).init();

    tracing::info!("on Monday");
    rotate_by_rename(&path, &folder.path().join("app.log-monday"))?;
    // The next record finds the path empty and makes a new file there.
    tracing::info!("on Tuesday");
    rotate_by_copytruncate(&path, &folder.path().join("app.log-tuesday"))?;
    // The same file, cut to nothing: the next record stands at its beginning.
    tracing::info!("on Wednesday");

    // Where records are rare, a timer can look as well, so that the new file is there at once.
    assert!(!handler.reopen_if_moved()?, "nothing has happened since");
    rotate_by_rename(&path, &folder.path().join("app.log-wednesday"))?;
    assert!(handler.reopen_if_moved()?, "somebody renamed it");
    tracing::info!("on Thursday");

    for (name, day) in [("-monday", "Monday"), ("-tuesday", "Tuesday"), ("-wednesday", "Wednesday"), ("", "Thursday")] {
        let name = format!("app.log{name}");
        let content = fs::read_to_string(folder.path().join(&name))?;
        print!("{name:<18} {content}");
        assert_eq!(content, format!(" INFO watched_file: on {day}\n"));
    }
    println!("\n{}", handle.stats());
    assert_eq!(handle.stats().delivered, 4);
    Ok(())
}

/// What logrotate does by default.
fn rotate_by_rename(log: &Path, to: &Path) -> io::Result<()> {
    fs::rename(log, to)
}

/// What logrotate does where its configuration says `copytruncate`. What is written between the two steps is lost: that is
/// logrotate's doing, and a reason to prefer a rename.
fn rotate_by_copytruncate(log: &Path, to: &Path) -> io::Result<()> {
    fs::copy(log, to)?;
    File::options().write(true).open(log)?.set_len(0)
}
