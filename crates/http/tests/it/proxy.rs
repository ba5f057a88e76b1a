//! Through a proxy: what it is told, what it may see, and what becomes of records when it refuses.

use std::time::Duration;

use tracing_handlers_core::{Deadline, Handler};
use tracing_handlers_http::{HttpHandler, HttpHandlerBuilder, Method};
use tracing_handlers_testing::{FailureLog, record};

use crate::server::{Server, answer};
use crate::statuses::{flush, lines_to, wait_until};

fn through(proxy: &Server, failures: &FailureLog) -> HttpHandlerBuilder {
    let builder = lines_to("http://collector.example:8080/logs?key=1".to_owned(), failures);
    builder.proxy(proxy.url("")).proxy_credentials("user", "hunter2")
}

#[test]
fn a_proxy_is_told_the_whole_url_and_who_we_are() {
    let (proxy, failures) = (Server::start(), FailureLog::new());
    let handler = through(&proxy, &failures).credentials("foo", "bar").build().unwrap();
    for message in ["one", "two"] {
        handler.handle(&record(message).as_record()).unwrap();
        flush(&handler);
    }
    let requests = proxy.requests();
    for (request, body) in requests.iter().zip(["one\n", "two\n"]) {
        assert_eq!((request.path.as_str(), request.body.as_str()), ("http://collector.example:8080/logs?key=1", body));
        assert_eq!(request.header("host"), Some("collector.example:8080"));
        assert_eq!(request.header("proxy-authorization"), Some("Basic dXNlcjpodW50ZXIy"));
        assert_eq!((request.header("authorization"), request.connection), (Some("Basic Zm9vOmJhcg=="), 0));
    }
    assert!(requests.len() == 2 && failures.is_empty(), "{failures:?}");

    let form = HttpHandler::builder("http://collector.example").proxy(proxy.url("/")).method(Method::Get).build().unwrap();
    form.handle(&record("three").as_record()).unwrap();
    flush(&form);
    let request = proxy.requests().pop().unwrap();
    assert!(request.path.starts_with("http://collector.example/?name="), "{request:?}");
    assert_eq!(request.header("proxy-authorization"), None);
}

#[test]
fn a_proxy_that_refuses_us_or_cannot_reach_the_peer_costs_no_record() {
    let (proxy, failures) = (Server::start(), FailureLog::new());
    proxy.will([
        answer(502, "", "no such host"),
        answer(407, "Proxy-Authenticate: Basic\r\n", "hunter2?"),
        answer(407, "", ""),
    ]);
    let handler = through(&proxy, &failures).build().unwrap();
    handler.handle(&record("one").as_record()).unwrap();
    proxy.wait_for(2);
    handler.flush(Deadline::after(Duration::from_millis(200))).unwrap_err();
    proxy.wait_for(3);
    flush(&handler);
    assert_eq!((proxy.requests().len(), handler.stats().delivered, failures.lost()), (4, 1, 0), "{failures:?}");
    let told = failures.texts();
    assert!(told.len() == 2 && told[0].contains("502") && told[1].contains("407: it refuses who we are"), "{told:?}");
    assert!(!format!("{failures:?} {handler:?}").contains("hunter2"), "{failures:?}");
}

#[test]
fn a_proxy_that_is_not_there_is_named() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failures = FailureLog::new();
    let handler =
        lines_to("http://collector.example/".to_owned(), &failures).proxy(format!("http://{unused}")).build().unwrap();
    handler.handle(&record("one").as_record()).unwrap();
    wait_until(&handler, || !failures.is_empty());
    let expected = format!("connect to http://collector.example/ through http://{unused}");
    assert!(failures.texts()[0].contains(&expected), "{failures:?}");
}

/// Set in the process whose environment names proxies.
const INSIDE: &str = "HTTP_TEST_ENVIRONMENT";

#[test]
fn no_proxy_is_taken_from_the_environment() {
    if std::env::var_os(INSIDE).is_none() {
        // It takes connections, and never answers.
        let hole = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", hole.local_addr().unwrap());
        let mut same = std::process::Command::new(std::env::current_exe().unwrap());
        same.args(["--exact", "proxy::no_proxy_is_taken_from_the_environment"]).env(INSIDE, "1");
        for name in ["http_proxy", "https_proxy", "all_proxy"] {
            same.env(name, &url).env(name.to_uppercase(), &url);
        }
        let output = same.output().unwrap();
        assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
        return;
    }
    let (server, failures) = (Server::start(), FailureLog::new());
    let handler = lines_to(server.url("/logs"), &failures).build().unwrap();
    handler.handle(&record("one").as_record()).unwrap();
    flush(&handler);
    assert_eq!((server.requests()[0].path.as_str(), failures.len()), ("/logs", 0), "{failures:?}");
}

#[test]
fn a_proxy_that_cannot_be_is_refused_and_no_secret_shown() {
    let base = || HttpHandler::builder("http://127.0.0.1:1/");
    let refused = [
        (base().proxy("https://proxy.example"), "proxy"),
        (base().proxy("proxy.example:3128"), "proxy"),
        (base().proxy("http://proxy.example/path"), "proxy"),
        (base().proxy("http://proxy.example:3128&x=hunter2"), "proxy"),
        (base().proxy("http://bob:hunter2@proxy.example"), "proxy"),
        (base().proxy("http://proxy.example\r\nX: hunter2"), "proxy"),
        (base().proxy_credentials("bob", "hunter2"), "proxy_credentials"),
        (base().proxy("http://proxy.example").proxy_credentials("bob:", "hunter2"), "proxy_credentials"),
        (base().in_flight(0), "in_flight"),
    ];
    for (builder, setting) in refused {
        assert!(!format!("{builder:?}").contains("hunter2"), "{builder:?}");
        let error = builder.build().unwrap_err();
        assert!(error.is_config() && error.to_string().contains(setting), "{error}");
        assert!(!format!("{error:?} {}", error.one_line()).contains("hunter2"), "{error:?}");
    }
}

/// CONNECT, with CPython's server behind the proxy.
#[cfg(all(unix, feature = "tls"))]
mod tunnels {
    use std::io::{self, BufReader, Write as _};
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::sync::mpsc::{self, Receiver};
    use std::thread;

    use tracing_handlers_core::DropReason;
    use tracing_handlers_testing::certificates;

    use super::*;
    use crate::cpython::PythonServer;
    use crate::server::{Request, read_request};

    /// Answers each CONNECT with the next of these words; where that is 200, hands on bytes to `port`.
    fn proxy(answers: Vec<&'static str>, port: u16) -> (String, Receiver<Request>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = mpsc::channel();
        thread::spawn(move || {
            for (answer, stream) in answers.into_iter().zip(listener.incoming()) {
                let mut stream = stream.unwrap();
                // No byte of the handshake comes before the answer.
                let request = read_request(&mut BufReader::new(&stream), 0).unwrap();
                sender.send(request).ok();
                stream.write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes()).unwrap();
                if answer.starts_with("200") {
                    let peer = TcpStream::connect(("localhost", port)).unwrap();
                    for (from, to) in [(&stream, &peer), (&peer, &stream)] {
                        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                        thread::spawn(move || {
                            io::copy(&mut from, &mut to).ok();
                            to.shutdown(Shutdown::Write).ok();
                        });
                    }
                }
            }
        });
        (url, requests)
    }

    fn offered(answers: Vec<&'static str>) -> (HttpHandler, FailureLog, Vec<Request>, String) {
        let folder = tempfile::tempdir().unwrap();
        certificates::make(folder.path());
        let tls = tracing_handlers_http::Tls::new().ca_pem(&certificates::read(folder.path(), "ca.pem")).unwrap();
        let mut server = PythonServer::start(Some(folder.path()));
        let (count, failures) = (answers.len(), FailureLog::new());
        let (url, requests) = proxy(answers, server.port);
        let retry = tracing_handlers_http::Retry::new(std::time::Duration::from_millis(1));
        let builder = HttpHandler::builder("https://localhost/frob").tls(tls).method(Method::Post).credentials("foo", "bar");
        let builder = builder.proxy(url).proxy_credentials("user", "hunter2").retry(retry);
        let handler = builder.on_failure(failures.clone()).build().unwrap();
        for message in ["one", "two"] {
            handler.handle(&record(message).as_record()).unwrap();
            wait_until(&handler, || handler.status().attempts + 1 >= count as u64);
            flush(&handler);
            let seen = server.next();
            assert_eq!((&seen["path"], &seen["authorization"]), (&"/frob".into(), &"Basic Zm9vOmJhcg==".into()));
            assert_eq!(seen["form"]["msg"], serde_json::json!([message]));
        }
        assert_eq!((handler.stats().delivered, handler.stats().dropped_for(DropReason::Failed)), (2, 0));
        let told = format!("{failures:?} {handler:?}");
        assert!(!told.contains("hunter2") && !told.contains("dXNlcjpodW50ZXIy"), "{told}");
        (handler, failures, requests.try_iter().collect(), told)
    }

    #[test]
    fn a_tunnel_is_made_once_and_shows_the_proxy_nothing_of_the_requests() {
        let (_handler, failures, requests, _) = offered(vec!["200 Connection established"]);
        assert!(failures.is_empty(), "{failures:?}");
        let [request] = requests.try_into().unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("CONNECT", "localhost:443"));
        let names: Vec<_> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["host", "proxy-authorization"]);
        assert_eq!(request.header("proxy-authorization"), Some("Basic dXNlcjpodW50ZXIy"));
    }

    #[test]
    fn a_tunnel_that_is_not_made_is_told_and_tried_again() {
        let (_handler, failures, requests, told) = offered(vec!["502 Bad Gateway", "407 Who are you", "200 OK"]);
        assert_eq!((requests.len(), failures.len()), (3, 2), "{failures:?}");
        assert!(told.contains("connect to https://localhost/frob through http://127.0.0.1:"), "{told}");
        assert!(told.contains("the proxy answered 502") && told.contains("407: it refuses who we are"), "{told}");
    }
}
