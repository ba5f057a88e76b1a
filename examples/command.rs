//! A command-line tool: it logs behind queues and buffers, ends by `process::exit` the moment it knows how, and loses nothing: there is no
//! guard to keep, and (but on Windows) nothing to call before.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example command                # the tool, run by itself, and what it left
//! cargo run -p tracing-handlers-examples --example command -- words FILE… # the tool: counts the words of files
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::path::Path;
use std::process::{self, Command};
use std::time::Duration;
use std::{env, fs};

use tracing_handlers::format::{Json, Text};
use tracing_handlers::http::Body;
use tracing_handlers::{Buffering, FileHandler, HandlerExt, HttpHandler, StreamHandler};
use tracing_subscriber::{filter::LevelFilter, prelude::*};

/// The status of a tool that did part of its work.
const INCOMPLETE: i32 = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.split_first() {
        Some((command, files)) if command == "words" => {
            init()?;
            let status = words(files);
            if cfg!(windows) {
                // There `process::exit` ends all threads at once, and with them what they would have written.
                tracing_handlers::shutdown(Duration::from_secs(5));
            }
            process::exit(status)
        }
        Some((command, _)) => Err(format!("{command} is no command; there is `words FILE…`").into()),
        None => show(),
    }
}

/// What a person is told goes to stderr, behind a queue; what is kept goes to a file, through a buffer, and to a collector.
fn init() -> Result<(), Box<dyn Error>> {
    let told = StreamHandler::stderr().format(Text::new().time(false).target(false)).build()?.queued().layer()?;
    let kept = match env::var("WORDS_LOG") {
        Ok(path) => Some(FileHandler::builder(path).format(Json::new()).buffered(Buffering::new()).layer()?),
        Err(_) => None,
    };
    let sent = match env::var("WORDS_COLLECTOR") {
        Ok(url) => Some(HttpHandler::builder(url).body(Body::JsonLines).layer()?),
        Err(_) => None,
    };
    tracing_subscriber::registry().with(told.with_filter(LevelFilter::WARN)).with(kept).with(sent).init();
    Ok(())
}

/// Counts; the status to end with.
fn words(files: &[String]) -> i32 {
    let mut status = 0;
    for file in files {
        match fs::read_to_string(file) {
            Ok(text) => {
                let words = text.split_whitespace().count();
                tracing::info!(file, words, "counted");
                println!("{words} {file}");
            }
            Err(error) => {
                tracing::error!(file, error = &error as &dyn Error, "not counted");
                status = INCOMPLETE;
            }
        }
    }
    tracing::info!(status, "the end");
    status
}

/// Runs the tool, and sees to it that its last words arrived.
fn show() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (log, text) = (folder.path().join("words.log"), folder.path().join("text"));
    let collector = servers::Collector::start()?;
    fs::write(&text, "one two three\n")?;
    let mut tool = Command::new(env::current_exe()?);
    tool.arg("words").args([&text, Path::new("/nowhere")]).env("WORDS_LOG", &log).env("WORDS_COLLECTOR", collector.url());
    let output = tool.output()?;
    let told = String::from_utf8(output.stderr)?;
    print!("it said:\n{}{told}", String::from_utf8(output.stdout)?);
    println!("and ended by `process::exit`: {}\n\nits file:", output.status);
    let kept = fs::read_to_string(&log)?;
    print!("{kept}");
    println!("\nthe collector has the same {} lines", collector.lines().len());

    assert_eq!(output.status.code(), Some(INCOMPLETE));
    assert!(told.contains("ERROR not counted file=\"/nowhere\""), "{told}");
    assert!(kept.lines().count() == 3 && kept.contains("the end"), "{kept}");
    assert_eq!(collector.lines(), kept.lines().collect::<Vec<_>>());
    Ok(())
}
