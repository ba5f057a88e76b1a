//! The end of a process: what waits is sent, without any guard.

use std::process::Command;

use tracing_handlers_core::Handler;
use tracing_handlers_socket::SocketHandler;
use tracing_handlers_testing::peers::StreamPeer;
use tracing_handlers_testing::record;

use crate::frames::FRAMES;

const PORT: &str = "TRACING_HANDLERS_SOCKET_EXIT_PORT";
const RECORDS: usize = 1_000;

/// The part of the child: in any other process it does nothing.
#[test]
fn child_that_logs_and_exits() {
    let Ok(port) = std::env::var(PORT) else { return };
    let handler = SocketHandler::builder().tcp("127.0.0.1", port.parse().unwrap()).build().unwrap();
    (0..RECORDS).for_each(|n| handler.handle(&record(n.to_string()).as_record()).unwrap());
    std::process::exit(0);
}

/// On Windows `process::exit` is `ExitProcess`, which runs no hook of C.
#[cfg(unix)]
#[test]
fn a_process_that_exits_at_once_sends_what_waits() {
    let peer = StreamPeer::tcp(FRAMES);
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "exit::child_that_logs_and_exits", "--test-threads=1"])
        .env(PORT, peer.address.port().to_string())
        .output()
        .unwrap();
    assert!(child.status.success(), "{child:?}");
    assert_eq!(peer.arrived.at_least(RECORDS).len(), RECORDS);
}
