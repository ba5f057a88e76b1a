//! The handler that posts records to a collector of logs.

use servers::Collector;
use tracing_handlers::HttpHandler;
use tracing_handlers::http::Body;
use tracing_subscriber::filter::LevelFilter;

use crate::{BoxedLayer, Output, Result, Stop};

pub(crate) fn stops() -> Result<Vec<(Stop, BoxedLayer)>> {
    let collector = Collector::start()?;
    let layer = HttpHandler::builder(collector.url()).body(Body::JsonLines).capacity(20_000).layer()?;
    let setting = "JSON lines, to a collector";
    Ok(vec![Stop::new("HttpHandler", setting, LevelFilter::TRACE, layer, Output::Collector(collector))])
}
