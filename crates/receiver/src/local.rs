//! Local sockets are bound to paths, and stay there when their process ends: the next one takes their place.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;

pub(crate) fn listener(path: &Path) -> io::Result<UnixListener> {
    bind(path, |path| UnixListener::bind(path), |path| UnixStream::connect(path).map(drop))
}

pub(crate) fn datagrams(path: &Path) -> io::Result<UnixDatagram> {
    bind(path, |path| UnixDatagram::bind(path), |path| UnixDatagram::unbound()?.connect(path))
}

/// Binds, after a socket that nobody listens at any more was removed. Whatever else stands there stays.
fn bind<S>(path: &Path, bind: impl Fn(&Path) -> io::Result<S>, knock: impl Fn(&Path) -> io::Result<()>) -> io::Result<S> {
    let refused = match bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => error,
        done => return done,
    };
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let is_left = is_socket && knock(path).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused);
    if !is_left {
        return Err(refused);
    }
    fs::remove_file(path)?;
    bind(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_was_left_is_replaced_and_one_in_use_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let (stream, datagram) = (directory.path().join("stream"), directory.path().join("datagram"));
        drop((listener(&stream).unwrap(), datagrams(&datagram).unwrap()));
        let both = (listener(&stream).unwrap(), datagrams(&datagram).unwrap());
        assert_eq!(listener(&stream).unwrap_err().kind(), ErrorKind::AddrInUse);
        assert_eq!(datagrams(&datagram).unwrap_err().kind(), ErrorKind::AddrInUse);
        drop(both);
    }

    #[test]
    fn a_file_is_no_socket_that_was_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "precious").unwrap();
        assert_eq!(listener(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }
}
