//! The server as a program.
//!
//! `replay_server BLOCKS [AT_START EVERY_MS [ADDRESS]]`: serves BLOCKS blocks of ten logs, AT_START of them at once (all) and
//! another one in every EVERY_MS milliseconds, over HTTP and WebSocket at ADDRESS (`127.0.0.1:0`), and says on standard output
//! where. The path of the URL is the chain id.

use std::net::SocketAddr;
use std::str::FromStr;

use super::{Plan, ReplayServer};

/// Runs the server with these arguments, without end.
pub async fn run(arguments: impl IntoIterator<Item = String>) -> Result<(), String> {
    let mut arguments = arguments.into_iter();
    let blocks = read(arguments.next().ok_or("BLOCKS is missing")?)?;
    let mut plan = Plan::finished(blocks);
    if let Some(at_start) = arguments.next() {
        plan.at_start = read(at_start)?;
        let every_ms = arguments.next().ok_or("EVERY_MS is missing")?;
        plan.every_ms = Some(read(every_ms)?);
    }
    let address = arguments.next().unwrap_or("127.0.0.1:0".to_owned());
    let address: SocketAddr = read(address)?;
    let mut server = ReplayServer::start(plan, address).await;
    say(&format!("Listening on {}", server.url(1)));
    server.ended().await;
    Ok(())
}

fn read<T: FromStr>(text: String) -> Result<T, String> {
    text.parse().map_err(|_other| {
        format!("`{text}`: usage: replay_server BLOCKS [AT_START EVERY_MS [ADDRESS]]")
    })
}

#[expect(clippy::print_stdout, reason = "whoever starts it waits for this line")]
fn say(text: &str) {
    println!("{text}");
}
