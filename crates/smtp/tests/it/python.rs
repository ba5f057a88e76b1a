//! What CPython tests of its handler, under its names.

#![allow(non_snake_case, reason = "the names are Python's")]

mod SMTPHandlerTest {
    use tracing_handlers_core::format::Pattern;
    use tracing_handlers_core::{Deadline, Handler};
    use tracing_handlers_smtp::{SmtpHandler, SmtpTls};
    use tracing_handlers_testing::gate::PATIENCE;
    use tracing_handlers_testing::record;

    use crate::server::Server;

    /// Python's `me` and `you` have no domain here, where an address needs one.
    #[test]
    fn test_basic() {
        let server = Server::start();
        let builder = SmtpHandler::builder("127.0.0.1").port(server.port).tls(SmtpTls::None);
        let builder = builder.from("me@localhost").to("you@localhost").subject("Log");
        let handler = builder.format(Pattern::percent("%(message)s").unwrap()).build().unwrap();
        handler.handle(&record("Hello \u{2713}").as_record()).unwrap();
        handler.flush(Deadline::after(PATIENCE)).unwrap();
        let mails = server.mails();
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].from, "MAIL FROM:<me@localhost>");
        assert_eq!(mails[0].to, ["RCPT TO:<you@localhost>"]);
        assert!(mails[0].raw.contains("\nSubject: Log\r\n"));
        assert_eq!(mails[0].text(), "Hello \u{2713}");
    }
}
