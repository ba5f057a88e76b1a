//! Memory in front of another handler.

use std::path::Path;

use tracing_handlers::format::Text;
use tracing_handlers::{Error, FileHandler, MemoryHandler};
use tracing_subscriber::filter::LevelFilter;

use crate::{BoxedLayer, Output, Stop};

pub(crate) fn stops(folder: &Path) -> Result<Vec<(Stop, BoxedLayer)>, Error> {
    let folder = folder.join("memory");
    let file = FileHandler::builder(folder.join("app.log")).format(Text::new()).build()?;
    let layer = MemoryHandler::builder(1_000).target(file).layer()?;
    let setting = "1,000 records or an ERROR, then to a file";
    Ok(vec![Stop::new("MemoryHandler", setting, LevelFilter::DEBUG, layer, Output::Folder(folder))])
}
