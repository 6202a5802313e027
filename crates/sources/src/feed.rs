//! What other providers say over HTTP becomes observations.

pub mod moment;
pub mod path;
pub mod status_map;
