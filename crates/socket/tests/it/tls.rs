//! TLS, with a receiver of CPython's `ssl`.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tracing_handlers_core::{Deadline, Handler};
use tracing_handlers_socket::{ConnectionState, Encoding, Retry, SocketHandler, Tls};
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::{FailureLog, certificates, comes_true, record};

use crate::python::{Python, Seen};

/// A peer with a certificate for `localhost`, its port, and the folder of the authority.
fn server() -> (Python, u16, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    certificates::make(folder.path());
    let [certificate, key] = ["server.pem", "server.key"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    let (python, port) = Python::receive_with(&["tls", "0", &certificate, &key]);
    (python, port, folder)
}

/// Trusts the authority in this folder.
fn trusting(folder: &Path) -> Tls {
    Tls::new().ca_pem(&certificates::read(folder, "ca.pem")).unwrap()
}

fn handler(host: &str, port: u16, tls: Tls) -> SocketHandler {
    let builder = SocketHandler::builder().tcp(host, port).tls(tls).encoding(Encoding::Pickle).on_failure(FailureLog::new());
    builder.retry(Retry::new(Duration::from_millis(5)).max(Duration::from_millis(50))).build().unwrap()
}

/// All of a hundred records arrive.
fn is_trusted(host: &str, tls: impl Fn(&Path) -> Tls) {
    let (mut python, port, folder) = server();
    let handler = handler(host, port, tls(folder.path()));
    (0..100).for_each(|n| handler.handle(&record(n.to_string()).as_record()).unwrap());
    let seen = python.take(100);
    handler.close(PATIENCE.into()).unwrap();
    let numbers: Vec<_> = seen.iter().map(Seen::message).collect();
    assert_eq!(numbers, (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
    assert!(python.rest().is_empty());
}

/// Nothing is sent: the record waits, and the status says why.
fn is_refused(host: &str, tls: impl Fn(&Path) -> Tls) {
    let (python, port, folder) = server();
    let handler = handler(host, port, tls(folder.path()));
    handler.handle(&record("secret").as_record()).unwrap();
    while handler.status().failures == 0 {
        handler.flush(Deadline::after(Duration::from_millis(10))).unwrap_err();
    }
    assert_eq!((handler.stats().delivered, handler.stats().pending), (0, 1));
    let error = handler.status().last_error.unwrap();
    assert!(error.contains("connect to tls://") && error.contains("certificate"), "{error}");
    drop(handler);
    assert!(python.rest().is_empty());
}

#[test]
fn a_peer_with_a_certificate_of_an_authority_that_was_given_gets_everything() {
    is_trusted("localhost", trusting);
}

#[test]
fn the_name_in_a_certificate_may_be_another_one_if_that_is_said() {
    is_trusted("127.0.0.1", |folder| trusting(folder).only_given_authorities().server_name("localhost"));
}

#[test]
fn a_peer_of_an_authority_that_nobody_knows_gets_nothing() {
    is_refused("localhost", |_| Tls::new());
}

#[test]
fn a_peer_with_the_certificate_of_another_gets_nothing() {
    is_refused("127.0.0.1", trusting);
}

#[test]
fn any_certificate_will_do_for_who_says_that_it_is_dangerous() {
    is_trusted("127.0.0.1", |_| Tls::new().dangerously_accept_any_certificate());
}

#[test]
fn a_local_socket_has_no_tls() {
    let refused = SocketHandler::builder().unix("/nowhere").tls(Tls::new()).build().unwrap_err().to_string();
    assert!(refused.contains("`tls`") && refused.contains("over TCP"), "{refused}");
}

/// One that takes the connection and says nothing of TLS is not connected with yet.
#[test]
fn the_state_of_a_connection_is_connected_once_hands_are_shaken() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let handler = handler("localhost", silent.local_addr().unwrap().port(), Tls::new());
    handler.handle(&record("secret").as_record()).unwrap();
    let peer = silent.accept().unwrap();
    wait_for(&handler, ConnectionState::Connecting);
    drop((peer, silent));
    wait_for(&handler, ConnectionState::Waiting);

    let (mut python, port, folder) = server();
    let handler = self::handler("localhost", port, trusting(folder.path()));
    assert_eq!(handler.status().connection, ConnectionState::Disconnected);
    handler.handle(&record("hello").as_record()).unwrap();
    wait_for(&handler, ConnectionState::Connected);
    assert_eq!(python.take(1)[0].message(), "hello");
    handler.close(PATIENCE.into()).unwrap();
    assert_eq!(handler.status().connection, ConnectionState::Closed);
}

fn wait_for(handler: &SocketHandler, state: ConnectionState) {
    assert!(comes_true(|| handler.status().connection == state), "{:?}", handler.status());
}
