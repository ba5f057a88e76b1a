//! What stands in a mail (pure).

pub(crate) mod frame;
pub(crate) mod mail;
pub mod subject;
