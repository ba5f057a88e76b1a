//! TLS, with clients of ours, of CPython's `ssl` and of `openssl`. The key in `tests/data` is for nothing else.

use std::io::Write;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use tracing_handlers_core::Handler;
use tracing_handlers_receiver::{Encoding, TlsIdentity};
use tracing_handlers_socket::{SocketHandler, Tls};
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::record;

use crate::common::Running;

const AUTHORITY: &[u8] = include_bytes!("../data/ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("../data/server.pem");
const KEY: &[u8] = include_bytes!("../data/server.key");

fn start() -> Running {
    let identity = TlsIdentity::from_pem(CERTIFICATE, KEY).unwrap();
    Running::start(|builder| builder.tls("127.0.0.1:0", identity).frame_timeout(Duration::from_secs(5)))
}

fn authority() -> String {
    format!("{}/tests/data/ca.pem", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn records_of_our_handler_arrive_over_tls() {
    let running = start();
    let builder = SocketHandler::builder().tcp("localhost", running.port()).tls(Tls::new().ca_pem(AUTHORITY).unwrap());
    let handler = builder.build().unwrap();
    (0..1_000).for_each(|n| handler.handle(&record(n.to_string()).as_record()).unwrap());
    handler.close(PATIENCE.into()).unwrap();
    running.records(1_000);
    assert!(running.collected.lines().iter().enumerate().all(|(n, line)| *line == n.to_string()));
    let stats = running.stop();
    assert_eq!((stats.records_in(Encoding::MessagePack), stats.refused(), stats.connections), (1_000, 0, 1));
}

#[test]
fn pickles_of_cpython_arrive_over_tls() {
    let running = start();
    let send = r#"
import logging, logging.handlers, ssl, sys
class TlsHandler(logging.handlers.SocketHandler):
    def makeSocket(self, timeout=5):
        context = ssl.create_default_context(cafile=sys.argv[2])
        return context.wrap_socket(super().makeSocket(timeout), server_hostname="localhost")
logger = logging.getLogger("app")
logger.addHandler(TlsHandler("localhost", int(sys.argv[1])))
for n in range(100):
    logger.warning("%d", n)
logger.handlers[0].close()
"#;
    let sent = Command::new("python3").args(["-c", send, &running.port().to_string(), &authority()]).output().unwrap();
    assert!(sent.status.success(), "{sent:?}");
    running.records(100);
    assert!(running.collected.lines().iter().enumerate().all(|(n, line)| *line == n.to_string()));
    assert_eq!(running.stop().records_in(Encoding::Pickle), 100);
}

#[test]
fn lines_of_openssl_arrive_over_tls() {
    let running = start();
    let mut openssl = Command::new("openssl")
        .args(["s_client", "-quiet", "-verify_return_error", "-verify_hostname", "localhost", "-CAfile", &authority()])
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
    let identity = TlsIdentity::from_pem(CERTIFICATE, KEY).unwrap();
    let running = Running::start(|builder| builder.tls("127.0.0.1:0", identity).frame_timeout(Duration::from_millis(50)));
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
    for (certificate, key) in [(&b"nonsense"[..], KEY), (CERTIFICATE, b"nonsense")] {
        assert!(TlsIdentity::from_pem(certificate, key).unwrap_err().is_config());
    }
    assert_eq!(format!("{:?}", TlsIdentity::from_pem(CERTIFICATE, KEY).unwrap()), "TlsIdentity { .. }");
}
