//! What stands in a mail (pure).

pub(crate) mod frame;
mod html;
pub(crate) mod mail;
pub mod subject;
