//! A stage for payout services in other languages: see `tocsin_tests::payout_stage`.
//!
//! `payout_stage NODE`: sets it up with NODE (the `node` program of this package), writes one line of JSON that says where
//! everything is, and ends when its standard input does.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use tocsin_auth::Environment;
use tocsin_tests::payout_stage::PayoutStage;
use tocsin_tests::signed::{SignedApi, settings};

#[tokio::main]
async fn main() -> ExitCode {
    let Some(node) = std::env::args().nth(1).map(PathBuf::from) else {
        return ExitCode::FAILURE;
    };
    let stage = PayoutStage::set(&node).await;
    let mut described = stage.described().await;
    let signed = SignedApi::serve(settings(Environment::Test)).await;
    if let Some(told) = described.as_object_mut() {
        signed.tick();
        told.insert("signed".to_owned(), signed.described().await);
    }
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{described}")
        .and_then(|()| out.flush())
        .is_err()
    {
        return ExitCode::FAILURE;
    }
    drop(out);
    // Anvil and the node are processes of their own; the API whose callers sign serves from this one's other threads.
    match std::io::copy(&mut std::io::stdin(), &mut std::io::sink()) {
        Ok(_) => ExitCode::SUCCESS,
        Err(_broken) => ExitCode::FAILURE,
    }
}
