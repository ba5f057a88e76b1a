//! Builds a `StreamHandler`.

use std::sync::{Arc, Mutex};

use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::format::Text;
use tracing_handlers_core::{Error, Format, HandlerLayer, OnFailure, Stats};

use crate::block::Block;
use crate::handler::{BoxedStream, Stream, StreamHandler, StreamLayer};

/// Builds a [`StreamHandler`].
///
/// | setting | default |
/// |---|---|
/// | [`format`](Self::format) | [`Text`] |
/// | [`terminator`](Self::terminator) | line feed |
/// | [`on_failure`](Self::on_failure) | a rate-limited line on stderr |
#[must_use]
pub struct StreamHandlerBuilder {
    name: &'static str,
    stream: BoxedStream,
    takes_blocks: bool,
    format: Box<dyn Format>,
    terminator: Vec<u8>,
    on_failure: Option<Arc<dyn OnFailure>>,
}

impl StreamHandlerBuilder {
    pub(crate) fn new(name: &'static str, stream: BoxedStream) -> Self {
        let (format, terminator) = (Box::new(Text::new()), b"\n".to_vec());
        Self { name, stream, takes_blocks: false, format, terminator, on_failure: None }
    }

    /// The stream does not care where one write ends and the next begins.
    pub(crate) fn in_blocks(mut self) -> Self {
        self.takes_blocks = true;
        self
    }

    /// How records are written; [`Text`](tracing_handlers_core::format::Text) by default.
    pub fn format(mut self, format: impl Format) -> Self {
        self.format = Box::new(format);
        self
    }

    /// What ends each record; a line feed by default.
    pub fn terminator(mut self, terminator: impl Into<Vec<u8>>) -> Self {
        self.terminator = terminator.into();
        self
    }

    /// Who is told of failures; a rate-limited line on stderr by default.
    pub fn on_failure(mut self, hook: impl OnFailure) -> Self {
        self.on_failure = Some(Arc::new(hook));
        self
    }

    /// The handler.
    ///
    /// # Errors
    ///
    /// None today; the signature is that of every builder.
    pub fn build(self) -> Result<StreamHandler, Error> {
        let Self { name, stream, takes_blocks, format, terminator, on_failure } = self;
        let spare = Block::default();
        let stream = Mutex::new(Stream { out: stream, takes_blocks, spare, is_closed: false, stats: Stats::new() });
        Ok(StreamHandler { format, terminator, reporter: Reporter::new(name, on_failure), stream })
    }

    /// The handler as a layer.
    ///
    /// # Errors
    ///
    /// Those of [`build`](Self::build).
    pub fn layer(self) -> Result<StreamLayer, Error> {
        let hook = self.on_failure.clone();
        Ok(HandlerLayer::with_hook(self.build()?, hook))
    }
}
