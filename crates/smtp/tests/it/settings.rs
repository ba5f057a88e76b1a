//! Settings that are refused, and those that are chosen.

use std::time::Duration;

use tracing_handlers_smtp::{SmtpHandler, SmtpHandlerBuilder, SmtpTls};

fn clear() -> SmtpHandlerBuilder {
    SmtpHandler::builder("mail.example.org").tls(SmtpTls::None).from("app@example.org").to("ops@example.org")
}

#[test]
fn a_mistake_is_told_with_setting_and_value() {
    for (builder, setting, value) in [
        (clear().from("no address"), "`from`", "no address"),
        (clear().to("a@b@c"), "`to`", "a@b@c"),
        (clear().to("ops@example.org\r\nRCPT TO:<evil@example.org>"), "`to`", r"ops@example.org\r\nRCPT"),
        (clear().cc("Boss\r\nBcc: evil@example.org <boss@example.org>"), "`cc`", r"Boss\r\n"),
        (clear().reply_to(""), "`reply_to`", "\"\""),
        (clear().from("ä@example.org"), "`from`", "ä@example.org"),
        (clear().port(0), "`port`", "0"),
        (clear().digest(Duration::ZERO), "`digest`", "0"),
        (clear().max_mails(0, Duration::from_secs(1)), "`max_mails`", "0"),
        (clear().credentials("app", "s3cret"), "`credentials`", "not shown"),
        (SmtpHandler::builder("").from("a@b.c").to("a@b.c").tls(SmtpTls::None), "`host`", "\"\""),
        (SmtpHandler::builder("h").to("a@b.c").tls(SmtpTls::None), "`from`", "(none)"),
        (SmtpHandler::builder("h").from("a@b.c").tls(SmtpTls::None), "`to`", "(none)"),
    ] {
        let error = builder.build().unwrap_err();
        let text = error.one_line();
        assert!(error.is_config() && text.contains(setting) && text.contains(value), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn the_port_follows_from_the_kind_of_tls() {
    let shown = |mode| format!("{:?}", SmtpHandler::builder("h").tls(mode).from("a@b.c").to("d@e.f").build());
    assert!(shown(SmtpTls::None).contains("smtp://h:25\""), "{}", shown(SmtpTls::None));
    if cfg!(feature = "tls") {
        assert!(shown(SmtpTls::StartTls).contains("smtp://h:587\""));
        assert!(shown(SmtpTls::Implicit).contains("smtps://h:465\""));
    } else {
        assert!(shown(SmtpTls::StartTls).contains("needs the feature `tls`"));
    }
}
