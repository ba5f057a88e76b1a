//! Who may come, until the receiver is to stop.

use std::io;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tracing_handlers_core::Error;

use crate::connection::{Open, pause, stopped};
use crate::intake::Intake;
use crate::listen::BACKLOG;
use crate::stats::add;
use crate::stream::{Accepted, Stream};
#[cfg(feature = "tls")]
use crate::tls::TlsIdentity;

/// Who connects to a path has no address.
#[cfg(unix)]
const LOCAL: &str = "a local connection";

pub(crate) enum Listener {
    Tcp(TcpListener),
    #[cfg(feature = "tls")]
    Tls(TcpListener, TlsIdentity),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Listener {
    async fn accept(&self) -> io::Result<(Accepted, String)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, from) = listener.accept().await?;
                Ok((Accepted::Clear(Stream::Tcp(stream)), from.to_string()))
            }
            #[cfg(feature = "tls")]
            Self::Tls(listener, identity) => {
                let (stream, from) = listener.accept().await?;
                Ok((Accepted::Tls(stream, identity.clone()), from.to_string()))
            }
            #[cfg(unix)]
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((Accepted::Clear(Stream::Unix(stream)), LOCAL.to_owned()))
            }
        }
    }

    /// Accepts connections until it is to stop, and waits for them then.
    pub(crate) async fn serve(self, intake: Intake, places: Arc<Semaphore>, mut stop: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        let open = |accepted: (Accepted, String), stop: &watch::Receiver<bool>, connections: &mut JoinSet<()>| {
            let (accepted, from) = accepted;
            add(&intake.counters.connections, 1);
            match Arc::clone(&places).try_acquire_owned() {
                Ok(place) => {
                    let open = Open::new(intake.clone(), from, place);
                    connections.spawn(open.serve(accepted, stop.clone()));
                }
                Err(_) => turn_away(&intake, &from),
            }
        };
        loop {
            let accepted = tokio::select! {
                () = stopped(&mut stop) => break,
                accepted = self.accept() => accepted,
                Some(_) = connections.join_next() => continue,
            };
            match accepted {
                Ok(accepted) => open(accepted, &stop, &mut connections),
                Err(error) => {
                    intake.reporter.note(Error::io("accept a connection", error));
                    pause(&mut stop).await;
                }
            }
        }
        match self.backlog() {
            Ok(waiting) => waiting.into_iter().for_each(|accepted| open(accepted, &stop, &mut connections)),
            Err(error) => drop(intake.reporter.note(Error::io("accept the last connections", error))),
        }
        while connections.join_next().await.is_some() {}
    }

    /// Those that have connected, and perhaps sent and gone, and were not accepted yet. The system is asked itself: on a busy machine the runtime
    /// may not have looked since they came.
    fn backlog(self) -> io::Result<Vec<(Accepted, String)>> {
        match self {
            Self::Tcp(listener) => tcp_backlog(listener, |stream| Accepted::Clear(Stream::Tcp(stream))),
            #[cfg(feature = "tls")]
            Self::Tls(listener, identity) => tcp_backlog(listener, |stream| Accepted::Tls(stream, identity.clone())),
            #[cfg(unix)]
            Self::Unix(listener) => {
                let listener = listener.into_std()?;
                all_that_wait(|| {
                    let (stream, _) = listener.accept()?;
                    stream.set_nonblocking(true)?;
                    Ok((Accepted::Clear(Stream::Unix(UnixStream::from_std(stream)?)), LOCAL.to_owned()))
                })
            }
        }
    }
}

fn tcp_backlog(listener: TcpListener, accepted: impl Fn(TcpStream) -> Accepted) -> io::Result<Vec<(Accepted, String)>> {
    let listener = listener.into_std()?;
    all_that_wait(|| {
        let (stream, from) = listener.accept()?;
        stream.set_nonblocking(true)?;
        Ok((accepted(TcpStream::from_std(stream)?), from.to_string()))
    })
}

/// Those that a listener has which does not wait.
fn all_that_wait<T>(mut next: impl FnMut() -> io::Result<T>) -> io::Result<Vec<T>> {
    let mut waiting = Vec::new();
    while waiting.len() < BACKLOG {
        match next() {
            Ok(accepted) => waiting.push(accepted),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            // It was gone before it was accepted.
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted) => {}
            Err(error) if waiting.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    Ok(waiting)
}

fn turn_away(intake: &Intake, from: &str) {
    add(&intake.counters.turned_away, 1);
    add(&intake.counters.closed, 1);
    intake.reporter.note(Error::full(format!("accept {from}: as many connections as allowed are open")));
}

#[cfg(test)]
mod tests {
    use std::net;

    use super::*;

    /// The runtime has not looked at the socket once.
    #[test]
    fn who_connected_is_found_before_the_runtime_looks() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let callers = [(); 3].map(|()| net::TcpStream::connect(address).unwrap());
            let found: Vec<_> = Listener::Tcp(listener).backlog().unwrap().into_iter().map(|(_, from)| from).collect();
            assert_eq!(found, callers.map(|caller| caller.local_addr().unwrap().to_string()));
        });
    }

    #[test]
    fn one_that_was_gone_keeps_nobody_else_out() {
        let mut steps =
            vec![Ok(1), Err(io::ErrorKind::ConnectionAborted), Ok(2), Err(io::ErrorKind::WouldBlock), Ok(3)].into_iter();
        assert_eq!(all_that_wait(|| Ok(steps.next().unwrap()?)).unwrap(), [1, 2]);
    }

    #[test]
    fn a_listener_that_fails_is_told_of_unless_it_brought_somebody() {
        let mut steps = vec![Ok(1), Err(io::ErrorKind::Other), Err(io::ErrorKind::Other)].into_iter();
        let mut next = || Ok(steps.next().unwrap()?);
        assert_eq!(all_that_wait(&mut next).unwrap(), [1]);
        assert!(all_that_wait(next).is_err());
    }
}
