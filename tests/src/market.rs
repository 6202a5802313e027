//! A market that can be made to fall again and again: a chain with a feed, a product with one policy, and a service that
//! pays a thousandth of the sum insured for every fall.

use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolConstructor, SolEvent};
use serde_json::{Value, json};
use tempfile::TempDir;
use tocsin::config::load_cover;
use tocsin::demo::{DemoToken, ParametricCover, TocsinVerifier};
use tocsin_domain::ids::TermsHash;
use tocsin_domain::time::Timestamp;
use url::Url;

use crate::anvil::{Anvil, CHAIN_ID, free_port, quantity, repository};
use crate::feed::{ANSWER_UPDATED, Feed};

/// The chain begins here, 2023-03-02T00:00:00Z.
const GENESIS: u64 = 1_677_715_200;

/// When the policy begins.
const INCEPTION: u64 = GENESIS + 1_000;

/// When it ends.
const EXPIRY: u64 = INCEPTION + 300 * 86_400;

/// What is insured, in the token's smallest unit.
const SUM_INSURED: u64 = 1_000_000_000;

/// The attestor's key, which is nobody's.
pub const ATTESTOR_KEY: B256 = B256::repeat_byte(0xa7);

/// A chain, contracts, and where a service finds its files.
pub struct Market {
    /// The chain.
    pub anvil: Anvil,
    feed: Feed,
    verifier: Address,
    product: Address,
    folder: TempDir,
    rounds: u64,
    terms: TermsHash,
}

/// A policy of the market's cover.
#[derive(Clone, Copy, Debug)]
pub struct Insured {
    /// Its number at its consumer.
    pub number: u64,
    /// Who pays it.
    pub consumer: Address,
    /// When it begins, unix seconds.
    pub inception: u64,
}

/// An account that pays for gas: one of those that every anvil funds, whose keys are public knowledge.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Submitter {
    /// The second account.
    First,
    /// The third account.
    Second,
}

impl Submitter {
    fn key(self) -> &'static str {
        match self {
            Self::First => "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
            Self::Second => "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
        }
    }

    /// The account.
    pub fn address(self) -> Address {
        self.key().parse::<PrivateKeySigner>().unwrap().address()
    }
}

/// How fees are offered where nothing is said of them.
pub const FEES: &str = r#"{ kind = "node" }"#;

/// How a service sees the market.
#[derive(Clone, Debug)]
pub struct View {
    /// Where it reads.
    pub url: Url,
    /// Where blocks are announced to it.
    pub websocket: Option<Url>,
    /// Where it sends claims; nowhere, if there is none.
    pub sinks: Vec<Url>,
    /// Who pays for gas.
    pub submitter: Submitter,
    /// How fees are offered, as the configuration writes it.
    pub fees: &'static str,
    /// As the configuration writes it: `6`, `"instant"`.
    pub finality: String,
    /// How often it looks.
    pub poll_ms: u64,
    /// Whether it warns of what is not final.
    pub warnings: bool,
}

impl Market {
    /// Deploys everything and sells the policy.
    pub async fn open(finality: &str) -> Self {
        let anvil = Anvil::start(GENESIS).await;
        let owner = anvil.account().await;
        let feed = Feed::deploy(&anvil).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cover.toml");
        std::fs::write(&path, cover(&feed, finality)).unwrap();
        let terms = load_cover(&path).unwrap().terms_hash;

        let token = deploy(&anvil, "DemoToken", Vec::new()).await;
        let roles = TocsinVerifier::constructorCall {
            owner_: owner,
            guardian_: owner,
            noticeSeconds_: 0,
        };
        let verifier = deploy(&anvil, "TocsinVerifier", roles.abi_encode()).await;
        let config = ParametricCover::Config {
            verifier,
            token,
            underwriter: owner,
            termsHash: terms.0,
            premiumBps: 0,
            waitingSeconds: 0,
            claimDeadlineSeconds: 7 * 86_400,
            settlementSeconds: 14 * 86_400,
            vetoSeconds: 0,
            maxTermSeconds: 366 * 86_400,
            policyCap: SUM_INSURED.into(),
            dailyCap: SUM_INSURED.into(),
        };
        let product = ParametricCover::constructorCall { config };
        let product = deploy(&anvil, "ParametricCover", product.abi_encode()).await;
        let epoch = TocsinVerifier::announceEpochCall {
            activeFrom: 0,
            signUntil: u64::MAX,
            acceptUntil: u64::MAX,
            threshold: 1,
            signers: vec![attestor().address()],
            contractSigners: U256::ZERO,
        };
        let amount = U256::from(SUM_INSURED);
        let mint = DemoToken::mintCall { to: owner, amount };
        let approve = DemoToken::approveCall {
            spender: product,
            value: U256::MAX,
        };
        let buy = ParametricCover::buyForCall {
            holder: owner,
            sumInsured: amount,
            inception: INCEPTION,
            expiry: EXPIRY,
        };
        for (to, call) in [
            (verifier, epoch.abi_encode()),
            (token, mint.abi_encode()),
            (token, approve.abi_encode()),
            (product, ParametricCover::fundCall { amount }.abi_encode()),
            (product, buy.abi_encode()),
        ] {
            let sent = anvil.send(Some(to), call.into()).await;
            anvil.mine(1).await;
            anvil.receipt(sent).await;
        }
        anvil.set_next_time(INCEPTION).await;
        anvil.mine(1).await;
        let market = Self {
            anvil,
            feed,
            verifier,
            product,
            folder,
            rounds: 0,
            terms,
        };
        market.write_policies(&[Insured {
            number: 1,
            consumer: market.product,
            inception: INCEPTION,
        }]);
        market
    }

    /// Posts a price of 0.99 (a loss event) or 1.00 (nothing), without mining.
    pub async fn post(&mut self, fall: bool) {
        self.rounds += 1;
        let head = self.anvil.block("latest").await;
        let time = quantity(&head["timestamp"]) + 1;
        let answer = if fall { 99_000_000 } else { 100_000_000 };
        self.feed.post(&self.anvil, answer, self.rounds, time).await;
    }

    /// A loss event and its end, in two blocks.
    pub async fn fall_and_rise(&mut self) {
        for fall in [true, false] {
            self.post(fall).await;
            self.anvil.mine(1).await;
        }
    }

    /// The claim keys that were paid, in order, as the chain has them now.
    pub async fn paid(&self) -> Vec<String> {
        let filter = json!([{
            "fromBlock": "0x0", "toBlock": "latest", "address": self.product,
            "topics": [ParametricCover::Paid::SIGNATURE_HASH],
        }]);
        let logs = self.anvil.ask("eth_getLogs", filter).await;
        let logs = logs.as_array().unwrap();
        let keys = logs
            .iter()
            .map(|log| log["topics"][3].as_str().unwrap().to_owned());
        keys.collect()
    }

    /// Where the service has its files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the configuration of a service; gives its path, and the address of its API.
    pub fn write_service(&self, view: &View) -> (PathBuf, Url) {
        self.write_service_in(self.folder.path(), view)
    }

    /// The same for a service that has its files, and its database, in another folder.
    pub fn write_service_in(&self, folder: &Path, view: &View) -> (PathBuf, Url) {
        let api = format!("127.0.0.1:{}", free_port());
        for (file, key) in [
            ("attestor.key", ATTESTOR_KEY.to_string()),
            ("submitter.key", view.submitter.key().to_owned()),
        ] {
            std::fs::write(folder.join(file), key).unwrap();
        }
        let text = self.service(view, &api);
        let path = folder.join("tocsin.toml");
        std::fs::write(&path, text).unwrap();
        (path, format!("http://{api}/").parse().unwrap())
    }

    fn service(&self, view: &View, api: &str) -> String {
        let View {
            url,
            finality,
            poll_ms,
            warnings,
            fees,
            sinks,
            ..
        } = view;
        let websocket = view.websocket.as_ref();
        let websocket = websocket.map_or(String::new(), |url| format!("websocket = \"{url}\""));
        let endpoints: Vec<String> = sinks.iter().map(|url| format!("\"{url}\"")).collect();
        let delivery = if sinks.is_empty() {
            String::new()
        } else {
            format!(
                r#"
[delivery."eip155:{CHAIN_ID}"]
endpoints        = [{endpoints}]
finality         = {finality}
max_fee_gwei     = 500
fees             = {fees}
poll_interval_ms = {poll_ms}
request_timeout_ms = 2000
signer           = {{ kind = "raw", key = "file:submitter.key" }}
"#,
                endpoints = endpoints.join(", "),
            )
        };
        let folder = self.folder.path();
        format!(
            r#"database = "tocsin.db"
policies = ["{policies}"]

[[covers]]
file          = "{cover}"
evaluate_from = "2023-03-02T00:00:00Z"

[api]
listen = "{api}"

[chains."eip155:{CHAIN_ID}"]
finality         = {finality}
strictly_rising_timestamps = true
stalled_after    = "7d"
poll_interval_ms = {poll_ms}
warnings         = {warnings}

[[chains."eip155:{CHAIN_ID}".endpoints]]
url = "{url}"
{websocket}

[sources."chainlink:eip155:{CHAIN_ID}:{feed:#x}"]
event       = "{ANSWER_UPDATED}"
subject     = "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
metric      = "price"
value       = "current"
decimals    = 8
sequence    = "roundId"
observed_at = "updatedAt"
from_block  = 1

[attestor]
verifier  = "eip155:{CHAIN_ID}:{verifier:#x}"
epoch     = 1
threshold = 1
signers   = ["{attestor:#x}"]
hold      = "0s"
valid_for = "30d"
signer    = {{ kind = "raw", key = "file:attestor.key" }}
{delivery}"#,
            cover = folder.join("cover.toml").display(),
            policies = folder.join("policies.toml").display(),
            feed = self.feed.address,
            verifier = self.verifier,
            attestor = attestor().address(),
        )
    }

    /// Writes the policies that the service insures, in the place of those that it had.
    pub fn write_policies(&self, insured: &[Insured]) {
        let time = |seconds: u64| Timestamp(i64::try_from(seconds).unwrap());
        let sections = insured.iter().map(|policy| {
            format!(
                r#"[[policy]]
number      = "{number}"
cover       = "fall"
terms_hash  = "{terms}"
consumer    = "eip155:{CHAIN_ID}:{consumer:#x}"
holder      = "{holder:#x}"
sum_insured = "{SUM_INSURED}"
inception   = "{inception}"
expiry      = "{expiry}"

"#,
                number = policy.number,
                consumer = policy.consumer,
                terms = self.terms,
                holder = Address::repeat_byte(0x40),
                inception = time(policy.inception),
                expiry = time(EXPIRY),
            )
        });
        let text: String = sections.collect();
        std::fs::write(self.folder.path().join("policies.toml"), text).unwrap();
    }

    /// When the product's policy begins, unix seconds.
    pub fn inception(&self) -> u64 {
        INCEPTION
    }

    /// The terms of the cover.
    pub fn terms(&self) -> TermsHash {
        self.terms
    }

    /// The contract that accepts attestations.
    pub fn verifier(&self) -> Address {
        self.verifier
    }

    /// The time of the newest block, unix seconds.
    pub async fn now(&self) -> u64 {
        quantity(&self.anvil.block("latest").await["timestamp"])
    }

    /// Sends the verifier a transaction of its owner and guardian, which must succeed.
    pub async fn order(&self, call: Vec<u8>) {
        let sent = self.anvil.send(Some(self.verifier), call.into()).await;
        self.anvil.mine(1).await;
        self.anvil.receipt(sent).await;
    }
}

fn cover(feed: &Feed, finality: &str) -> String {
    format!(
        r#"name    = "fall"
title   = "A thousandth for every fall"
version = 1
peril   = "stablecoin-depeg"

[inputs.usdc]
metric  = "price"
subject = "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
source  = "chainlink:eip155:{CHAIN_ID}:{feed:#x}"
max_age = "365d"

[trigger]
when  = "usdc <= 0.995"
rearm = "after 1s"

[payout]
fraction = "0.1%"

[policy]
waiting         = "0s"
event_time      = "confirmed"
event_inclusion = "[inception, expiry)"
claim_deadline  = "7d"

[finality]
"eip155:{CHAIN_ID}" = {finality}
"#,
        feed = feed.address,
    )
}

/// Who attests.
pub fn attestor() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&ATTESTOR_KEY).unwrap()
}

async fn deploy(anvil: &Anvil, name: &str, arguments: Vec<u8>) -> Address {
    let path = repository().join(format!("contracts-abi/abi/{name}.json"));
    let artifact: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let code: Bytes = artifact["bytecode"].as_str().unwrap().parse().unwrap();
    let sent = anvil
        .send(None, [code.to_vec(), arguments].concat().into())
        .await;
    anvil.mine(1).await;
    let receipt = anvil.receipt(sent).await;
    serde_json::from_value(receipt["contractAddress"].clone()).unwrap()
}
