//! Reports the events that `tests/windows/event_log.py` looks for, and prints what the handler says of them.
//!
//! `report_events [SOURCE [MESSAGE]...]`; a message is `LEVEL:ID:CATEGORY:TEXT`, `LEVEL:ID:CATEGORY:TEXT:BYTES OF RAW DATA` or the same with
//! `:STRING` for each further string. Without any, one event of each level. `register SOURCE FILE` and `unregister SOURCE` do only that.

#![allow(clippy::print_stdout, reason = "a program for the console")]

use std::env;
use std::error::Error;

use tracing_handlers_core::{Deadline, Failure, Handler, Level, Record};
use tracing_handlers_event_log::{EventLogHandler, EventLogHandlerBuilder};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["register", source, file] => Ok(builder(source).register(false).message_file(file).build()?.register()?),
        ["unregister", source] => Ok(builder(source).register(false).build()?.unregister()?),
        ["build", source] => report(builder(source), &["info:1:0:all the same"]),
        [source, messages @ ..] if !messages.is_empty() => report(builder(source).register(false), messages),
        _ => report(builder("tracing-handlers example").register(false), &["trace", "debug", "info", "warn", "error"]),
    }
}

fn builder(source: &str) -> EventLogHandlerBuilder {
    let number = |record: &Record<'_>, name: &str| record.field(name).and_then(|value| value.as_u64()).unwrap_or_default();
    EventLogHandler::builder(source)
        .format(|record: &Record<'_>, out: &mut Vec<u8>| out.extend_from_slice(record.message().as_bytes()))
        .event_id(move |record| u32::try_from(number(record, "id")).unwrap_or(1))
        .category(move |record| u16::try_from(number(record, "category")).unwrap_or_default())
        .strings(|record| {
            let strings = record.field("strings").and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
            strings.split(':').filter(|string| !string.is_empty()).map(str::to_owned).collect()
        })
        .raw_data(move |record| (0..number(record, "bytes")).map(|byte| byte.to_le_bytes()[0]).collect())
        .on_failure(|failure: &Failure<'_>| {
            let cause = failure.error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            println!("failure: {}{cause}; {} lost", failure.error, failure.lost);
        })
}

fn report(builder: EventLogHandlerBuilder, messages: &[&str]) -> Result<(), Box<dyn Error>> {
    let handler = builder.build()?;
    for message in messages {
        let parts: Vec<&str> = message.split(':').collect();
        let number = |index: usize, default: u64| parts.get(index).map_or(Ok(default), |text| text.parse());
        let text = parts.get(3).copied().unwrap_or("an event");
        // `*40000` is a long text.
        let long = text.strip_prefix('*').and_then(|count| count.parse().ok()).map(|count| "x".repeat(count));
        let record = Record::builder().level(level(parts.first().copied())).message(long.unwrap_or_else(|| text.to_owned()));
        let record = record.field("id", number(1, 1)?).field("category", number(2, 0)?).field("bytes", number(4, 0)?);
        let record = record.field("strings", parts.get(5..).unwrap_or_default().join(":"));
        // What became of it is in the counters.
        handler.handle(&record.build().as_record()).ok();
    }
    handler.close(Deadline::never()).ok();
    println!("{}; {} cut", handler.stats(), handler.cut_events());
    Ok(())
}

fn level(name: Option<&str>) -> Level {
    match name {
        Some("trace") => Level::TRACE,
        Some("debug") => Level::DEBUG,
        Some("warn") => Level::WARN,
        Some("error") => Level::ERROR,
        _ => Level::INFO,
    }
}
