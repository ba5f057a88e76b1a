//! Channels as queues. A sender alone is read by whoever has the receiver; a pair can be read by a `QueueListener`.

#[cfg(feature = "crossbeam-channel")]
mod crossbeam;
mod std_mpsc;
#[cfg(feature = "tokio")]
mod tokio_mpsc;
