//! `tocsin keys`: keys, and the epochs that they sign in.

mod generate;
mod list;
mod revoke;
mod rotate;
mod status;

use std::io::Write;

pub use generate::generate;
pub use list::list;
pub use revoke::revoke;
pub use rotate::rotate;
pub use status::status;

use crate::cli::Keys;
use crate::clock::Clock;
use crate::report::Report;

/// Does what was asked about keys.
pub async fn run(asked: Keys, clock: &dyn Clock, out: &mut dyn Write) -> Result<(), Report> {
    match asked {
        Keys::Generate {
            path,
            password_file,
        } => generate(&path, password_file.as_deref(), out),
        Keys::Rotate { config, asked } => rotate(&config, &asked, out).await,
        Keys::Revoke {
            epoch,
            config,
            sending,
        } => revoke(&config, epoch, &sending, out).await,
        Keys::List { config } => list(&config, clock, out).await,
        Keys::Status { config } => status(&config, out).await,
    }
}
