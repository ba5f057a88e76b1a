//! Hostile names, fields, credentials and URLs: they never add a header or a request, and secrets are shown nowhere.

use proptest::prelude::*;
use tracing_handlers_core::{Handler, Record};
use tracing_handlers_http::{Body, HttpHandler, HttpHandlerBuilder, Method};
use tracing_handlers_testing::FailureLog;

use crate::server::{Request, Server};
use crate::statuses::flush;

/// Texts with a taste for line ends, quotes and what has a meaning in URLs.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\r\n"),
        Just("\n"),
        Just("\r\n\r\nGET /forged HTTP/1.1\r\nHost: x\r\n\r\n"),
        Just("\0"),
        Just("\""),
        Just("\\"),
        Just("&name=x"),
        Just("=?#%0d%0aX: y"),
        Just("]}"),
        Just("\u{2028}\u{1b}[2J"),
        Just("é\u{2603}"),
        Just("a b"),
        Just("{}"),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// The one request that a record with these texts makes.
fn request(builder: impl FnOnce(HttpHandlerBuilder) -> HttpHandlerBuilder, server: &Server, texts: &[String; 4]) -> Request {
    let before = server.requests().len();
    let failures = FailureLog::new();
    let handler = builder(HttpHandler::builder(server.url("/log"))).on_failure(failures.clone()).build().unwrap();
    let [target, message, name, value] = texts;
    let record = Record::builder().target(target).message(message).field(name, value.as_str());
    let record = record.span(value, target, [(message.as_str(), name.as_str().into())]).thread_name(value).build();
    handler.handle(&record.as_record()).unwrap();
    flush(&handler);
    let requests = server.requests();
    assert_eq!((requests.len(), failures.is_empty()), (before + 1, true), "{failures:?}");
    requests.last().unwrap().clone()
}

fn names(request: &Request) -> Vec<&str> {
    request.headers.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn no_record_adds_a_header_or_a_request() {
    let server = Server::start();
    let texts = [hostile(), hostile(), hostile(), hostile()];
    let config = ProptestConfig { failure_persistence: None, cases: 60, ..ProptestConfig::default() };
    proptest!(config, |(texts in texts)| {
        let get = request(|builder| builder, &server, &texts);
        prop_assert_eq!(names(&get), ["host", "user-agent", "accept"]);
        prop_assert!(get.path.starts_with("/log?name=") && get.path.bytes().all(|byte| byte.is_ascii_graphic()), "{}", get.path);
        let sent = ["host", "user-agent", "accept", "content-type", "content-length"];
        let form = request(|builder| builder.method(Method::Post), &server, &texts);
        prop_assert_eq!(names(&form), sent);
        prop_assert_eq!(&get.path["/log?".len()..], &form.body);
        let bodies =
            [Body::Json, Body::JsonLines, Body::loki([("a", &texts[0])]), Body::otlp([("a", &texts[0])]), Body::splunk_hec("t"), Body::datadog("k", &texts[0])];
        for body in bodies {
            let is_lines = matches!(body, Body::JsonLines);
            let request = request(|builder| builder.body(body), &server, &texts);
            prop_assert_eq!(&names(&request)[..4], &sent[..4]);
            serde_json::from_str::<serde_json::Value>(&request.body).unwrap();
            prop_assert_eq!(request.lines().len(), 1, "lines: {}", is_lines);
        }
    });
}

#[test]
fn no_setting_adds_a_header_or_a_request() {
    let server = Server::start();
    let config = ProptestConfig { failure_persistence: None, cases: 100, ..ProptestConfig::default() };
    proptest!(config, |(user in hostile(), password in hostile(), name in hostile(), value in hostile(), path in hostile())| {
        let before = server.requests().len();
        let builders = [
            HttpHandler::builder(server.url("/")).credentials(&user, &password),
            HttpHandler::builder(server.url("/")).bearer_token(&password),
            HttpHandler::builder(server.url("/")).header(&name, &value),
            HttpHandler::builder(server.url("/")).header("x-own", &value),
            HttpHandler::builder(server.url(&format!("/{path}"))),
            HttpHandler::builder(format!("http://collector.example/{path}")).proxy(server.url("")).proxy_credentials(&user, &password),
            HttpHandler::builder(server.url("/")).proxy(server.url(&path)),
        ];
        let mut built = 0;
        for builder in builders {
            let failures = FailureLog::new();
            let Ok(handler) = builder.on_failure(failures.clone()).build() else { continue };
            handler.handle(&tracing_handlers_testing::record("one").as_record()).unwrap();
            flush(&handler);
            prop_assert!(failures.is_empty(), "{:?}", failures);
            built += 1;
        }
        let requests = server.requests();
        prop_assert_eq!(requests.len(), before + built);
        for request in &requests[before..] {
            let known = ["host", "user-agent", "accept", "authorization", "proxy-authorization", "x-own"];
            prop_assert!(names(request).iter().all(|name| known.contains(name)), "{:?}", request);
            prop_assert!(!request.path.contains("forged HTTP"), "{}", request.path);
        }
    });
}

#[test]
fn a_setting_that_cannot_be_is_refused_and_its_value_not_shown() {
    let base = || HttpHandler::builder("http://127.0.0.1:1/");
    let refused = [
        (HttpHandler::builder("ftp://example.org/"), "url"),
        (HttpHandler::builder("/relative"), "url"),
        (HttpHandler::builder("http://"), "url"),
        (HttpHandler::builder("http://example.org:99999/"), "url"),
        (HttpHandler::builder("http://example.org:80&x=hunter2/"), "url"),
        (HttpHandler::builder("http://bob:hunter2@example.org/"), "url"),
        (HttpHandler::builder("http://example.org/hunter2\r\nX: y"), "url"),
        (base().bearer_token("hunter2\n"), "header"),
        (base().header("x-key", "hunter2\u{0}"), "header"),
        (base().header("x y", "hunter2"), "header"),
        (base().header("Content-Length", "hunter2"), "header"),
        (base().header("Transfer-Encoding", "hunter2"), "header"),
        (base().credentials("bob:", "hunter2"), "credentials"),
        (base().body(Body::splunk_hec("hunter2\r\nX: y")), "header"),
        (base().body(Body::Json).method(Method::Get), "method"),
        (base().body(Body::loki([("a", "b")])).map_record(|_| Vec::new()), "map_record"),
        (base().format(tracing_handlers_testing::MessageOnly), "format"),
        (base().batch_records(0), "batch_records"),
    ];
    for (builder, setting) in refused {
        assert!(!format!("{builder:?}").contains("hunter2"), "{builder:?}");
        let error = builder.build().unwrap_err();
        assert!(error.is_config() && error.to_string().contains(setting), "{error}");
        assert!(!format!("{error:?} {}", error.one_line()).contains("hunter2"), "{error:?}");
    }
    let fine = base().bearer_token("hunter2").header("x-key", "hunter2").body(Body::splunk_hec("hunter2"));
    assert!(!format!("{fine:?}").contains("hunter2"));
    assert!(!format!("{:?}", fine.build().unwrap()).contains("hunter2"));
}

#[test]
fn a_header_of_the_user_takes_the_place_of_ours() {
    let server = Server::start();
    let request = request(
        |builder| {
            builder.method(Method::Post).credentials("a", "b").header("User-Agent", "mine").header("Authorization", "mine")
        },
        &server,
        &Default::default(),
    );
    assert_eq!((request.header("user-agent"), request.header("authorization")), (Some("mine"), Some("mine")));
}
