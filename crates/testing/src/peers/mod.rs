//! Peers on loopback that keep what they get, go away and come back, for the handlers that send.
//!
//! ```
//! use std::net::UdpSocket;
//! use tracing_handlers_testing::peers::UdpPeer;
//!
//! let peer = UdpPeer::new(<[u8]>::to_vec);
//! UdpSocket::bind("127.0.0.1:0")?.send_to(b"hello", peer.address)?;
//! assert_eq!(peer.arrived.at_least(1), [b"hello"]);
//! # Ok::<(), std::io::Error>(())
//! ```

mod arrived;
mod datagrams;
mod port;
mod streams;
mod subject;

pub use self::arrived::{Arrived, Paced};
#[cfg(unix)]
pub use self::datagrams::UnixDatagramPeer;
pub use self::datagrams::{Payload, UdpPeer, udp_socket_to_come_back_to};
pub use self::port::{Port, listen_on};
pub use self::streams::{Address, Framing, StreamPeer};
pub use self::subject::{Peer, PeerSubject};
