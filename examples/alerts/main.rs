//! A service that mails what preceded an error, and ships everything to a collector. The service is an axum server with requests in flight;
//! the mail server and the collector run inside of this program, so that there is nothing to install.
//!
//! | | gets | when |
//! |---|---|---|
//! | the collector | everything from INFO on, as JSON lines | at once, many in a request |
//! | `ops@example.org` | the newest records, DEBUG too, up to an error | a minute after the first error at the latest, in one mail |
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example alerts
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

#[path = "../shop/mod.rs"]
mod shop;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use servers::{Collector, Mail, MailServer};
use tracing_handlers::format::Text;
use tracing_handlers::http::Body;
use tracing_handlers::{DropReason, Handle, HttpHandler, MemoryHandler, SmtpHandler, SmtpTls};
use tracing_subscriber::{filter::LevelFilter, prelude::*};

/// How many records a mail begins with, at the most, before its error; a service would take some hundreds.
const CONTEXT: usize = 12;

fn main() -> Result<(), Box<dyn Error>> {
    let (mail_server, collector) = (MailServer::start()?, Collector::start()?);
    let logging = init(&mail_server, &collector)?;

    let answers = shop::run()?;

    // Mails and requests that are still under way go out now; the records that nobody asked for are forgotten.
    let report = tracing_handlers::shutdown(Duration::from_secs(5));
    println!("{} requests answered; shutdown: {report}\n", answers.len());
    assert!(report.is_complete(), "something was left behind: {report}");

    let mails = mail_server.mails();
    mails.iter().for_each(show);
    println!("alerts:    {}", logging.recorder.stats());

    let (bodies, lines) = (collector.bodies(), collector.lines());
    println!(
        "\nthe collector got {} lines in {} requests, such as\n  {}",
        lines.len(),
        bodies.len(),
        lines.last().map_or("", |line| line)
    );
    println!("collector: {}", logging.collector.stats());

    check(&mails)?;
    assert_eq!(logging.recorder.stats().dropped(), logging.recorder.stats().dropped_for(DropReason::Forgotten));
    assert_eq!(logging.collector.stats().delivered, lines.len() as u64);
    shop::check(lines.iter().map(String::as_str), &answers)
}

/// The handles of what was set up, for counters and metrics.
struct Logging {
    recorder: Handle,
    collector: Handle,
}

/// Sets up the global subscriber: the part to copy.
fn init(mail_server: &MailServer, collector: &Collector) -> Result<Logging, tracing_handlers::Error> {
    let mails = SmtpHandler::builder("127.0.0.1")
        .port(mail_server.port())
        // Only here, where nobody is in between. The default is STARTTLS, which then is required; a real one has `.credentials(…)` too.
        .tls(SmtpTls::None)
        .from("Shop <shop@example.org>")
        .to("ops@example.org")
        .format(Text::new())
        .html(true)
        // All that happens within a minute is one mail, and in no case are there more than ten in an hour.
        .digest(Duration::from_secs(60))
        .max_mails(10, Duration::from_secs(3_600))
        .build()?;
    // Keeps the newest records in memory. An error sends them on, itself last; nothing else does.
    let recorder = MemoryHandler::flight_recorder(CONTEXT).target(Arc::new(mails)).layer()?;
    let collector = HttpHandler::builder(collector.url()).body(Body::JsonLines).layer()?;
    let logging = Logging { recorder: recorder.handle(), collector: collector.handle() };
    tracing_subscriber::registry()
        .with(recorder.with_filter(LevelFilter::DEBUG))
        .with(collector.with_filter(LevelFilter::INFO))
        .init();
    Ok(logging)
}

fn show(mail: &Mail) {
    println!("a mail to {}\n  subject: {}", mail.recipients.join(", "), mail.subject());
    mail.text().lines().for_each(|line| println!("  │ {line}"));
    println!("  and the same as a page of {} bytes, with colours and tables\n", mail.html().unwrap_or_default().len());
}

/// One mail, which ends with the error, and has what only a debug record said.
fn check(mails: &[Mail]) -> Result<(), Box<dyn Error>> {
    let [mail] = mails else { return Err(format!("{} mails", mails.len()).into()) };
    let (text, page) = (mail.text(), mail.html().unwrap_or_default());
    let of_the_order = |line: &&str| line.contains("path=\"/orders/13\"");
    let last = text.lines().last().unwrap_or_default();
    assert!(last.contains("ERROR") && last.contains("answered") && of_the_order(&last), "{last}");
    for said in ["asking the database", "the database went away"] {
        assert!(text.lines().filter(of_the_order).any(|line| line.contains(said)), "{said} is not in the mail: {text}");
        assert!(page.contains(said), "{said} is not in the page: {page}");
    }
    assert!(mail.subject().starts_with("ERROR alerts::shop::service: answered"), "{}", mail.subject());
    Ok(())
}
