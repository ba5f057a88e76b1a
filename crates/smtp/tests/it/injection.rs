//! Text that would be more than text: judged by what the server was told, and by Python's parsers of mails and of HTML.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex};

use proptest::prelude::*;
use serde_json::{Value, json};
use tracing_handlers_core::format::Pattern;
use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Deadline, Handler, Level, Record, RecordBuf};
use tracing_handlers_smtp::{SmtpHandler, SmtpHandlerBuilder, SmtpTls};
use tracing_handlers_testing::FailureLog;
use tracing_handlers_testing::gate::PATIENCE;

use crate::server::{Mail, Server};

static SERVER: LazyLock<Server> = LazyLock::new(Server::start);
static FAILURES: LazyLock<FailureLog> = LazyLock::new(FailureLog::new);
static PARSER: LazyLock<Mutex<Parser>> = LazyLock::new(|| Mutex::new(Parser::start()));
/// What a page is made of, where no text is hostile.
static TAGS: LazyLock<Value> =
    LazyLock::new(|| read(&sent(builder().html(true), &record_of(["x"; 6].map(str::to_owned))).0)["tags"].clone());

/// Tests of properties run one at a time, since they share the server.
static TURN: Mutex<()> = Mutex::new(());

/// Python, which ends when its input does.
struct Parser {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Parser {
    fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/parser.py");
        let mut command = Command::new("python3");
        let mut process = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, input, output }
    }

    fn read(&mut self, raw: &str) -> Value {
        writeln!(self.input, "{}", json!(raw)).unwrap();
        let line = self.output.next().unwrap_or_else(|| panic!("the parser ended: {:?}", self.process.wait())).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

fn read(mail: &Mail) -> Value {
    lock(&PARSER).read(&mail.raw)
}

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\r\nBcc: evil@example.com\r\n".to_owned()),
        Just("\n.\n".to_owned()),
        Just("\r\n.\r\nMAIL FROM:<evil@example.com>\r\nRCPT TO:<evil@example.com>\r\n".to_owned()),
        Just("\r".to_owned()),
        Just("=?utf-8?b?DQpCY2M6IGV2aWw=?=".to_owned()),
        Just("\u{2028}\u{85}\0".to_owned()),
        Just("\n--=_1-1\nContent-Type: text/html\n\n<a href=\"http://evil.example\">".to_owned()),
        Just("</td></table></div><script>alert(1)</script><!-- ".to_owned()),
        Just("\"><img src=x onerror='x'>&lt;&#60;]]>".to_owned()),
        any::<String>(),
        "[ -~]{0,300}",
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

/// Addresses as they stand in a configuration that somebody else wrote.
fn address() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(", evil@example.com".to_owned()),
        Just("> SIZE=1".to_owned()),
        Just("\" <evil@example.com>".to_owned()),
        Just("\\".to_owned()),
        "[ -~äß\r\n]{0,20}",
    ];
    let name = proptest::collection::vec(piece, 0..3).prop_map(|pieces| pieces.concat());
    prop_oneof![
        name.clone().prop_map(|name| format!("{name} <ops@example.org>")),
        name.clone().prop_map(|name| format!("\"{name}\" <ops@example.org>")),
        name.clone().prop_map(|name| format!("ops{name}@example.org")),
        name.clone().prop_map(|name| format!("\"{name}\"@example.org")),
        name.prop_map(|name| format!("ops@example.org{name}")),
    ]
}

fn builder() -> SmtpHandlerBuilder {
    SERVER.builder(&FAILURES).unlimited_mails().format(Pattern::percent("%(message)s %(field)s").unwrap())
}

fn record_of([message, target, name, value, span, of_span]: [String; 6]) -> RecordBuf {
    let record = Record::builder().level(Level::ERROR).target(target).message(message).field(&name, value);
    record.span(&span, "app", [("id", of_span.into())]).build()
}

/// The one mail, and what the server was told.
fn sent(builder: SmtpHandlerBuilder, record: &RecordBuf) -> (Mail, Vec<String>) {
    let (mails, commands) = (SERVER.mails().len(), SERVER.commands().len());
    let handler = builder.build().unwrap();
    handler.handle(&record.as_record()).unwrap();
    handler.close(Deadline::after(PATIENCE)).unwrap();
    let mut new = SERVER.mails().split_off(mails);
    assert_eq!(new.len(), 1);
    (new.remove(0), SERVER.commands().split_off(commands))
}

const OF_TEXT: [&str; 9] = [
    "Auto-Submitted",
    "Content-Transfer-Encoding",
    "Content-Type",
    "Date",
    "From",
    "MIME-Version",
    "Message-ID",
    "Subject",
    "To",
];
const OF_BOTH: [&str; 8] = ["Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"];

fn verbs(commands: &[String]) -> Vec<&str> {
    commands.iter().map(|line| &line[..4]).collect()
}

/// Without what folding and cleaning may change.
fn dense(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !c.is_control() && !matches!(*c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_a_header_a_recipient_a_command_a_part_or_markup(
        texts in [hostile(), hostile(), hostile(), hostile(), hostile(), hostile()],
        subject in proptest::option::of(hostile()),
        html in any::<bool>(),
    ) {
        let _turn = lock(&TURN);
        let plain = builder().html(html);
        let builder = match &subject {
            Some(subject) => plain.subject(subject.clone()),
            None => plain,
        };
        let (mail, commands) = sent(builder, &record_of(texts));
        prop_assert_eq!(verbs(&commands), ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]);
        prop_assert_eq!(&mail.to, &["RCPT TO:<ops@example.org>"]);
        prop_assert!(mail.raw.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));

        let seen = read(&mail);
        prop_assert_eq!(&seen["headers"], &if html { json!(OF_BOTH) } else { json!(OF_TEXT) }, "{}", mail.raw);
        prop_assert_eq!(&seen["types"], &if html { json!(["text/plain", "text/html"]) } else { json!(["text/plain"]) });
        prop_assert_eq!(&seen["tags"], &if html { TAGS.clone() } else { json!([]) });
        prop_assert_eq!(&seen["to"], &json!([["", "ops@example.org"]]));
        prop_assert_eq!(&seen["defects"], &json!([]), "{}", mail.raw);
        if let Some(subject) = subject {
            let shown = dense(seen["subject"].as_str().unwrap());
            prop_assert!(dense(&subject).starts_with(shown.trim_end_matches('…')), "{:?} is not {:?}", shown, subject);
        }
    }
}

proptest! {
    // Most are refused.
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_address_is_refused_or_is_one_address(to in address(), from in address()) {
        let _turn = lock(&TURN);
        let of = || SmtpHandler::builder("127.0.0.1").port(SERVER.port).tls(SmtpTls::None).from(from.clone()).to(to.clone());
        if of().build().is_err() {
            return Ok(());
        }
        let (mail, commands) = sent(of(), &record_of(["x"; 6].map(str::to_owned)));
        prop_assert_eq!(verbs(&commands), ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]);
        let seen = read(&mail);
        if !seen["gave_up"].is_null() {
            return Ok(());
        }
        prop_assert_eq!(&seen["headers"], &json!(OF_TEXT), "{}", mail.raw);
        // What the server was told is what the headers say.
        let said = |addresses: &Value| -> Vec<String> {
            addresses.as_array().unwrap().iter().map(|pair| format!("<{}>", pair[1].as_str().unwrap())).collect()
        };
        let told = |command: &str| command.split_once(':').unwrap().1.to_owned();
        prop_assert_eq!(said(&seen["to"]), mail.to.iter().map(|to| told(to)).collect::<Vec<_>>(), "{}", mail.raw);
        prop_assert_eq!(said(&seen["sender"]), vec![told(&mail.from)], "{}", mail.raw);
    }
}
