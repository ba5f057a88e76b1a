//! Text that would be more than text.

use std::sync::LazyLock;

use proptest::prelude::*;
use tracing_handlers_core::{Deadline, Handler, Level, Record};
use tracing_handlers_smtp::SmtpHandler;
use tracing_handlers_testing::FailureLog;
use tracing_handlers_testing::gate::PATIENCE;

use crate::server::Server;

static SERVER: LazyLock<Server> = LazyLock::new(Server::start);
static FAILURES: LazyLock<FailureLog> = LazyLock::new(FailureLog::new);

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\r\nBcc: evil@example.com\r\n".to_owned()),
        Just("\n.\n".to_owned()),
        Just("\r\n.\r\nMAIL FROM:<evil@example.com>\r\nRCPT TO:<evil@example.com>\r\n".to_owned()),
        Just("\r".to_owned()),
        Just("=?utf-8?b?DQpCY2M6IGV2aWw=?=".to_owned()),
        Just("\u{2028}\u{85}\0".to_owned()),
        any::<String>(),
        "[ -~]{0,300}",
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

const HEADERS: [&str; 9] = [
    "From",
    "Subject",
    "Message-ID",
    "Date",
    "Auto-Submitted",
    "Content-Type",
    "To",
    "Content-Transfer-Encoding",
    "MIME-Version",
];

fn handler_of(subject: Option<String>) -> SmtpHandler {
    let builder = SERVER.builder(&FAILURES).unlimited_mails();
    let builder = builder.format(tracing_handlers_core::format::Pattern::percent("%(message)s").unwrap());
    match subject {
        Some(subject) => builder.subject(subject).build().unwrap(),
        None => builder.build().unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_a_header_a_recipient_or_a_command(message in hostile(), target in hostile(), subject in proptest::option::of(hostile())) {
        let (mails, commands) = (SERVER.mails().len(), SERVER.commands().len());
        let handler = handler_of(subject);
        let record = Record::builder().level(Level::ERROR).target(target).message(message).build();
        handler.handle(&record.as_record()).unwrap();
        handler.close(Deadline::after(PATIENCE)).unwrap();
        let new = SERVER.mails().split_off(mails);
        prop_assert_eq!(new.len(), 1);
        let verbs: Vec<_> = SERVER.commands().split_off(commands).iter().map(|line| line[..4].to_owned()).collect();
        prop_assert_eq!(verbs, ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]);
        prop_assert_eq!(&new[0].to, &["RCPT TO:<ops@example.org>"]);
        let mut names: Vec<_> = new[0].headers().into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        let mut expected = HEADERS.map(str::to_owned).to_vec();
        expected.sort_unstable();
        prop_assert_eq!(names, expected);
        prop_assert!(new[0].raw.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));
    }
}
