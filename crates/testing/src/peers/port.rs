//! A port that stays the test's own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use tokio::net::TcpSocket;
use tokio::runtime::{Builder, Runtime};

/// A port of this test's own, also while nobody listens there: a socket that is bound and does not listen keeps it.
pub struct Port {
    runtime: Runtime,
    kept: TcpSocket,
}

impl Port {
    /// One that is free.
    pub fn reserve() -> Self {
        Self { runtime: runtime(), kept: bound(0) }
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.kept.local_addr().unwrap().port()
    }

    /// Listens there.
    pub fn listen(&self) -> TcpListener {
        let _entered = self.runtime.enter();
        accepting(self.number())
    }
}

/// Listens on a port that another process of this test keeps.
pub fn listen_on(port: u16) -> TcpListener {
    let runtime = runtime();
    let _entered = runtime.enter();
    accepting(port)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_io().build().unwrap()
}

fn accepting(port: u16) -> TcpListener {
    let listener = bound(port).listen(128).unwrap().into_std().unwrap();
    listener.set_nonblocking(false).unwrap();
    listener
}

fn bound(port: u16) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap();
    socket
}
