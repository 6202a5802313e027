//! `tocsin keys`: keys, and the epochs that they sign in.

mod generate;
mod revoke;
mod rotate;
mod status;

pub use generate::generate;
pub use revoke::revoke;
pub use rotate::rotate;
pub use status::status;
