//! The cases of CPython 3.14's `SocketHandlerTest`, `UnixSocketHandlerTest`, `DatagramHandlerTest` and `UnixDatagramHandlerTest`, by name.

use std::time::Duration;

use tracing::{debug, error};
use tracing_handlers_core::{DropReason, Handler, HandlerLayer};
use tracing_handlers_socket::{DatagramHandler, Encoding, Retry, SocketHandler};
use tracing_handlers_testing::FailureLog;
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::peers::{Address, Port};
use tracing_handlers_testing::record;
use tracing_subscriber::prelude::*;

use crate::python::{Python, Seen};

/// `spam` and `eggs` arrive.
fn output(handler: impl Handler, python: Python) {
    let layer = HandlerLayer::new(handler);
    let handle = layer.handle();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        error!("spam");
        debug!("eggs");
    });
    let mut python = python;
    let seen = python.take(2);
    assert_eq!(seen.iter().map(Seen::message).collect::<Vec<_>>(), ["spam", "eggs"]);
    handle.close(PATIENCE).unwrap();
    assert!(python.rest().is_empty());
}

/// Against a dead peer three records are dropped, as Python drops them, by the second attempt and before it; nothing is raised.
fn noserver(handler: SocketHandler, failures: &FailureLog) {
    for n in 1..=3 {
        handler.handle(&record("not sent").as_record()).unwrap();
        handler.flush(PATIENCE.into()).unwrap();
        let stats = handler.stats();
        assert_eq!((stats.dropped_for(DropReason::Failed), stats.delivered, stats.pending), (n, 0, 0));
    }
    assert_eq!(failures.lost(), 3);
    let texts = failures.texts();
    assert!(texts[0].contains("connect to"), "the first is an attempt: {texts:?}");
    assert!(texts[1..].iter().all(|text| text.contains("too early")), "the others are not: {texts:?}");
}

/// Python's `retryStart`; nothing of the time is left to chance.
fn retry_start() -> Retry {
    Retry::new(Duration::from_millis(2_500))
}

mod socket_handler_test {
    use super::*;

    #[test]
    fn test_output() {
        let (python, port) = Python::receive("tcp", "0");
        output(SocketHandler::builder().tcp("localhost", port).encoding(Encoding::Pickle).build().unwrap(), python);
    }

    #[test]
    fn test_noserver() {
        let (port, failures) = (Port::reserve(), FailureLog::new());
        let builder = SocketHandler::builder().tcp("127.0.0.1", port.number()).retry(retry_start());
        noserver(builder.lossy_like_python(true).on_failure(failures.clone()).build().unwrap(), &failures);
    }
}

mod unix_socket_handler_test {
    use super::*;

    #[test]
    fn test_output() {
        let address = Address::Unix(tempfile::tempdir().unwrap());
        let (python, _) = Python::receive("unix", address.path().to_str().unwrap());
        output(SocketHandler::builder().unix(address.path()).encoding(Encoding::Pickle).build().unwrap(), python);
    }

    #[test]
    fn test_noserver() {
        let (address, failures) = (Address::Unix(tempfile::tempdir().unwrap()), FailureLog::new());
        let builder = SocketHandler::builder().unix(address.path()).retry(retry_start());
        noserver(builder.lossy_like_python(true).on_failure(failures.clone()).build().unwrap(), &failures);
    }
}

mod datagram_handler_test {
    use super::*;

    #[test]
    fn test_output() {
        let (python, port) = Python::receive("udp", "0");
        output(DatagramHandler::builder().udp("localhost", port).encoding(Encoding::Pickle).build().unwrap(), python);
    }
}

mod unix_datagram_handler_test {
    use super::*;

    #[test]
    fn test_output() {
        let address = Address::Unix(tempfile::tempdir().unwrap());
        let (python, _) = Python::receive("unix-datagram", address.path().to_str().unwrap());
        output(DatagramHandler::builder().unix(address.path()).encoding(Encoding::Pickle).build().unwrap(), python);
    }
}
