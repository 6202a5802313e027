//! The service with a clock that follows a chain: see `tocsin_tests::node`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match tocsin_tests::node::run(std::env::args().skip(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            tracing::error!("{problem}");
            ExitCode::FAILURE
        }
    }
}
