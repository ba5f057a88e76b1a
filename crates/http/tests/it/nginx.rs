//! nginx: TLS, Basic authentication, sizes it refuses, connections that it closes under us.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tracing_handlers_core::{DropReason, Handler};
use tracing_handlers_http::HttpHandler;
use tracing_handlers_testing::{FailureLog, comes, record};

use crate::statuses::{flush, lines_to, wait_until};

/// An nginx of our own, which ends with this.
struct Nginx {
    child: Child,
    folder: TempDir,
    port: u16,
    /// Where it speaks TLS, if it is told to.
    #[cfg(all(feature = "tls", feature = "gzip"))]
    tls_port: u16,
}

impl Nginx {
    fn start() -> Self {
        Self::start_with("", |_| {})
    }

    /// With more in its configuration, and in its folder.
    fn start_with(more: &str, prepare: impl Fn(&Path)) -> Self {
        // Somebody may take the port before nginx does: then another.
        (0..10).find_map(|_| Self::try_start(more, &prepare)).expect("nginx starts")
    }

    fn try_start(more: &str, prepare: &impl Fn(&Path)) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [port, tls_port] = listeners.map(|listener| listener.local_addr().unwrap().port());
        let configuration = include_str!("../data/nginx.conf").replace("$MORE", more);
        let configuration = configuration.replace("$TLS_PORT", &tls_port.to_string()).replace("$PORT", &port.to_string());
        let configuration = configuration.replace("$D", folder.path().to_str().unwrap());
        fs::write(folder.path().join("nginx.conf"), configuration).unwrap();
        prepare(folder.path());
        // `user:secret`
        fs::write(folder.path().join("htpasswd"), "user:{PLAIN}secret\n").unwrap();
        let mut command = Command::new(program());
        command.arg("-p").arg(folder.path()).arg("-c").arg(folder.path().join("nginx.conf"));
        command.arg("-e").arg(folder.path().join("error.log"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("nginx");
        loop {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(Self {
                    child,
                    folder,
                    port,
                    #[cfg(all(feature = "tls", feature = "gzip"))]
                    tls_port,
                });
            }
            if child.try_wait().unwrap().is_some() {
                let told = fs::read_to_string(folder.path().join("error.log")).unwrap_or_default();
                assert!(told.contains("Address already in use"), "nginx does not start: {told}");
                return None;
            }
            std::thread::yield_now();
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What nginx writes of each request, once it is done with so many: after it has answered.
    fn log(&self, count: usize) -> Vec<Value> {
        let text = || fs::read_to_string(self.folder.path().join("access.json")).unwrap();
        let enough = comes(|| {
            let text = text();
            let whole: Vec<_> = text.split_inclusive('\n').filter(|line| line.ends_with('\n')).collect();
            (whole.len() >= count).then(|| whole.into_iter().map(|line| serde_json::from_str(line).unwrap()).collect())
        });
        enough.unwrap_or_else(|| panic!("{}", text()))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its worker ends when it sees that its master is gone, which a kill alone would not tell it.
        Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().ok();
        self.child.wait().ok();
    }
}

/// Distributions put it where only root looks.
fn program() -> &'static str {
    ["/usr/sbin/nginx", "/usr/local/sbin/nginx"].into_iter().find(|path| Path::new(path).exists()).unwrap_or("nginx")
}

fn offer(handler: &HttpHandler, message: &str) {
    handler.handle(&record(message).as_record()).unwrap();
    flush(handler);
}

#[test]
fn nginx_gets_the_body_over_one_connection_and_knows_the_user() {
    let (nginx, failures) = (Nginx::start(), FailureLog::new());
    let handler = lines_to(nginx.url("/auth"), &failures).credentials("user", "secret").build().unwrap();
    ["one", "späm \u{2603}", "three"].into_iter().for_each(|message| offer(&handler, message));
    assert!(failures.is_empty() && handler.stats().delivered == 3, "{failures:?}");
    let log = nginx.log(3);
    let seen: Vec<_> =
        log.iter().map(|request| (request["body"].as_str().unwrap(), request["connreq"].as_str().unwrap())).collect();
    assert_eq!(seen, [("one\n", "1"), ("späm \u{2603}\n", "2"), ("three\n", "3")]);
    assert!(log.iter().all(|request| request["user"] == "user" && request["method"] == "POST" && request["status"] == 204));
}

#[test]
fn nginx_refuses_a_wrong_password_and_the_record_waits() {
    let (nginx, failures) = (Nginx::start(), FailureLog::new());
    let handler = lines_to(nginx.url("/auth"), &failures).credentials("user", "hunter2").build().unwrap();
    handler.handle(&record("one").as_record()).unwrap();
    wait_until(&handler, || !failures.is_empty());
    assert_eq!((handler.stats().pending, failures.len()), (1, 1));
    assert!(failures.texts()[0].contains("the peer answered 401"), "{failures:?}");
    assert!(!format!("{failures:?}").contains("hunter2"));
}

#[test]
fn nginx_closes_kept_connections_under_us_and_nothing_is_lost_or_reported() {
    let (nginx, failures) = (Nginx::start(), FailureLog::new());
    // It says so with each second answer, and closes what has no request in time without a word.
    let handler = lines_to(nginx.url("/short"), &failures).build().unwrap();
    (0..30).for_each(|n| offer(&handler, &n.to_string()));
    assert!(failures.is_empty(), "{failures:?}");
    let bodies: Vec<_> = nginx.log(30).iter().map(|request| request["body"].as_str().unwrap().to_owned()).collect();
    assert_eq!(bodies, (0..30).map(|n| format!("{n}\n")).collect::<Vec<_>>());
}

#[test]
fn nginx_halves_and_refuses_and_redirects_and_drops() {
    let (nginx, failures) = (Nginx::start(), FailureLog::new());
    // More than `client_max_body_size`, together and alone.
    let handler = lines_to(nginx.url("/"), &failures).linger(crate::statuses::LONG).build().unwrap();
    for size in [300, 300, 300, 2_000] {
        handler.handle(&record("x".repeat(size)).as_record()).unwrap();
    }
    flush(&handler);
    assert_eq!((handler.stats().delivered, handler.stats().dropped_for(DropReason::Failed)), (3, 1), "{failures:?}");

    let failures = FailureLog::new();
    let handler = lines_to(nginx.url("/301"), &failures).build().unwrap();
    offer(&handler, "one");
    assert!(failures.texts()[0].contains("the peer answered 301, and redirects are not followed, to http"), "{failures:?}");

    // Closed without an answer.
    let failures = FailureLog::new();
    let handler = lines_to(nginx.url("/drop"), &failures).build().unwrap();
    handler.handle(&record("one").as_record()).unwrap();
    wait_until(&handler, || handler.status().attempts >= 3);
    assert_eq!((handler.stats().pending, failures.lost()), (1, 0));
    assert!(failures.texts()[0].contains("send to http://127.0.0.1"), "{failures:?}");
}

#[cfg(all(feature = "tls", feature = "gzip"))]
#[test]
fn nginx_hands_on_compressed_bodies_over_tls_whose_connections_it_closes_and_each_record_comes_once() {
    let (collector, failures) = (crate::server::Server::start(), FailureLog::new());
    let more = include_str!("../data/nginx-tls.conf").replace("$COLLECTOR", collector.url("").trim_start_matches("http://"));
    let nginx = Nginx::start_with(&more, tracing_handlers_testing::certificates::make);
    let authority = fs::read(nginx.folder.path().join("ca.pem")).unwrap();
    let text = |n: u32| format!("{n} {}", "späm ".repeat(300));
    for in_flight in [1, 4] {
        let before = collector.requests().len();
        let tls = tracing_handlers_http::Tls::new().ca_pem(&authority).unwrap();
        let builder = lines_to(format!("https://localhost:{}/logs", nginx.tls_port), &failures).tls(tls).gzip(true);
        let builder = builder.credentials("user", "secret").batch_records(2).in_flight(in_flight);
        let handler = builder.build().unwrap();
        for n in 0..40 {
            handler.handle(&record(text(n)).as_record()).unwrap();
            if n % 5 == 0 {
                flush(&handler);
            }
        }
        flush(&handler);
        assert!(failures.is_empty() && handler.stats().delivered == 40, "{failures:?}");
        let requests = collector.requests().split_off(before);
        assert!(requests.iter().all(|request| request.header("content-encoding") == Some("gzip") && request.path == "/logs"));
        let mut lines: Vec<_> = requests.iter().flat_map(crate::server::Request::lines).collect();
        if in_flight > 1 {
            lines.sort_by_key(|line| line.split(' ').next().unwrap().parse::<u32>().unwrap());
        }
        assert_eq!(lines, (0..40).map(text).collect::<Vec<_>>());
    }
    let log = nginx.log(collector.requests().len());
    assert!(log.iter().all(|request| request["user"] == "user" && request["status"] == 204), "{log:?}");
    assert!(log.iter().all(|request| request["connreq"].as_str().unwrap().parse::<u32>().unwrap() <= 3));
    assert!(log.iter().any(|request| request["connreq"] != "1"), "connections are kept");
}
