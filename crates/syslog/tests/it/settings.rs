//! Settings that cannot be are refused by name.

use tracing_handlers_syslog::{Framing, Protocol, SyslogHandler, SyslogHandlerBuilder};

fn refused(setting: &str, builder: SyslogHandlerBuilder) {
    let error = builder.build().unwrap_err();
    assert!(error.is_config() && error.to_string().contains(&format!("`{setting}`")), "{setting}: {error}");
}

fn builder(protocol: Protocol) -> SyslogHandlerBuilder {
    SyslogHandler::builder().tcp("127.0.0.1").protocol(protocol)
}

#[test]
fn settings_without_effect_are_refused() {
    refused("framing", SyslogHandler::builder().udp("127.0.0.1").framing(Framing::Lf));
    refused("append_nul", builder(Protocol::Rfc5424).append_nul(false));
    refused("append_nul", builder(Protocol::Python).append_nul(true).framing(Framing::Lf));
    refused("bom", builder(Protocol::Rfc3164).bom(true));
    refused("msgid", builder(Protocol::Rfc3164).msgid("x"));
    refused("enterprise_number", builder(Protocol::Rfc3164).enterprise_number(1));
    refused("time_quality", builder(Protocol::Rfc3164).time_quality(true));
    refused("origin", builder(Protocol::Python).origin("shop", "1"));
    refused("sequence_id", builder(Protocol::Rfc3164).sequence_id(true));
    refused("rfc3339_time", builder(Protocol::Rfc5424).rfc3339_time(true));
    refused("hostname", builder(Protocol::Python).hostname("x"));
    refused("resend_window", SyslogHandler::builder().udp("127.0.0.1").resend_window(1));
}

#[test]
fn names_that_could_not_be_sent_are_refused() {
    for name in ["", "a b", "ä", "a\n", &"x".repeat(256)] {
        refused("hostname", builder(Protocol::Rfc5424).hostname(name));
        refused("ident", builder(Protocol::Rfc3164).ident(name));
        refused("msgid", builder(Protocol::Rfc5424).msgid(name));
    }
    refused("ident", builder(Protocol::Python).ident("a\0"));
    builder(Protocol::Python).ident("any text: ä").build().unwrap();
}

#[test]
fn numbers_beyond_their_limits_are_refused() {
    refused("enterprise_number", builder(Protocol::Rfc5424).enterprise_number(0));
    refused("origin", builder(Protocol::Rfc5424).origin("ä".repeat(49), ""));
    refused("origin", builder(Protocol::Rfc5424).origin("shop", "1".repeat(33)));
    refused("origin", builder(Protocol::Rfc5424).origin("", "1"));
    refused("max_message_bytes", builder(Protocol::Rfc5424).max_message_bytes(479));
    refused("max_message_bytes", SyslogHandler::builder().udp("127.0.0.1").max_message_bytes(65_508));
    builder(Protocol::Rfc5424).max_message_bytes(1 << 20).build().unwrap();
    refused("udp", SyslogHandler::builder().udp("127.0.0.1:x"));
    refused("batch_records", builder(Protocol::Rfc5424).batch_records(0));
}
