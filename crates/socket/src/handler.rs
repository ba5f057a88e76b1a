//! `SocketHandler` and `DatagramHandler`.

use tracing_handlers_core::HandlerLayer;
use tracing_handlers_delivery::{Delivery, delivery_handler};

use crate::builder::{DatagramHandlerBuilder, SocketHandlerBuilder};

/// Sends records over a connection: Python's `SocketHandler`.
///
/// ```
/// use std::io::Read;
/// use std::net::TcpListener;
/// use tracing_handlers_core::{Deadline, Handler, Record};
/// use tracing_handlers_socket::SocketHandler;
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let handler = SocketHandler::builder().tcp("127.0.0.1", listener.local_addr()?.port()).build()?;
/// let record = Record::builder().message("hello").build();
/// handler.handle(&record.as_record())?;
/// handler.flush(Deadline::after(std::time::Duration::from_secs(5)))?;
///
/// let (mut connection, _) = listener.accept()?;
/// let mut length = [0; 4];
/// connection.read_exact(&mut length)?;
/// let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
/// connection.read_exact(&mut bytes)?;
/// assert_eq!(bytes, record.as_bytes());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Delivered is what the kernel took: whether the peer reads it nobody says.
#[derive(Debug)]
pub struct SocketHandler {
    pub(crate) delivery: Delivery,
}

/// A [`SocketHandler`] as a layer.
pub type SocketLayer = HandlerLayer<SocketHandler>;

/// Sends each record as a datagram: Python's `DatagramHandler`.
///
/// ```
/// use std::net::UdpSocket;
/// use tracing_handlers_core::{Handler, Record};
/// use tracing_handlers_socket::{DatagramHandler, Encoding};
///
/// let receiver = UdpSocket::bind("127.0.0.1:0")?;
/// let port = receiver.local_addr()?.port();
/// let handler = DatagramHandler::builder().udp("127.0.0.1", port).encoding(Encoding::JsonLines).build()?;
/// handler.handle(&Record::builder().message("hello").build().as_record())?;
///
/// let mut datagram = [0; 1000];
/// let length = receiver.recv(&mut datagram)?;
/// assert!(String::from_utf8_lossy(&datagram[..length]).contains(r#""message":"hello""#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Delivered is what the kernel took. A record that is too large for a datagram (65,507 bytes over UDP) is dropped, counted and reported.
#[derive(Debug)]
pub struct DatagramHandler {
    pub(crate) delivery: Delivery,
}

/// A [`DatagramHandler`] as a layer.
pub type DatagramLayer = HandlerLayer<DatagramHandler>;

impl SocketHandler {
    /// A builder of one. It needs to be told where to: `tcp`, `unix` or `tls`.
    pub fn builder() -> SocketHandlerBuilder {
        SocketHandlerBuilder::new()
    }
}

impl DatagramHandler {
    /// A builder of one. It needs to be told where to: `udp` or `unix`.
    pub fn builder() -> DatagramHandlerBuilder {
        DatagramHandlerBuilder::new()
    }
}

delivery_handler!(SocketHandler);
delivery_handler!(DatagramHandler);
