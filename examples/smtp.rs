//! Sends errors as mails with `SmtpHandler`, several in one, to a little mail server that runs inside this program.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example smtp
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use servers::MailServer;
use tracing_handlers::format::Text;
use tracing_handlers::{SmtpHandler, SmtpTls};
use tracing_subscriber::{filter::LevelFilter, prelude::*};

fn main() -> Result<(), Box<dyn Error>> {
    let server = MailServer::start()?;
    let mails = SmtpHandler::builder("127.0.0.1")
        .port(server.port())
        // Only here, where nobody is in between. The default is STARTTLS, which then is required; a real one has `.credentials(…)` too.
        .tls(SmtpTls::None)
        .from("My App <app@example.org>")
        .to("ops@example.org")
        // At most one mail a minute, of all records since the last.
        .digest(Duration::from_secs(60))
        .format(Text::new().time(false))
        // The same once more as a page, with colours and tables, for mail programs that show it.
        .html(true)
        .layer()?;
    let handle = mails.handle();
    tracing_subscriber::registry().with(mails.with_filter(LevelFilter::WARN)).init();

    tracing::info!("this is no matter for a mail");
    tracing::warn!(left = 2, "stock is low");
    tracing::error!(code = 402, "payment refused");

    // The end of the process would do it as well.
    handle.flush(Duration::from_secs(5))?;
    let mails = server.mails();
    for mail in &mails {
        let Some(html) = mail.html() else { return Err("there is no page".into()) };
        println!("to:      {}\nsubject: {}\n{}\n\nas a page:\n{html}", mail.recipients.join(", "), mail.subject(), mail.text());
    }
    println!("{}", handle.stats());
    let subjects: Vec<_> = mails.iter().map(|mail| mail.subject()).collect();
    assert_eq!(subjects, ["ERROR smtp: payment refused (2 records)"]);
    assert_eq!(handle.stats().delivered, 2);
    Ok(())
}
