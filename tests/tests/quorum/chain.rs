//! A chain: four nodes on one anvil, of which one reads a chain of somebody's invention. The contract pays once.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolCall;
use serde_json::{Value, json};
use tempfile::TempDir;
use tocsin::demo::{Chain, Deployed, Layout, ROUNDS, Secrets, TocsinVerifier, write_service};
use tocsin_domain::bundle::{self, EvidenceBundle, VerifyOptions};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_tests::anvil::{binary, free_port};
use tocsin_tests::http::client;
use tocsin_tests::life::Life;
use tocsin_tests::member::{HASTY, Member, THRESHOLD, four, section};
use url::Url;

/// The chain begins here, 2023-03-02T00:00:00Z: eight days before the depeg.
const GENESIS: Timestamp = Timestamp(1_677_715_200);
/// What the policy is owed: 0.0247 of 10,000, with six decimals.
const PAYOUT: u64 = 247_000_000;
const PATIENCE: Duration = Duration::from_secs(50);

async fn ask(url: &Url, method: &str, params: Value) -> Value {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let answer = client()
        .post(url.clone())
        .json(&request)
        .send()
        .await
        .unwrap();
    let mut answer: Value = answer.json().await.unwrap();
    assert!(answer.get("error").is_none(), "{method}: {answer}");
    answer["result"].take()
}

/// Announces the four, as the next epoch.
async fn announce(url: &Url, verifier: Address, members: &[Member]) {
    let call = TocsinVerifier::announceEpochCall {
        activeFrom: 0,
        signUntil: u64::MAX,
        acceptUntil: u64::MAX,
        threshold: THRESHOLD,
        signers: members.iter().map(Member::address).collect(),
        contractSigners: U256::ZERO,
    };
    by_owner(url, verifier, call.abi_encode()).await;
}

/// Sends what the owner of the verifier says; it is in the next block.
async fn by_owner(url: &Url, verifier: Address, data: Vec<u8>) {
    let accounts = ask(url, "eth_accounts", json!([])).await;
    let transaction =
        json!({"from": accounts[0], "to": verifier, "data": Bytes::from(data), "gas": "0x4c4b40"});
    ask(url, "eth_sendTransaction", json!([transaction])).await;
}

/// Mines blocks until all of these say that it is so.
async fn mine_until(
    chain: &Chain,
    apis: &[u16],
    what: &str,
    mut is_so: impl AsyncFnMut(u16) -> bool,
) {
    let begun = Instant::now();
    loop {
        let mut all = true;
        for &api in apis {
            all &= is_so(api).await;
        }
        if all {
            return;
        }
        if begun.elapsed() > PATIENCE {
            let mut shown = Vec::new();
            for &api in apis {
                shown.push(get(api, "/v1/quorum").await);
                shown.push(get(api, "/health/ready").await);
            }
            panic!("{what}: not yet: {shown:#?}");
        }
        for _ in 0..3 {
            let next = chain.head_time().await.unwrap() + Seconds(6);
            chain.mine(next).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A chain with everything on it, up to the last round. A false one has other prices.
async fn chain(
    folder: &Path,
    members: &[Member],
    false_prices: bool,
) -> (Chain, PathBuf, Deployed) {
    let layout = Layout::create(folder).unwrap();
    let chain = Chain::start(&binary(), GENESIS).await.unwrap();
    let secrets = Secrets::generate(&layout).unwrap();
    let deployed = chain.deploy(&layout, &secrets).await.unwrap();
    let policy = chain.buy(&deployed).await.unwrap();
    let from_block = chain.head_number().await.unwrap() + 1;
    write_service(&layout, &chain.url(), &deployed, &policy, from_block, 50).unwrap();
    for round in ROUNDS {
        let mut round = *round;
        if false_prices && round.answer < 98_000_000 {
            round.answer /= 2;
        }
        chain.post(&deployed, &round).await.unwrap();
    }
    announce(&chain.url(), deployed.verifier, members).await;
    let next = chain.head_time().await.unwrap() + Seconds(12);
    chain.mine(next).await.unwrap();
    (chain, layout.config(), deployed)
}

/// One of the four: the configuration of one that is alone, with a key, the others, and an account of its own.
async fn configure(
    folder: &Path,
    alone: &Path,
    members: &[Member],
    index: usize,
    urls: (&Url, &Url),
    gas: bool,
) -> (PathBuf, u16, Address) {
    std::fs::create_dir_all(folder).unwrap();
    for name in ["cover.toml", "policies.toml"] {
        std::fs::copy(alone.parent().unwrap().join(name), folder.join(name)).unwrap();
    }
    let submitter = alloy::signers::local::PrivateKeySigner::random();
    if gas {
        give_gas(urls.0, submitter.address()).await;
    }
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
    write("attestor.key", members[index].secret());
    write(
        "submitter.key",
        alloy::primitives::B256::from(submitter.to_bytes()).to_string(),
    );
    let api = free_port();
    let text = std::fs::read_to_string(alone).unwrap();
    let begin = text.find("epoch     = 1").unwrap();
    let end = text.find("hold      =").unwrap();
    let text = format!("{}{}", &text[..begin], &text[end..])
        .replace("listen = \"127.0.0.1:0\"", &format!("listen = \"127.0.0.1:{api}\""))
        .replace(
            r#"{ kind = "keystore", path = "keys/attestor.json", password = "file:keys/attestor.password" }"#,
            r#"{ kind = "raw", key = "file:attestor.key" }"#,
        )
        .replace(
            r#"{ kind = "keystore", path = "keys/submitter.json", password = "file:keys/submitter.password" }"#,
            r#"{ kind = "raw", key = "file:submitter.key" }"#,
        )
        .replacen(
            &format!("url              = \"{}\"", urls.0),
            &format!("url              = \"{}\"", urls.1),
            1,
        )
        .replace("[delivery.\"eip155:31337\"]", &format!("[delivery.\"eip155:31337\"]\nurl = \"{}\"", urls.0));
    let ports: Vec<u16> = members.iter().map(|member| member.port).collect();
    let path = folder.join("tocsin.toml");
    std::fs::write(&path, text + &section(members, index, &ports, HASTY)).unwrap();
    (path, api, submitter.address())
}

async fn give_gas(url: &Url, account: Address) {
    let ether = json!("0xde0b6b3a7640000");
    ask(url, "anvil_setBalance", json!([account, ether])).await;
}

async fn get(api: u16, path: &str) -> Option<Value> {
    let asked = client().get(format!("http://127.0.0.1:{api}{path}")).send();
    let answer = asked.await;
    answer.ok()?.json().await.ok()
}

async fn attested(api: u16) -> Option<String> {
    let listed = get(api, "/v1/attestations").await?;
    Some(listed["attestations"].get(0)?["id"].as_str()?.to_owned())
}

async fn is_done(api: u16) -> bool {
    let Some(id) = attested(api).await else {
        return false;
    };
    let shown = get(api, &format!("/v1/attestations/{id}")).await;
    shown.is_some_and(|shown| shown["delivery"]["state"] == "done")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_pays_once_what_three_of_four_have_seen() {
    let members = four();
    let folder = TempDir::new().unwrap();
    let (chain_of_all, alone, deployed) = chain(&folder.path().join("true"), &members, false).await;
    let (invented, _, same) = chain(&folder.path().join("false"), &members, true).await;
    assert_eq!(deployed.aggregator, same.aggregator);
    let (url, lie) = (chain_of_all.url(), invented.url());
    let mut apis = Vec::new();
    let mut lives = Vec::new();
    for index in 0..members.len() {
        let own = folder.path().join(format!("node{index}"));
        let source = if index == 3 { &lie } else { &url };
        let (config, api, _) = configure(&own, &alone, &members, index, (&url, source), true).await;
        lives.push(Life::of(
            Path::new(env!("CARGO_BIN_EXE_node")),
            &config,
            &url,
            &own,
        ));
        apis.push(api);
    }
    mine_until(&chain_of_all, &apis[..3], "paid", is_done).await;
    let payments = chain_of_all.payments(&deployed).await.unwrap();
    assert_eq!(payments, vec![U256::from(PAYOUT)]);
    let id = attested(apis[0]).await.unwrap();
    for &api in &apis[..3] {
        assert_eq!(attested(api).await.as_ref(), Some(&id));
        let bundle = get(api, &format!("/v1/attestations/{id}/evidence"))
            .await
            .unwrap();
        let bundle: EvidenceBundle = serde_json::from_value(bundle).unwrap();
        let report = bundle::verify(&bundle, &VerifyOptions::default());
        assert!(report.is_valid(), "{report:?}");
    }
    let mut seen = Vec::new();
    for &api in &apis[..3] {
        let shown = get(api, "/v1/quorum").await.unwrap();
        let noted = shown["disagreements"].as_array().unwrap().clone();
        let liar = format!("{:#x}", members[3].address());
        seen.extend(noted.into_iter().filter(|one| one["peer"] == liar));
    }
    assert!(
        !seen.is_empty(),
        "the one that reads another chain is not noticed"
    );
}

/// What was decided before an epoch was revoked, and told, is attested anew in the next one, with the same content.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_of_a_revoked_epoch_is_paid_in_the_next_one() {
    let members = four();
    let folder = TempDir::new().unwrap();
    let (chain, alone, deployed) = chain(&folder.path().join("true"), &members, false).await;
    let url = chain.url();
    let (mut apis, mut lives, mut submitters) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..members.len() {
        let own = folder.path().join(format!("node{index}"));
        // Nobody can pay for gas yet, so nobody delivers.
        let (config, api, submitter) =
            configure(&own, &alone, &members, index, (&url, &url), false).await;
        lives.push(Life::of(
            Path::new(env!("CARGO_BIN_EXE_node")),
            &config,
            &url,
            &own,
        ));
        apis.push(api);
        submitters.push(submitter);
    }
    mine_until(&chain, &apis, "attested in epoch 2", async |api| {
        attested(api).await.is_some()
    })
    .await;
    let before = attested(apis[0]).await.unwrap();
    let revoke = TocsinVerifier::revokeEpochCall { number: 2 };
    by_owner(&url, deployed.verifier, revoke.abi_encode()).await;
    announce(&url, deployed.verifier, &members).await;
    for _ in 0..8 {
        let next = chain.head_time().await.unwrap() + Seconds(6);
        chain.mine(next).await.unwrap();
    }
    // As an operator would have it who exchanges keys; what is known of the old epoch is in the books only.
    lives.clear();
    for index in 0..members.len() {
        let own = folder.path().join(format!("node{index}"));
        let config = own.join("tocsin.toml");
        let program = Path::new(env!("CARGO_BIN_EXE_node"));
        lives.push(Life::of(program, &config, &url, &own));
    }
    mine_until(&chain, &apis, "attested in epoch 3", async |api| {
        attested(api).await.is_some_and(|id| id != before)
    })
    .await;
    for submitter in submitters {
        give_gas(&url, submitter).await;
    }
    mine_until(&chain, &apis, "paid", is_done).await;
    let payments = chain.payments(&deployed).await.unwrap();
    assert_eq!(payments, vec![U256::from(PAYOUT)]);
}
