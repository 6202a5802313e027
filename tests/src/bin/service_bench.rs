//! Measures the service: see `tocsin_tests::service_bench`. `cargo xtask bench service` builds and runs it.
//!
//! `service_bench [--policies N] [--round MS] [--events N] [--soak MINUTES] [--only PART,…]`: N policies in the database
//! (10,000), reads in rounds of so many milliseconds (2,000), N events for each webhook endpoint (3,000), so many minutes
//! of everything at once (1); the parts are `reads`, `writes`, `webhooks` and `soak`. Ends with a failure where a
//! target is missed.

use std::process::ExitCode;

use tocsin_tests::service_bench::{beside, report};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        // What the report runs in processes of their own.
        ["serve", config, address] => beside::serve(config, address, say).await,
        ["bare", file] => beside::bare(file, say).await,
        ["sink"] => beside::sink(say).await,
        options => match report::Options::read(options) {
            Ok(options) => report::run(&options, say).await,
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

#[expect(clippy::print_stdout, reason = "it was asked for figures")]
fn say(text: &str) {
    println!("{text}");
}
