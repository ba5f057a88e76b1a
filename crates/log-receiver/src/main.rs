//! A log server for the socket handlers of Rust and of Python.

use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

use tracing_handlers_log_receiver::{HELP, Options, run};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        return said(stdout(), HELP, ExitCode::SUCCESS);
    }
    if arguments.iter().any(|argument| argument == "--version") {
        return said(stdout(), concat!("log-receiver ", env!("CARGO_PKG_VERSION"), "\n"), ExitCode::SUCCESS);
    }
    match Options::parse(arguments) {
        Ok(options) => run(&options),
        Err(error) => said(stderr(), &format!("log-receiver: {error}; see --help\n"), ExitCode::from(2)),
    }
}

/// Whoever does not read what is said has the exit status.
fn said(mut to: impl Write, text: &str, code: ExitCode) -> ExitCode {
    to.write_all(text.as_bytes()).map_or(ExitCode::FAILURE, |()| code)
}
