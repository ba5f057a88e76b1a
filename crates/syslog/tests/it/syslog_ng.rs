//! What a real syslog-ng makes of our messages: a second opinion beside rsyslog's.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tracing_handlers_core::format::Zone;
use tracing_handlers_core::{Deadline, Handler};
use tracing_handlers_syslog::{Framing, Newlines, Protocol, Retry, SyslogHandlerBuilder};
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::{FailureLog, record, wait_until};

use crate::rsyslog::{HOSTILE, builder, event, network, send};
use crate::syslog_ngd::SyslogNg;

fn assert_named(message: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&message[name], value, "{name} of {message}");
    }
}

/// Header and structured data as sent; gives the text.
fn assert_rfc5424(message: &Value) -> String {
    let expected = json!({
        "facility": "local0", "severity": "warning", "timestamp": "2023-11-14T22:13:20.123456+00:00",
        "hostname": "web1.example", "app": "shop", "procid": "42", "msgid": "ID47",
    });
    assert_named(message, &expected);
    let data = &message["_SDATA"];
    assert_eq!(data["event@32473"], json!({ "target": "app::db", "spans": "request" }));
    assert_eq!(data["fields@32473"], json!({ "plain": "1", "hostile": HOSTILE }));
    // It takes the point for one more level.
    assert_eq!(data["spans@32473"], json!({ "request": { "id": "7f3a" } }));
    message["msg"].as_str().unwrap().to_owned()
}

fn of_3164() -> SyslogHandlerBuilder {
    builder().protocol(Protocol::Rfc3164).rfc3339_time(true).zone(Zone::Utc)
}

fn assert_rfc3164(message: &Value) {
    let expected = json!({
        "facility": "local0", "severity": "warning", "timestamp": "2023-11-14T22:13:20.123456+00:00",
        "app": "shop", "procid": "42", "msg": HOSTILE,
    });
    assert_named(message, &expected);
}

#[test]
fn udp_arrives_as_sent() {
    let daemon = SyslogNg::start();
    send(network().udp(daemon.udp()), &event(HOSTILE));
    assert_eq!(assert_rfc5424(&daemon.message()), HOSTILE);
}

#[test]
fn tcp_with_counted_octets_keeps_line_ends_and_a_hundred_kilobytes() {
    let daemon = SyslogNg::start();
    let text = format!("one\n<0>two\r\n{}{HOSTILE}\nend", "x".repeat(100_000));
    send(network().tcp(daemon.tcp()).newlines(Newlines::Keep).max_message_bytes(200_000), &event(&text));
    assert_eq!(assert_rfc5424(&daemon.message()), text);
}

#[test]
fn tcp_with_line_feeds_has_one_line_a_message() {
    let daemon = SyslogNg::start();
    let builder = network().tcp(daemon.lines()).framing(Framing::Lf).newlines(Newlines::Keep);
    send(builder, &event("one\n<0>two\r\nNUL \0 end"));
    assert_eq!(assert_rfc5424(&daemon.message()), "one\\n<0>two\\r\\nNUL \\0 end");
}

#[test]
fn the_mark_of_the_byte_order_is_no_part_of_the_text() {
    let daemon = SyslogNg::start();
    send(network().tcp(daemon.tcp()).bom(true), &event(HOSTILE));
    assert_eq!(assert_rfc5424(&daemon.message()), HOSTILE);
}

#[test]
fn what_rfc5424_defines_itself_is_read() {
    let daemon = SyslogNg::start();
    send(network().tcp(daemon.tcp()).time_quality(true).origin(HOSTILE_SHORT, "1.2").sequence_id(true), &event("text"));
    let message = daemon.message();
    assert_eq!(assert_rfc5424(&message), "text");
    let data = &message["_SDATA"];
    assert_eq!(data["timeQuality"], json!({ "tzKnown": "1", "isSynced": "1" }));
    assert_eq!(data["origin"], json!({ "enterpriseId": "32473", "software": HOSTILE_SHORT, "swVersion": "1.2" }));
    assert_eq!(data["meta"], json!({ "sequenceId": "1" }));
}

const HOSTILE_SHORT: &str = "sp\u{e4}m \"shop\" ] \\";

#[test]
fn rfc3164_over_the_network_has_host_tag_and_time() {
    let daemon = SyslogNg::start();
    send(of_3164().hostname("web1.example").udp(daemon.udp_3164()), &event(HOSTILE));
    let message = daemon.message();
    assert_rfc3164(&message);
    assert_eq!(message["hostname"], "web1.example");
}

#[test]
fn rfc3164_over_tcp_has_host_tag_and_time() {
    let daemon = SyslogNg::start();
    send(of_3164().hostname("web1.example").tcp(daemon.lines_3164()).framing(Framing::Lf), &event(HOSTILE));
    let message = daemon.message();
    assert_rfc3164(&message);
    assert_eq!(message["hostname"], "web1.example");
}

#[test]
fn local_sockets_of_both_kinds_take_rfc3164_without_a_host() {
    for socket in [|daemon: &SyslogNg| daemon.local(), SyslogNg::local_stream] {
        let daemon = SyslogNg::start();
        send(of_3164().unix(socket(&daemon)), &event(HOSTILE));
        let message = daemon.message();
        assert_rfc3164(&message);
        let host = message["hostname"].as_str().unwrap();
        assert!(!host.is_empty() && host != "shop", "{host}");
    }
}

#[test]
fn a_local_socket_that_is_read_as_the_network_takes_rfc5424() {
    let daemon = SyslogNg::start();
    send(network().protocol(Protocol::Rfc5424).unix(daemon.local_5424()), &event(HOSTILE));
    assert_eq!(assert_rfc5424(&daemon.message()), HOSTILE);
}

#[test]
fn a_local_socket_takes_a_hundred_kilobytes() {
    let daemon = SyslogNg::start();
    let text = format!("one\n<0>two\r\n{}{HOSTILE}\nend", "x".repeat(100_000));
    let builder = network().protocol(Protocol::Rfc5424).unix(daemon.local_5424());
    send(builder.newlines(Newlines::Keep).max_message_bytes(200_000), &event(&text));
    assert_eq!(assert_rfc5424(&daemon.message()), text);
}

/// A connection that the daemon reads from.
fn admitted(daemon: &SyslogNg) -> TcpStream {
    loop {
        let mut stream = TcpStream::connect(daemon.tcp()).unwrap();
        stream.write_all(b"29 <14>1 - - - - - - taken place").unwrap();
        stream.set_nonblocking(true).unwrap();
        let (mut is_read, mut is_ended) = (false, false);
        wait_until("it is read or ended", || {
            is_read = daemon.text().contains("taken place");
            is_ended = !matches!(stream.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
            is_read || is_ended
        });
        if is_read {
            return stream;
        }
    }
}

/// It takes everybody's connection, ends that of whom it has no place for, and says nothing.
#[test]
fn a_daemon_without_a_place_for_us_misses_nothing_that_the_window_covers_when_it_has_one() {
    let daemon = SyslogNg::start_with_room(1);
    let other = admitted(&daemon);
    let (failures, retry) = (FailureLog::new(), Retry::new(Duration::from_millis(200)).max(Duration::from_millis(200)));
    let builder = builder().tcp(daemon.tcp()).retry(retry).resend_window(1 << 20).batch_records(10);
    let handler = builder.on_failure(failures.clone()).build().unwrap();
    let mut count = 0;
    wait_until("it is told three times", || {
        // What is sent before the first end is seen counts as delivered, and waits in the window.
        if handler.stats().pending == 0 {
            handler.handle(&record(format!("number {count} of many")).as_record()).unwrap();
            count += 1;
        }
        handler.status().failures >= 3
    });
    let told = "it closed the connection as soon as it was made";
    assert!(failures.texts().iter().all(|text| text.contains(told) && text.contains(&daemon.tcp())), "{failures:?}");
    assert!(handler.status().last_error.is_some_and(|error| error.contains(told)));
    assert!(handler.stats().pending > 0 && !daemon.text().contains("of many"), "{}", handler.stats());

    drop(other);
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    let is_there = |number| daemon.text().contains(&format!("number {number} of many"));
    wait_until("all is written", || (0..count).all(is_there));
    assert_eq!((handler.stats().delivered, handler.status().failures), (count, 0), "{failures:?}");
}

#[cfg(feature = "tls")]
mod tls {
    use tracing_handlers_syslog::Tls;

    use super::*;

    fn known(daemon: &SyslogNg) -> Tls {
        let [certificate, key] = daemon.client();
        Tls::new().ca_pem(&daemon.authority()).unwrap().identity_pem(&certificate, &key).unwrap()
    }

    #[test]
    fn a_client_whose_certificate_is_known_is_read() {
        let daemon = SyslogNg::start_with_tls();
        let known = known(&daemon);
        let text = format!("one\n<0>two\r\n{}{HOSTILE}\nend", "x".repeat(100_000));
        send(network().tls(daemon.tls(), known).newlines(Newlines::Keep).max_message_bytes(200_000), &event(&text));
        assert_eq!(assert_rfc5424(&daemon.message()), text);
    }

    #[test]
    fn rfc3164_over_tls_has_host_tag_and_time() {
        let daemon = SyslogNg::start_with_tls();
        let builder = of_3164().hostname("web1.example").framing(Framing::Lf);
        send(builder.tls(daemon.tls_3164(), known(&daemon)), &event(HOSTILE));
        let message = daemon.message();
        assert_rfc3164(&message);
        assert_eq!(message["hostname"], "web1.example");
    }

    #[test]
    fn a_client_without_a_certificate_is_refused() {
        let daemon = SyslogNg::start_with_tls();
        let unknown = Tls::new().ca_pem(&daemon.authority()).unwrap();
        let refused =
            network().tls(daemon.tls(), unknown).retry(Retry::default()).on_failure(FailureLog::new()).build().unwrap();
        // With TLS 1.3 a client learns that only after it may have sent.
        wait_until("it refuses, and we say why", || {
            if refused.stats().pending == 0 {
                refused.handle(&record("from nobody").as_record()).unwrap();
            }
            refused.status().last_error.is_some_and(|error| error.contains("alert"))
        });
        wait_until("it says why", || daemon.said().contains("peer did not return a certificate"));
        // What comes next is the only one that it read.
        send(network().tcp(daemon.tcp()), &event("next"));
        assert_eq!(assert_rfc5424(&daemon.message()), "next");
    }
}
