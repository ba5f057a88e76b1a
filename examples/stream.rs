//! Logs to the terminal with `StreamHandler`, in colours where a person looks at it; to any other writer; and, with
//! `NullHandler`, to nowhere.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example stream
//! cargo run -p tracing-handlers-examples --example stream 2>stderr.txt # no colours in there
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::io::{self, IsTerminal as _, Read as _};
use std::sync::Arc;

use tracing_handlers::format::{Text, Zone};
use tracing_handlers::{HandlerLayer, NullHandler, StreamHandler};
use tracing_subscriber::{filter::LevelFilter, prelude::*};

fn main() -> Result<(), Box<dyn Error>> {
    // Everything from DEBUG on goes to stderr, with the time of the wall clock.
    let for_people = Text::new().zone(Zone::Local).ansi(io::stderr().is_terminal());
    let terminal = StreamHandler::stderr().format(for_people).layer()?;

    // Warnings also go into a pipe. Any writer will do: a socket, a serial line, a buffer. To this layer, its filter also hides
    // spans below WARN, as every filter of `tracing_subscriber` does; the example `environments` shows how to keep them.
    let (mut reader, writer) = io::pipe()?;
    let pipe = StreamHandler::builder(writer).format(Text::new().time(false)).terminator("\r\n").layer()?;

    // This one takes everything and does nothing: a place that is switched off.
    let nowhere = HandlerLayer::new(NullHandler::new());

    let (terminal_handle, nowhere_handle) = (terminal.handle(), nowhere.handle());
    let pipe_handler = Arc::clone(pipe.handler());
    tracing_subscriber::registry()
        .with(terminal.with_filter(LevelFilter::DEBUG))
        .with(pipe.with_filter(LevelFilter::WARN))
        .with(nowhere)
        .init();

    work();

    // Takes the pipe back from the handler and closes it, so that its reader comes to an end.
    drop(pipe_handler.set_stream(io::sink()));
    let mut piped = String::new();
    reader.read_to_string(&mut piped)?;

    println!("\nthrough the pipe: {piped:?}");
    println!("stderr:  {}", terminal_handle.stats());
    println!("nowhere: {}", nowhere_handle.stats());

    assert_eq!(piped, " WARN stream: stock is low left=2\r\nERROR stream: payment refused code=402\r\n");
    assert_eq!(terminal_handle.stats().delivered, 4);
    assert_eq!(nowhere_handle.stats().delivered, 5);
    Ok(())
}

fn work() {
    let _order = tracing::info_span!("order", id = 7).entered();
    tracing::trace!("too fine for the terminal");
    tracing::debug!(items = 3, "read from the basket");
    tracing::info!(customer = "ada", "ordered");
    tracing::warn!(left = 2, "stock is low");
    tracing::error!(code = 402, "payment refused");
}
