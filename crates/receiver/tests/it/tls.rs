//! TLS, with clients of ours, of CPython's `ssl` and of `openssl`.

use std::io::Write;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tracing_handlers_core::Handler;
use tracing_handlers_receiver::{Encoding, TlsIdentity};
use tracing_handlers_socket::{SocketHandler, Tls};
use tracing_handlers_testing::certificates::{self, read};
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::{python, record};

use crate::common::Running;

/// A receiver with a certificate for `localhost`, and the folder of the authority.
fn start(frame_timeout: Duration) -> (Running, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    certificates::make(folder.path());
    let identity = TlsIdentity::from_pem(&read(folder.path(), "server.pem"), &read(folder.path(), "server.key")).unwrap();
    (Running::start(|builder| builder.tls("127.0.0.1:0", identity).frame_timeout(frame_timeout)), folder)
}

#[test]
fn records_of_our_handler_arrive_over_tls() {
    let (running, folder) = start(Duration::from_secs(5));
    let tls = Tls::new().ca_pem(&read(folder.path(), "ca.pem")).unwrap();
    let handler = SocketHandler::builder().tcp("localhost", running.port()).tls(tls).build().unwrap();
    (0..1_000).for_each(|n| handler.handle(&record(n.to_string()).as_record()).unwrap());
    handler.close(PATIENCE.into()).unwrap();
    running.records(1_000);
    assert!(running.collected.lines().iter().enumerate().all(|(n, line)| *line == n.to_string()));
    let stats = running.stop();
    assert_eq!((stats.records_in(Encoding::MessagePack), stats.refused(), stats.connections), (1_000, 0, 1));
}

#[test]
fn pickles_of_cpython_arrive_over_tls() {
    let (running, folder) = start(Duration::from_secs(5));
    python::log_over_tls(running.port(), 100, Some(&folder.path().join("ca.pem")));
    running.records(100);
    assert!(running.collected.lines().iter().enumerate().all(|(n, line)| *line == format!("python {n}")));
    assert_eq!(running.stop().records_in(Encoding::Pickle), 100);
}

#[test]
fn lines_of_openssl_arrive_over_tls() {
    let (running, folder) = start(Duration::from_secs(5));
    let mut openssl = Command::new("openssl")
        .args(["s_client", "-quiet", "-verify_return_error", "-verify_hostname", "localhost"])
        .arg("-CAfile")
        .arg(folder.path().join("ca.pem"))
        .args(["-connect", &format!("127.0.0.1:{}", running.port())])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl is needed; ./tests/run installs it");
    let mut stdin = openssl.stdin.take().unwrap();
    stdin.write_all(b"{\"level\":\"INFO\",\"message\":\"by hand\"}\n").unwrap();
    running.records(1);
    assert_eq!(running.collected.lines(), ["by hand"]);
    assert_eq!(running.stop().records_in(Encoding::Json), 1);
    drop(stdin);
    openssl.kill().unwrap();
    openssl.wait().unwrap();
}

#[test]
fn who_does_not_shake_hands_is_left_in_time_and_reported() {
    let (running, _folder) = start(Duration::from_millis(50));
    let silent = TcpStream::connect(("127.0.0.1", running.port())).unwrap();
    let mut clear = TcpStream::connect(("127.0.0.1", running.port())).unwrap();
    clear.write_all(b"\0\0\0\x01{ in clear").unwrap();
    running.wait_until("two that are closed", |stats| (stats.connections, stats.open) == (2, 0));
    drop((silent, clear));
    assert!(running.failures.texts().iter().all(|text| text.contains("shake hands with 127.0.0.1")), "{:?}", running.failures);
    assert_eq!(running.stop().frames, 0);
}

#[test]
fn what_is_no_certificate_and_no_key_is_refused_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    certificates::make(folder.path());
    let [certificate, key] = ["server.pem", "server.key"].map(|name| read(folder.path(), name));
    for (certificate, key) in [(&b"nonsense"[..], &key[..]), (&certificate, b"nonsense")] {
        assert!(TlsIdentity::from_pem(certificate, key).unwrap_err().is_config());
    }
    assert_eq!(format!("{:?}", TlsIdentity::from_pem(&certificate, &key).unwrap()), "TlsIdentity { .. }");
}
