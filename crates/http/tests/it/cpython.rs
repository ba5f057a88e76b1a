//! `HTTPHandlerTest` of CPython's `test_logging.py`, with `http.server` of CPython at the other end.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tracing_handlers_core::{Handler, Record};
use tracing_handlers_http::{HttpHandler, HttpHandlerBuilder, Method};
use tracing_handlers_testing::FailureLog;
#[cfg(feature = "tls")]
use tracing_handlers_testing::certificates;

use crate::statuses::flush;

/// Writes what each request was as a line of JSON; the first line is the port.
const SERVER: &str = r#"
import http.server, json, ssl, sys, urllib.parse
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, data):
        parsed = urllib.parse.urlparse(self.path)
        print(json.dumps({"method": self.command, "path": parsed.path, "authorization": self.headers.get("Authorization"),
            "form": urllib.parse.parse_qs(data if data is not None else parsed.query, strict_parsing=True)}), flush=True)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def do_GET(self): self.answer(None)
    def do_POST(self):
        assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
        self.answer(self.rfile.read(int(self.headers["Content-Length"])).decode("ascii"))
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
if len(sys.argv) > 1:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1] + "/server.pem", sys.argv[1] + "/server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
"#;

/// A server that ends with this.
pub(crate) struct PythonServer {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    pub(crate) port: u16,
}

impl PythonServer {
    /// Over TLS, with the certificate in this folder.
    pub(crate) fn start(certificates: Option<&Path>) -> Self {
        let mut command = Command::new("python3");
        command.arg("-").args(certificates).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3");
        child.stdin.take().unwrap().write_all(SERVER.as_bytes()).unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().expect("the port").unwrap().parse().unwrap();
        Self { child, lines, port }
    }

    pub(crate) fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }
}

impl Drop for PythonServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn offer_and_check(server: &mut PythonServer, builder: impl Fn() -> HttpHandlerBuilder) {
    for (method, name) in [(Method::Get, "GET"), (Method::Post, "POST")] {
        let failures = FailureLog::new();
        let handler = builder().method(method).credentials("foo", "bar").on_failure(failures.clone()).build().unwrap();
        for message in ["späm", "100 % & more = + ~ 'quoted'\n\u{0}"] {
            let record = Record::builder().target("http").message(message).span("test_output", "http", []).build();
            handler.handle(&record.as_record()).unwrap();
            flush(&handler);
            assert!(failures.is_empty(), "{failures:?}");
            let seen = server.next();
            assert_eq!((&seen["method"], &seen["path"]), (&name.into(), &"/frob".into()));
            assert_eq!(seen["authorization"], "Basic Zm9vOmJhcg==");
            assert_eq!(seen["form"]["name"], serde_json::json!(["http"]));
            assert_eq!(seen["form"]["funcName"], serde_json::json!(["test_output"]));
            assert_eq!(seen["form"]["msg"], serde_json::json!([message]));
        }
    }
}

/// What CPython tests of its handler, under its name.
#[allow(non_snake_case, reason = "the name is Python's")]
mod HTTPHandlerTest {
    use super::*;

    #[test]
    fn test_output() {
        let mut server = PythonServer::start(None);
        let url = format!("http://localhost:{}/frob", server.port);
        offer_and_check(&mut server, || HttpHandler::builder(&url));
    }

    #[cfg(feature = "tls")]
    #[test]
    fn test_output_over_tls() {
        let folder = tempfile::tempdir().unwrap();
        certificates::make(folder.path());
        let authority = certificates::read(folder.path(), "ca.pem");
        let mut server = PythonServer::start(Some(folder.path()));
        let url = format!("https://localhost:{}/frob", server.port);
        let tls = || tracing_handlers_http::Tls::new().ca_pem(&authority).unwrap();
        offer_and_check(&mut server, || HttpHandler::builder(&url).tls(tls()));
    }
}

#[cfg(feature = "tls")]
#[test]
fn whoever_is_not_trusted_or_bears_another_name_gets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    certificates::make(folder.path());
    let authority = certificates::read(folder.path(), "ca.pem");
    let server = PythonServer::start(Some(folder.path()));
    let url = format!("https://localhost:{}/frob", server.port);
    let tls = || tracing_handlers_http::Tls::new().ca_pem(&authority).unwrap();
    for (url, tls) in [(url.clone(), tracing_handlers_http::Tls::new()), (url.replace("localhost", "127.0.0.1"), tls())] {
        let failures = FailureLog::new();
        let handler = HttpHandler::builder(url).tls(tls).on_failure(failures.clone()).build().unwrap();
        handler.handle(&tracing_handlers_testing::record("secret").as_record()).unwrap();
        crate::statuses::wait_until(&handler, || handler.status().last_error.is_some());
        let told = handler.status().last_error.unwrap();
        assert!(told.contains("certificate") && handler.stats().delivered == 0, "{told}");
    }
}

#[test]
fn a_method_that_is_neither_get_nor_post_cannot_be_said() {
    // Python: `HTTPHandler(…, method='PUT')` raises ValueError. Here there is no such value; a GET with a body is refused.
    assert!(
        HttpHandler::builder("http://localhost/").body(tracing_handlers_http::Body::Json).method(Method::Get).build().is_err()
    );
}
