//! Measures the reading of chains: see `tocsin_tests::chain_bench`. `cargo xtask bench chain` builds and runs it.
//!
//! `chain_bench [--blocks N] [--chains N] [--seconds N] [--mined N] [--only PART,…]`: N blocks of ten logs for the backfills
//! (100,000), N chains side by side (50) for so many seconds (20), N blocks mined one by one (100); the parts are `read`,
//! `store`, `latency` and `chains`.

use std::process::ExitCode;

use serde::Serialize;
use tocsin_tests::chain_bench::backfill::{self, Kind};
use tocsin_tests::chain_bench::{bare, many, report, stored};
use tocsin_tests::{node, replay};
use url::Url;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        // What the report runs in processes of their own.
        ["measure", what, rest @ ..] => measure(what, rest).await,
        ["replay", ..] => replay::program::run(arguments.into_iter().skip(1)).await,
        ["node", ..] => node::run(arguments.into_iter().skip(1)).await,
        options => match report::Options::read(options) {
            Ok(options) => {
                report::run(&options, say).await;
                Ok(())
            }
            Err(problem) => Err(problem),
        },
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            say(&problem);
            ExitCode::FAILURE
        }
    }
}

async fn measure(what: &str, arguments: &[&str]) -> Result<(), String> {
    let [kind, url, size, rest @ ..] = arguments else {
        return Err("usage: measure WHAT KIND URL SIZE [SECONDS]".to_owned());
    };
    let url: Url = url.parse().map_err(|error| format!("{url}: {error}"))?;
    let number = |text: &str| text.parse().map_err(|error| format!("{text}: {error}"));
    let size = number(size)?;
    match (what, rest) {
        ("bare", []) => tell(&bare::read(&url, kind_of(kind)?, size).await),
        ("reader", []) => tell(&backfill::read(&url, kind_of(kind)?, size).await),
        ("stored", []) => tell(&stored::read(&url, kind_of(kind)?, size).await),
        ("chains", [seconds]) => {
            tell(&many::watch(&url, kind_of(kind)?, size, number(seconds)?).await)
        }
        _ => Err(format!("nothing is measured by `{what}`")),
    }
}

fn kind_of(text: &str) -> Result<Kind, String> {
    match text {
        "bloom" => Ok(Kind::Bloom),
        "receipts" => Ok(Kind::Receipts),
        _ => Err(format!("`{text}` is neither bloom nor receipts")),
    }
}

/// To the report that asked.
fn tell(measured: &impl Serialize) -> Result<(), String> {
    say(&serde_json::to_string(measured).map_err(|error| error.to_string())?);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it was asked for figures")]
fn say(text: &str) {
    println!("{text}");
}
