//! A real server (Python's aiosmtpd), with TLS and a password; Python's `email` reads the mails.

use std::io::{BufRead as _, BufReader, Lines};
use std::iter;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::Value;
use tracing_handlers_core::format::Pattern;
use tracing_handlers_core::{Deadline, DropReason, Handler, Level, Record, Stats};
use tracing_handlers_memory::MemoryHandler;
use tracing_handlers_smtp::{Retry, SmtpHandler, SmtpHandlerBuilder, SmtpTls, Tls};
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::{FailureLog, certificates, record};

use crate::server::first_failure;

/// Runs a program that must succeed.
fn run(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str], folder: &Path) {
    let output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A Python that has aiosmtpd; `tests/run` makes it before, with the same commands.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let python = place.join("aiosmtpd/bin/python");
        let has_it = || {
            let asked = Command::new(&python).args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
            asked.is_ok_and(|status| status.success())
        };
        if !has_it() {
            run("python3", &["-m", "venv", "aiosmtpd"], place);
            run(&python, &["-m", "pip", "install", "--quiet", "aiosmtpd"], place);
        }
        python
    })
}

/// A server with a certificate of an authority that only the test knows.
struct Real {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
    folder: tempfile::TempDir,
    mode: SmtpTls,
}

impl Real {
    fn start(mode: SmtpTls) -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificates::make_for("DNS:localhost,IP:127.0.0.1", folder.path());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/server.py");
        let word = if mode == SmtpTls::Implicit { "smtps" } else { "starttls" };
        let mut command = Command::new(python());
        command.arg(script).arg(word).arg(folder.path()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.next().expect("the server starts").unwrap().parse().unwrap();
        Self { process, lines, port, folder, mode }
    }

    fn builder(&self, failures: &FailureLog) -> SmtpHandlerBuilder {
        let authority = certificates::read(self.folder.path(), "ca.pem");
        SmtpHandler::builder("127.0.0.1")
            .port(self.port)
            .tls(self.mode)
            .tls_config(Tls::new().ca_pem(&authority).unwrap())
            .credentials("user", "secret")
            .from("Überwachung <app@example.org>")
            .to("ops@example.org")
            .format(Pattern::percent("%(message)s").unwrap())
            .on_failure(failures.clone())
    }

    /// What is done once instead of what should be.
    fn will(&self, step: &str, act: &str) {
        // Whole at once, or the server would read half of it.
        let (new, script) = (self.folder.path().join("script.new"), self.folder.path().join("script"));
        std::fs::write(&new, format!("{step} {act}")).unwrap();
        std::fs::rename(new, script).unwrap();
    }

    fn mail(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().expect("a mail").unwrap()).unwrap()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[test]
fn mails_pass_starttls_and_implicit_tls_with_a_password_and_read_as_they_were_meant() {
    for mode in [SmtpTls::StartTls, SmtpTls::Implicit] {
        let (mut server, failures) = (Real::start(mode), FailureLog::new());
        let builder = server.builder(&failures).to("gone@example.org").to("two@example.org");
        let handler = builder.subject("Störung: ✓ ".to_owned() + &"lang ".repeat(30)).build().unwrap();
        let text = format!("Grüße ✓\n.\n.. dots\n{}\nend", "x".repeat(3_000));
        handler.handle(&record(text.as_str()).as_record()).unwrap();
        handler.flush(Deadline::after(PATIENCE)).unwrap();
        let mail = server.mail();
        assert_eq!((&mail["tls"], &mail["auth"], &mail["sender"]), (&true.into(), &true.into(), &"app@example.org".into()));
        assert_eq!(mail["to"], serde_json::json!(["ops@example.org", "two@example.org"]));
        assert_eq!(
            mail["text"].as_str().unwrap().replace("\r\n", "\n").trim_end(),
            text.replace('\n', "\\n").as_str().trim_end()
        );
        assert_eq!(mail["subject"].as_str().unwrap(), ("Störung: ✓ ".to_owned() + &"lang ".repeat(30)).trim_end());
        assert_eq!(mail["defects"], serde_json::json!([]));
        assert!(failures.len() == 1 && failures.texts()[0].contains("gone@example.org: 550"), "{failures:?}");
    }
}

#[test]
fn a_digest_through_a_real_server_keeps_its_order() {
    let (mut server, failures) = (Real::start(SmtpTls::StartTls), FailureLog::new());
    let handler = server.builder(&failures).digest(Duration::from_secs(3_600)).build().unwrap();
    for (level, message) in [(Level::INFO, "begin"), (Level::WARN, "hm"), (Level::ERROR, "broken")] {
        handler.handle(&Record::builder().level(level).target("app").message(message).build().as_record()).unwrap();
    }
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    let mail = server.mail();
    assert_eq!(mail["text"].as_str().unwrap().lines().collect::<Vec<_>>(), ["begin", "hm", "broken"]);
    assert_eq!(mail["subject"], "ERROR app: broken (3 records)");
}

#[test]
fn nobody_is_trusted_whom_the_system_does_not_know_and_no_wrong_password_passes() {
    for mode in [SmtpTls::StartTls, SmtpTls::Implicit] {
        let server = Real::start(mode);
        for (builder, words) in [
            (|builder: SmtpHandlerBuilder| builder.tls_config(Tls::new()), "certificate verify failed"),
            (|builder: SmtpHandlerBuilder| builder.credentials("user", "wrong"), "535"),
        ] as [(fn(_) -> _, _); 2]
        {
            let failures = FailureLog::new();
            let handler = builder(server.builder(&failures)).build().unwrap();
            handler.handle(&record("hello").as_record()).unwrap();
            assert!(first_failure(&failures).contains(words), "{mode:?}: {failures:?}");
            assert_eq!(handler.stats().pending, 1);
        }
    }
}

/// What became of a record.
struct Seen {
    stats: Stats,
    failures: FailureLog,
    /// Its mail, if it was delivered.
    mail: Value,
}

fn outcome(server: &mut Real, step: &str, act: &str, timeout: Duration) -> Seen {
    server.will(step, act);
    let failures = FailureLog::new();
    let retry = Retry::new(Duration::from_millis(1)).max(Duration::from_millis(20));
    let handler = server.builder(&failures).retry(retry).timeout(timeout).build().unwrap();
    let message = format!("{step} {act}");
    handler.handle(&record(message.as_str()).as_record()).unwrap();
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    let stats = handler.stats();
    assert!(stats.is_balanced() && stats.pending == 0, "{message}: {stats:?}");
    let is_mine = |mail: &Value| mail["text"].as_str().unwrap().trim_end() == message;
    // On a busy machine a mail that was taken may run out of time as well, before that was said; it then stands there twice.
    let mail = if stats.delivered == 1 { iter::repeat_with(|| server.mail()).find(is_mine).unwrap() } else { Value::Null };
    Seen { stats, failures, mail }
}

fn each_step_goes_wrong(mode: SmtpTls) {
    let mut server = Real::start(mode);
    let usual = Duration::from_secs(60);
    for step in ["EHLO", "AUTH", "MAIL", "RCPT", "DOT"] {
        for words in ["421 4.3.2 closing", "450 4.2.0 later", "550 5.1.1 never"] {
            let Seen { stats, failures, .. } = outcome(&mut server, step, words, usual);
            // What is said for good of the connection or the password is no word about the mail.
            let lost = u64::from(words.starts_with("55") && matches!(step, "MAIL" | "RCPT" | "DOT"));
            assert_eq!((stats.delivered, stats.dropped_for(DropReason::Failed)), (1 - lost, lost), "{step} {words}");
            assert!(failures.len() == 1 && failures.texts()[0].contains(&words[..3]), "{step} {words}: {failures:?}");
            assert_eq!(failures.lost(), lost);
        }
    }
    for step in ["EHLO", "MAIL", "RCPT", "DOT"] {
        for (act, timeout) in [("close", usual), ("hang", Duration::from_secs(2))] {
            let Seen { stats, failures, .. } = outcome(&mut server, step, act, timeout);
            assert_eq!((stats.delivered, failures.lost()), (1, 0), "{step} {act}");
            assert_eq!(failures.texts()[0].contains("no answer in 2s"), act == "hang", "{step} {act}: {failures:?}");
        }
    }
    for act in ["421 4.3.2 closing", "550 5.1.1 never", "close", "hang"] {
        let Seen { stats, failures, .. } = outcome(&mut server, "QUIT", act, usual);
        assert!(stats.delivered == 1 && failures.is_empty(), "QUIT {act}: {failures:?}");
    }
    // The mail was taken, and nobody said so: it comes twice, as the same.
    let Seen { stats, failures, mail } = outcome(&mut server, "DOT", "vanish", usual);
    assert_eq!((stats.delivered, failures.len()), (1, 1), "{failures:?}");
    assert_eq!(server.mail(), mail);
}

#[test]
fn each_step_that_goes_wrong_over_starttls_has_the_outcome_that_is_documented() {
    each_step_goes_wrong(SmtpTls::StartTls);
}

#[test]
fn each_step_that_goes_wrong_over_implicit_tls_has_the_outcome_that_is_documented() {
    each_step_goes_wrong(SmtpTls::Implicit);
}

#[test]
fn what_came_before_an_error_is_in_its_mail_and_html_beside_the_text() {
    let (mut server, failures) = (Real::start(SmtpTls::StartTls), FailureLog::new());
    let mails = Arc::new(server.builder(&failures).digest(Duration::from_secs(3_600)).html(true).build().unwrap());
    let recorder = MemoryHandler::flight_recorder(3).target(Arc::clone(&mails)).build().unwrap();
    let raise = |level, message: String| {
        recorder
            .handle(&Record::builder().level(level).target("app").message(message).field("user", "<eve>").build().as_record())
            .unwrap();
    };
    (1..=100).for_each(|number| raise(Level::DEBUG, format!("request {number}")));
    raise(Level::ERROR, "Grüße, es brennt".to_owned());
    raise(Level::DEBUG, "nobody asks for this".to_owned());
    mails.flush(Deadline::after(PATIENCE)).unwrap();
    let mail = server.mail();
    let (text, html) = (mail["text"].as_str().unwrap(), mail["html"].as_str().unwrap());
    assert_eq!(mail["subject"], "ERROR app: Grüße, es brennt (3 records)");
    assert_eq!(mail["types"], serde_json::json!(["multipart/alternative", "text/plain", "text/html"]));
    assert_eq!(text.lines().collect::<Vec<_>>(), ["request 99", "request 100", "Grüße, es brennt"]);
    assert!(
        html.find("request 100").unwrap() < html.find("Grüße, es brennt").unwrap() && html.contains("&lt;eve&gt;"),
        "{html}"
    );
    assert!(mail["defects"] == serde_json::json!([]) && failures.is_empty(), "{mail} {failures:?}");
}
