//! stub
/// stub
#[derive(Debug)]
pub struct Pattern;
