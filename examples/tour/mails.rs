//! The handler that sends mails, and a server that takes them.

use std::time::Duration;

use servers::MailServer;
use tracing_handlers::{SmtpHandler, SmtpTls};
use tracing_subscriber::filter::LevelFilter;

use crate::{BoxedLayer, Output, Stop};

pub(crate) fn stops() -> crate::Result<Vec<(Stop, BoxedLayer)>> {
    let server = MailServer::start()?;
    // Here nobody is in between; elsewhere the default is STARTTLS, which then is required.
    let builder = SmtpHandler::builder("127.0.0.1").port(server.port()).tls(SmtpTls::None);
    let builder = builder.from("tour@example.org").to("you@example.org").html(true);
    let layer = builder.digest(Duration::from_secs(60)).layer()?;
    Ok(vec![Stop::new("SmtpHandler", "a digest by mail, errors only", LevelFilter::ERROR, layer, Output::Mails(server))])
}
