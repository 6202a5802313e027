//! A synthetic chain, served fast: see `tocsin_tests::replay::program`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let _no_collector = tocsin::telemetry::start(false, None);
    match tocsin_tests::replay::program::run(std::env::args().skip(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            tracing::error!("{problem}");
            ExitCode::FAILURE
        }
    }
}
