//! What a real rsyslog makes of our messages.

use std::time::Duration;

use serde_json::{Value, json};
use tracing_handlers_core::format::Zone;
use tracing_handlers_core::{Deadline, Handler, Level, Record, RecordBuf, Timestamp};
use tracing_handlers_syslog::{Facility, Framing, Newlines, Protocol, Retry, SyslogHandler, SyslogHandlerBuilder};
use tracing_handlers_testing::gate::PATIENCE;
#[cfg(feature = "tls")]
use tracing_handlers_testing::record;

use crate::rsyslogd::Rsyslog;

pub(crate) const HOSTILE: &str = "sp\u{e4}m \u{8a9e} \u{1f980} \"quoted\" [bracket] back\\slash\\ ]= <0>1 %s";

fn raw(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(record.message().as_bytes());
}

pub(crate) fn builder() -> SyslogHandlerBuilder {
    let soon = Retry::new(Duration::from_millis(1)).max(Duration::from_millis(20));
    SyslogHandler::builder().ident("shop").facility(Facility::Local0).format(raw).retry(soon)
}

pub(crate) fn network() -> SyslogHandlerBuilder {
    builder().hostname("web1.example").msgid("ID47").enterprise_number(32_473)
}

pub(crate) fn event(text: &str) -> RecordBuf {
    Record::builder()
        .timestamp(Timestamp::from_nanos(1_700_000_000_123_456_000))
        .process_id(42)
        .level(Level::WARN)
        .target("app::db")
        .message(text)
        .field("plain", 1_i64)
        .field("hostile", HOSTILE)
        .span("request", "app", [("id", "7f3a".into())])
        .build()
}

pub(crate) fn send(builder: SyslogHandlerBuilder, record: &RecordBuf) {
    let handler = builder.max_age(Duration::from_secs(u64::from(u32::MAX))).build().unwrap();
    handler.handle(&record.as_record()).unwrap();
    handler.close(Deadline::after(PATIENCE)).unwrap();
    assert_eq!(handler.stats().delivered, 1, "{:?}", handler.status());
}

/// Header and structured data as sent; gives the text.
pub(crate) fn assert_rfc5424(message: &Value) -> String {
    let expected = json!({
        "pri": "132", "facility": "local0", "severity": "warning", "version": "1", "timestamp": "2023-11-14T22:13:20.123456Z",
        "hostname": "web1.example", "app": "shop", "procid": "42", "msgid": "ID47",
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&message[name], value, "{name} of {message}");
    }
    // JSON within JSON.
    let data: Value = serde_json::from_str(message["sd"].as_str().unwrap()).unwrap();
    let expected = json!({
        "event@32473": { "target": "app::db", "spans": "request" },
        "fields@32473": { "plain": "1", "hostile": HOSTILE },
        "spans@32473": { "request.id": "7f3a" },
    });
    assert_eq!(data, expected);
    message["msg"].as_str().unwrap().to_owned()
}

#[test]
fn udp_arrives_as_sent() {
    let daemon = Rsyslog::start();
    send(network().udp(format!("127.0.0.1:{}", daemon.udp)), &event(HOSTILE));
    assert_eq!(assert_rfc5424(&daemon.message()), HOSTILE);
}

#[test]
fn tcp_with_counted_octets_keeps_line_ends_and_a_hundred_kilobytes() {
    let daemon = Rsyslog::start();
    let text = format!("one\n<0>two\r\n{}{HOSTILE}\nend", "x".repeat(100_000));
    let builder = network().tcp(format!("127.0.0.1:{}", daemon.tcp)).newlines(Newlines::Keep).max_message_bytes(200_000);
    send(builder, &event(&text));
    assert_eq!(assert_rfc5424(&daemon.message()), text);
}

#[test]
fn tcp_with_line_feeds_has_one_line_a_message() {
    let daemon = Rsyslog::start();
    let builder = network().tcp(format!("127.0.0.1:{}", daemon.tcp)).framing(Framing::Lf).newlines(Newlines::Keep);
    send(builder, &event("one\n<0>two\r\nNUL \0 end"));
    assert_eq!(assert_rfc5424(&daemon.message()), "one\\n<0>two\\r\\nNUL \\0 end");
}

#[test]
fn a_nul_and_line_ends_are_escaped_by_default() {
    let daemon = Rsyslog::start();
    send(network().tcp(format!("127.0.0.1:{}", daemon.tcp)), &event("a\0b\nc"));
    assert_eq!(assert_rfc5424(&daemon.message()), "a\\0b\\nc");
}

#[test]
fn lines_that_are_split_are_messages_with_the_same_header() {
    let daemon = Rsyslog::start();
    send(network().udp(format!("127.0.0.1:{}", daemon.udp)).newlines(Newlines::Split), &event("one\n<0>two"));
    let messages = daemon.until(|messages| messages.len() >= 2);
    let texts: Vec<_> = messages.iter().map(assert_rfc5424).collect();
    assert_eq!(texts, ["one", "<0>two"]);
}

pub(crate) fn of_3164() -> SyslogHandlerBuilder {
    builder().protocol(Protocol::Rfc3164).hostname("web1.example").rfc3339_time(true).zone(Zone::Utc)
}

#[test]
fn rfc3164_over_udp_has_host_tag_and_time() {
    let daemon = Rsyslog::start();
    send(of_3164().udp(format!("127.0.0.1:{}", daemon.udp)), &event(HOSTILE));
    assert_rfc3164(&daemon.message(), "web1.example", "2023-11-14T22:13:20.123456Z");
}

#[test]
fn rfc3164_over_tcp_has_host_tag_and_time() {
    let daemon = Rsyslog::start();
    send(of_3164().tcp(format!("127.0.0.1:{}", daemon.tcp)), &event(HOSTILE));
    assert_rfc3164(&daemon.message(), "web1.example", "2023-11-14T22:13:20.123456Z");
}

#[test]
fn the_time_of_rfc3164_has_no_year_and_is_of_the_zone_that_was_set() {
    let daemon = Rsyslog::start();
    let builder = of_3164().rfc3339_time(false).zone(Zone::fixed(-5, 30).unwrap());
    send(builder.udp(format!("127.0.0.1:{}", daemon.udp)), &event(HOSTILE));
    let message = daemon.message();
    // It adds a year and a zone of its own.
    let time = message["timestamp"].as_str().unwrap();
    assert!(time.contains("-11-14T16:43:20"), "{time}");
}

pub(crate) fn assert_rfc3164(message: &Value, host: &str, time: &str) {
    let expected = json!({ "pri": "132", "version": "0", "app": "shop", "procid": "42", "timestamp": time, "hostname": host });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&message[name], value, "{name} of {message}");
    }
    // rsyslog leaves the space behind the tag.
    assert_eq!(message["msg"], format!(" {HOSTILE}"));
}

#[test]
fn the_local_socket_takes_rfc3164_without_a_host() {
    let daemon = Rsyslog::start();
    send(builder().unix(daemon.local()).rfc3339_time(true).zone(Zone::Utc), &event(HOSTILE));
    let message = daemon.message();
    let host = message["hostname"].as_str().unwrap().to_owned();
    assert!(!host.is_empty() && host != "shop");
    assert_rfc3164(&message, &host, "2023-11-14T22:13:20.123456Z");
}

#[test]
fn a_local_socket_that_is_read_as_the_network_takes_rfc5424() {
    let daemon = Rsyslog::start();
    let builder = network().protocol(Protocol::Rfc5424).unix(daemon.local_of_networks());
    send(builder, &event(HOSTILE));
    assert_eq!(assert_rfc5424(&daemon.message()), HOSTILE);
}

#[test]
fn pythons_message_is_taken() {
    let daemon = Rsyslog::start();
    let builder = builder().protocol(Protocol::Python).ident("shop[42]: ").udp(format!("127.0.0.1:{}", daemon.udp));
    send(builder, &event("sp\u{e4}m"));
    let message = daemon.message();
    assert_eq!((&message["pri"], &message["app"], &message["msg"]), (&json!("132"), &json!("shop"), &json!(" sp\u{e4}m")));
}

#[test]
fn a_local_socket_takes_a_hundred_kilobytes() {
    let daemon = Rsyslog::start();
    let text = format!("one\n<0>two\r\n{}{HOSTILE}\nend", "x".repeat(100_000));
    let builder = network().protocol(Protocol::Rfc5424).unix(daemon.local_of_networks());
    send(builder.newlines(Newlines::Keep).max_message_bytes(200_000), &event(&text));
    assert_eq!(assert_rfc5424(&daemon.message()), text);
}

#[cfg(feature = "tls")]
#[test]
fn tls_arrives_as_sent_in_both_protocols() {
    use tracing_handlers_syslog::Tls;

    let daemon = Rsyslog::start_with_tls();
    let place = format!("localhost:{}", daemon.tls);
    let trusting = || Tls::new().ca_pem(&daemon.authority()).unwrap();
    let text = format!("one\n<0>two\r\n{}{HOSTILE}\nend", "x".repeat(100_000));
    send(network().tls(&place, trusting()).newlines(Newlines::Keep).max_message_bytes(200_000), &event(&text));
    assert_eq!(assert_rfc5424(&daemon.message()), text);
    send(of_3164().tls(&place, trusting()), &event(HOSTILE));
    let messages = daemon.until(|messages| messages.len() >= 2);
    assert_rfc3164(&messages[1], "web1.example", "2023-11-14T22:13:20.123456Z");
}

#[cfg(feature = "tls")]
#[test]
fn a_daemon_whose_authority_is_not_trusted_gets_nothing() {
    use tracing_handlers_syslog::Tls;

    let daemon = Rsyslog::start_with_tls();
    let (told, refusals) = std::sync::mpsc::channel();
    let hook = move |failure: &tracing_handlers_core::Failure<'_>| drop(told.send(failure.error.one_line()));
    let doubting = network().tls(format!("localhost:{}", daemon.tls), Tls::new()).on_failure(hook).build().unwrap();
    doubting.handle(&record("secret").as_record()).unwrap();
    let refusal = refusals.recv_timeout(PATIENCE).unwrap();
    assert!(refusal.contains("certificate"), "{refusal}");
    assert_eq!(doubting.stats().delivered, 0);
}

#[cfg(feature = "tls")]
#[test]
fn a_daemon_that_asks_for_a_certificate_takes_from_those_who_have_one() {
    use tracing_handlers_syslog::Tls;

    let daemon = Rsyslog::start_with_tls();
    let place = format!("localhost:{}", daemon.known);
    let unknown = Tls::new().ca_pem(&daemon.authority()).unwrap();
    let [certificate, key] = daemon.client();
    let known = unknown.clone().identity_pem(&certificate, &key).unwrap();
    // With TLS 1.3 a client learns that it was refused only after it has sent.
    let refused = network().tls(&place, unknown).build().unwrap();
    refused.handle(&record("from nobody").as_record()).unwrap();
    refused.flush(Deadline::after(PATIENCE)).ok();
    send(network().tls(&place, known), &event(HOSTILE));
    assert_eq!(assert_rfc5424(&daemon.message()), HOSTILE);
}
