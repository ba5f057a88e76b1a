//! One connection: whether the peer has ended it, and whether that was too early.

use std::future::{pending, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::task::unconstrained;
use tokio::time::timeout;

use crate::connection::Connected;
use crate::dial::Stream;

/// One that was made.
pub(super) struct Connection {
    pub(super) stream: Box<dyn Stream>,
    /// Since there was something to lose with it.
    pub(super) youth: Youth,
    /// It counts as one.
    _connected: Connected,
}

impl Connection {
    pub(super) fn new(stream: Box<dyn Stream>, connected: Connected, youth: Youth) -> Self {
        Self { stream, youth, _connected: connected }
    }

    /// Whether the peer has closed its end, and how.
    pub(super) async fn end_so_far(&mut self) -> Option<io::Error> {
        // Lets the runtime ask the system, or an end that came meanwhile would not be seen.
        tokio::task::yield_now().await;
        poll_fn(|context| match self.poll_end(context) {
            Poll::Ready(end) => Poll::Ready(Some(end)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    /// The end of the peer, unless the connection lasts.
    pub(super) async fn end_while_young(&mut self) -> Option<io::Error> {
        poll_fn(|context| match self.poll_end(context) {
            Poll::Ready(end) => Poll::Ready(Some(end)),
            Poll::Pending => self.youth.poll_over(context).map(|()| None),
        })
        .await
    }

    /// Ready when the peer has closed its end; what it says is not for us.
    pub(super) fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let mut bytes = [0; 512];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(Ok(())) => return Poll::Ready(io::ErrorKind::UnexpectedEof.into()),
                Poll::Ready(Err(error)) => return Poll::Ready(error),
            }
        }
    }
}

/// The time within which the end of a connection is too early: a timer tells.
pub(super) struct Youth(Option<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Youth {
    pub(super) fn of(lasting: Duration) -> Self {
        // Begins now, not when it is asked first.
        let time = timeout(lasting, pending::<()>());
        // It is asked in between, where it must not say that the task has worked enough.
        let lasted = unconstrained(async { drop(time.await) });
        Self((!lasting.is_zero()).then(|| Box::pin(lasted) as _))
    }

    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(lasted) = &mut self.0 {
            ready!(lasted.as_mut().poll(context));
            self.0 = None;
        }
        Poll::Ready(())
    }

    pub(super) fn is_over(&mut self) -> bool {
        self.poll_over(&mut Context::from_waker(Waker::noop())).is_ready()
    }
}
