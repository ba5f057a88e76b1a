//! From the options to the exit status.

use std::io::{Write, stderr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tracing_handlers_core::{Deadline, Error, Handler};
use tracing_handlers_receiver::{Encoding, Reason, Receiver, ReceiverBuilder, ReceiverHandle, ReceiverStats};

use crate::Options;
use crate::output::Output;

/// How long the last records may take on their way into the file.
const CLOSING: Duration = Duration::from_secs(10);

/// Receives until a signal tells it to stop, and says on stderr where it listens and what came.
pub fn run(options: &Options) -> ExitCode {
    let built = runtime().and_then(|runtime| {
        let output = Arc::new(Output::new(options)?);
        let receiver = {
            let _entered = runtime.enter();
            receiver(options, Arc::clone(&output))?
        };
        Ok((runtime, output, receiver))
    });
    let (runtime, output, receiver) = match built {
        Ok(built) => built,
        Err(error) => return told(&format!("log-receiver: {error}\n"), ExitCode::from(2)),
    };
    let handle = receiver.handle();
    let addresses = handle.local_addrs().iter().map(|address| format!("log-receiver: listens on {address}\n"));
    let listens: String = addresses.chain(["log-receiver: ready\n".to_owned()]).collect();
    let received = runtime.block_on(async {
        // Before anybody can know that it listens: a signal from then on is not missed.
        let stop = stop_on_signals(handle)?;
        told(&listens, ExitCode::SUCCESS);
        let signals = tokio::spawn(stop);
        let received = receiver.run().await;
        signals.abort();
        received
    });
    let closed = output.close(Deadline::after(CLOSING));
    match received.and_then(|stats| closed.map(|()| stats)) {
        Ok(stats) => told(&summary(&stats), ExitCode::SUCCESS),
        Err(error) => told(&format!("log-receiver: {error}\n"), ExitCode::FAILURE),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| Error::io("start a runtime", error))
}

fn receiver(options: &Options, output: Arc<Output>) -> Result<Receiver, Error> {
    let mut builder = Receiver::builder().handler(output);
    builder = options.encoding.into_iter().fold(builder, ReceiverBuilder::encoding);
    builder = options.max_frame_bytes.into_iter().fold(builder, ReceiverBuilder::max_frame_bytes);
    builder = options.max_connections.into_iter().fold(builder, ReceiverBuilder::max_connections);
    builder = options.frame_timeout.into_iter().fold(builder, ReceiverBuilder::frame_timeout);
    for place in &options.places {
        builder = listen(builder, place, options)?;
    }
    builder.build()
}

fn listen(builder: ReceiverBuilder, place: &str, options: &Options) -> Result<ReceiverBuilder, Error> {
    let refused = |why| Error::config("place", place, why);
    match place.split_once("://") {
        Some(("tcp", address)) => Ok(builder.tcp(address)),
        Some(("udp", address)) => Ok(builder.udp(address)),
        Some(("tls", address)) => tls(builder, address, options),
        #[cfg(unix)]
        Some(("unix", path)) => Ok(builder.unix(path)),
        #[cfg(unix)]
        Some(("unixgram", path)) => Ok(builder.unix_datagram(path)),
        _ => Err(refused("begins with tcp://, tls://, udp://, unix:// or unixgram://")),
    }
}

#[cfg(feature = "tls")]
fn tls(builder: ReceiverBuilder, address: &str, options: &Options) -> Result<ReceiverBuilder, Error> {
    let (Some(cert), Some(key)) = (&options.cert, &options.key) else {
        return Err(Error::config("place", format!("tls://{address}"), "wants --cert and --key"));
    };
    let read =
        |path: &std::path::Path| std::fs::read(path).map_err(|error| Error::io(format!("read {}", path.display()), error));
    let identity = tracing_handlers_receiver::TlsIdentity::from_pem(&read(cert)?, &read(key)?)?;
    Ok(builder.tls(address, identity))
}

#[cfg(not(feature = "tls"))]
fn tls(_: ReceiverBuilder, address: &str, _: &Options) -> Result<ReceiverBuilder, Error> {
    Err(Error::config("place", format!("tls://{address}"), "wants a log-receiver with the feature `tls`"))
}

/// What waits for SIGINT or SIGTERM, which do nothing else from now on.
#[cfg(unix)]
fn stop_on_signals(handle: ReceiverHandle) -> Result<impl Future<Output = ()> + Send + 'static, Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| Error::io("listen for signals", error));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        std::future::poll_fn(|context| {
            match interrupt.poll_recv(context).is_ready() || terminate.poll_recv(context).is_ready() {
                true => std::task::Poll::Ready(()),
                false => std::task::Poll::Pending,
            }
        })
        .await;
        handle.shutdown();
    })
}

#[cfg(not(unix))]
fn stop_on_signals(handle: ReceiverHandle) -> Result<impl Future<Output = ()> + Send + 'static, Error> {
    Ok(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            handle.shutdown();
        }
    })
}

/// The counters, as one line.
fn summary(stats: &ReceiverStats) -> String {
    let encodings = [("messagepack", Encoding::MessagePack), ("json", Encoding::Json), ("pickle", Encoding::Pickle)];
    let records = encodings.map(|(name, encoding)| format!("{name} {}", stats.records_in(encoding))).join(", ");
    let reasons = Reason::ALL.into_iter().filter(|reason| stats.refused_for(*reason) > 0);
    let reasons: Vec<_> = reasons.map(|reason| format!("{} {}", reason.as_str(), stats.refused_for(reason))).collect();
    let why = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
    format!(
        "log-receiver: {} connections ({} turned away), {} bytes, {} records ({records}), {} refused{why}\n",
        stats.connections,
        stats.turned_away,
        stats.bytes,
        stats.records,
        stats.refused()
    )
}

/// Whoever closed stderr does not want to know.
fn told(text: &str, code: ExitCode) -> ExitCode {
    stderr().write_all(text.as_bytes()).map_or(code, |()| code)
}
