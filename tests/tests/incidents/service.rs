//! From the attack to the evidence: the whole service watches a vault that is swept, and a stranger re-executes what it
//! signed.

use std::path::Path;
use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256};
use alloy::signers::local::PrivateKeySigner;
use serde_json::Value;
use tocsin::command::verify;
use tocsin::config::load_cover;
use tocsin_tests::anvil::{CHAIN_ID, free_port};
use tocsin_tests::life::Life;

use super::exploits;
use super::scene::{Scene, Template};

const PATIENCE: Duration = Duration::from_secs(60);

/// Nobody's.
const ATTESTOR_KEY: B256 = B256::repeat_byte(0xa9);

#[tokio::test(flavor = "multi_thread")]
async fn a_swept_vault_is_attested_and_its_evidence_can_be_executed_again() {
    let scene = Scene::set().await;
    let vault = exploits::vault(&scene).await;
    let files = scene
        .adapted("vault-share-price-fall", &[("a001", vault.address)])
        .await;
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let attestor = write(folder.path(), &files, scene.anvil.url().as_str(), port);
    let mut service = Life::of(
        env!("CARGO_BIN_EXE_node").as_ref(),
        &folder.path().join("tocsin.toml"),
        &scene.anvil.url(),
        folder.path(),
    );

    exploits::sweep(&scene, &vault).await;

    let get = async |path: &str| -> Option<Value> {
        let answer = reqwest::get(format!("http://127.0.0.1:{port}{path}")).await;
        answer.ok()?.json().await.ok()
    };
    let begun = Instant::now();
    let id = loop {
        assert!(
            service.is_running() && begun.elapsed() < PATIENCE,
            "nothing is attested"
        );
        let listed = get("/v1/attestations").await.unwrap_or_default();
        if let Some(id) = listed["attestations"][0]["id"].as_str() {
            break id.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let bundle = get(&format!("/v1/attestations/{id}/evidence"))
        .await
        .unwrap();
    let path = folder.path().join("bundle.json");
    std::fs::write(&path, serde_json::to_vec(&bundle).unwrap()).unwrap();
    let report = verify::check(&path, &[attestor]).unwrap();
    let mut said = Vec::new();
    verify::print(&report, &mut said).unwrap();
    assert!(report.is_valid(), "{}", String::from_utf8(said).unwrap());

    let sources = get("/v1/sources").await.unwrap();
    let coverage = &sources["sources"][0]["coverage"][0];
    assert_eq!(coverage["proof"], "word", "{sources}");
}

/// Writes a service that attests what happens to a policy under this template; gives the attestor.
fn write(folder: &Path, files: &Template, url: &str, port: u16) -> Address {
    let attestor = PrivateKeySigner::from_bytes(&ATTESTOR_KEY)
        .unwrap()
        .address();
    let consumer = Address::repeat_byte(0x0c);
    let file = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    file("cover.toml", &files.cover);
    file("attestor.key", &ATTESTOR_KEY.to_string());
    let terms = load_cover(&folder.join("cover.toml")).unwrap();
    file(
        "policies.toml",
        &format!(
            "[[policy]]\nnumber = \"1\"\ncover = \"{name}\"\nterms_hash = \"{hash}\"\n\
             consumer = \"eip155:{CHAIN_ID}:{consumer:#x}\"\nholder = \"{holder:#x}\"\nsum_insured = \"1000000\"\n\
             inception = \"2026-01-01T00:00:00Z\"\nexpiry = \"2027-01-01T00:00:00Z\"\n",
            name = terms.name,
            hash = terms.terms_hash,
            holder = Address::repeat_byte(0x0d),
        ),
    );
    file(
        "tocsin.toml",
        &format!(
            "database = \"tocsin.db\"\npolicies = [\"policies.toml\"]\n\n\
             [[covers]]\nfile = \"cover.toml\"\nevaluate_from = \"2026-01-01T00:00:00Z\"\n\n\
             [api]\nlisten = \"127.0.0.1:{port}\"\n\n\
             [chains.\"eip155:{CHAIN_ID}\"]\nurl = \"{url}\"\nfinality = \"instant\"\n\
             strictly_rising_timestamps = true\npoll_interval_ms = 50\nstalled_after = \"7d\"\n\n{sources}\n\
             [attestor]\nverifier = \"eip155:{CHAIN_ID}:{verifier:#x}\"\nepoch = 1\nthreshold = 1\n\
             signers = [\"{attestor:#x}\"]\nhold = \"0s\"\nvalid_for = \"30d\"\n\
             signer = {{ kind = \"raw\", key = \"file:attestor.key\" }}\n",
            sources = files.sources,
            verifier = Address::repeat_byte(0x0e),
        ),
    );
    attestor
}
