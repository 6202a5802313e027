//! Losses that are to be paid, one or two services that pay them, and the faulty endpoints in between.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use alloy::primitives::U256;
use serde_json::{Value, json};
use tempfile::TempDir;
use tocsin_tests::life::Life;
use tocsin_tests::market::{Market, Submitter, View};
use tocsin_tests::mortal::{Death, Side, Told};
use tocsin_tests::random::Random;
use tocsin_tests::rpc_fault::FaultyNode;
use url::Url;

use super::weather::{CONFIRMATIONS, DEAR_WEI, clear_up, set_base_fee, strike, turn_bad};

/// How many losses there are.
const FALLS: usize = 6;

/// How long a service lives under fire, if it does not die before.
const LIFE: Duration = Duration::from_millis(1_200);
/// A life may be over before it comes to the write that it should end at.
const LIVES_AT_MOST: u32 = 6;
const BLOCK_EVERY: Duration = Duration::from_millis(50);
/// The chain's clock goes on by this with every block, so that what waits is not waited for.
const BLOCK_SECONDS: u64 = 20;
const PATIENCE: Duration = Duration::from_secs(60);

/// Another service beside the first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Second {
    None,
    WithItsOwnKey,
    WithTheSameKey,
}

struct Service {
    config: PathBuf,
    api: Url,
    /// Its files.
    _folder: TempDir,
}

pub(crate) struct Battle {
    market: Market,
    nodes: [FaultyNode; 2],
    services: Vec<Service>,
    random: Random,
    /// What the accounts had at first.
    purses: BTreeMap<Submitter, U256>,
}

impl Battle {
    /// Everything is lost already, and nobody has been paid.
    pub(crate) async fn begin(second: Second) -> Self {
        let mut market = Market::open(&CONFIRMATIONS.to_string()).await;
        for _ in 0..FALLS {
            market.fall_and_rise().await;
        }
        market.anvil.mine(CONFIRMATIONS).await;
        market.anvil.set_time_step(BLOCK_SECONDS).await;
        let nodes = [
            FaultyNode::start(market.anvil.url()).await,
            FaultyNode::start(market.anvil.url()).await,
        ];
        let submitters: &[(Submitter, &str)] = match second {
            Second::None => &[(
                Submitter::First,
                r#"{ kind = "history", percentile = 50, blocks = 10 }"#,
            )],
            Second::WithItsOwnKey => &[
                (Submitter::First, r#"{ kind = "node" }"#),
                (Submitter::Second, r#"{ kind = "legacy", percent = 120 }"#),
            ],
            Second::WithTheSameKey => &[
                (Submitter::First, r#"{ kind = "node" }"#),
                (
                    Submitter::First,
                    r#"{ kind = "fixed", fee_gwei = 20, tip_gwei = 2 }"#,
                ),
            ],
        };
        let mut purses = BTreeMap::new();
        let mut services = Vec::new();
        for (submitter, fees) in submitters {
            purses.insert(*submitter, purse(&market, *submitter).await);
            let folder = tempfile::tempdir().unwrap();
            let view = View {
                url: market.anvil.url(),
                websocket: None,
                sinks: nodes.iter().map(FaultyNode::url).collect(),
                submitter: *submitter,
                fees,
                finality: CONFIRMATIONS.to_string(),
                poll_ms: 50,
                warnings: false,
            };
            let (config, api) = market.write_service_in(folder.path(), &view);
            services.push(Service {
                config,
                api,
                _folder: folder,
            });
        }
        Self {
            market,
            nodes,
            services,
            random: Random::new(),
            purses,
        }
    }

    /// Lives until one ends where it should.
    pub(crate) async fn die(&mut self, side: Side, write: &str) {
        let told = Told {
            side,
            write: write.to_owned(),
        };
        for _ in 0..LIVES_AT_MOST {
            if self.live(&Death::at_first(side, write)).await == Some(told.clone()) {
                return;
            }
        }
        panic!("nobody died {told:?} ({})", self.random);
    }

    /// One life of each service, under fire from the moment that it serves, ended by SIGKILL if not by `death`. Says what the
    /// first service did last.
    pub(crate) async fn live(&mut self, death: &Death) -> Option<Told> {
        self.heal();
        let mut lives: Vec<Life> = self
            .services
            .iter()
            .map(|service| self.start(service, death))
            .collect();
        self.until_serving(&mut lives).await;
        for node in &self.nodes {
            turn_bad(node, &mut self.random);
        }
        let born = Instant::now();
        while born.elapsed() < LIFE && lives.iter_mut().any(Life::is_running) {
            strike(&self.market.anvil, &mut self.random).await;
            tokio::time::sleep(BLOCK_EVERY).await;
        }
        let dies = *death != Death::NEVER;
        for life in &mut lives {
            assert!(
                dies || life.is_running(),
                "a service ended by itself ({})",
                self.random
            );
            if life.is_running() {
                life.kill();
            }
        }
        lives[0].last_words().pop()
    }

    /// A chain that is dearer than the cap: nothing is sent, and readiness says why.
    pub(crate) async fn wait_for_a_cheaper_chain(&mut self) {
        set_base_fee(&self.market.anvil, DEAR_WEI).await;
        self.market.anvil.mine(1).await;
        let mut lives = vec![self.start(&self.services[0], &Death::NEVER)];
        self.until_serving(&mut lives).await;
        let begun = Instant::now();
        loop {
            let ready = get(&self.services[0], "health/ready").await.unwrap();
            if ready.contains("asks for more than the fee cap of 500000000000 wei per gas") {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "{ready}");
            tokio::time::sleep(BLOCK_EVERY).await;
        }
        assert!(self.market.paid().await.is_empty());
        lives[0].kill();
    }

    /// The fire ends. So does every delivery, with what it was for.
    pub(crate) async fn settle(&mut self) {
        self.heal();
        clear_up(&self.market.anvil).await;
        let mut lives: Vec<Life> = self
            .services
            .iter()
            .map(|service| self.start(service, &Death::NEVER))
            .collect();
        self.until_serving(&mut lives).await;
        let begun = Instant::now();
        for service in &self.services {
            loop {
                let unfinished = unfinished(service).await;
                if unfinished.is_empty() {
                    break;
                }
                assert!(
                    begun.elapsed() < PATIENCE,
                    "{unfinished:#?} ({})",
                    self.random
                );
                self.market.anvil.mine(1).await;
                tokio::time::sleep(BLOCK_EVERY).await;
            }
        }
        let paid = self.market.paid().await;
        let distinct: BTreeSet<&String> = paid.iter().collect();
        assert_eq!(
            (paid.len(), distinct.len()),
            (FALLS, FALLS),
            "({})",
            self.random
        );
        self.assert_books_are_whole().await;
        for life in &mut lives {
            assert!(life.is_running(), "({})", self.random);
        }
    }

    /// What the services wrote down is what the accounts have spent. Two services may have sent the very same transaction.
    async fn assert_books_are_whole(&self) {
        let mut booked: BTreeMap<String, BTreeMap<String, U256>> = BTreeMap::new();
        for service in &self.services {
            for found in attestations(service).await {
                let mut total = U256::ZERO;
                for paid in found["cost"]["transactions"].as_array().unwrap() {
                    let [sender, hash, price] = ["sender", "hash", "gas_price"]
                        .map(|name| paid[name].as_str().unwrap().to_owned());
                    let price: U256 = price.parse().unwrap();
                    let wei = price * U256::from(paid["gas_used"].as_u64().unwrap());
                    total += wei;
                    booked.entry(sender).or_default().insert(hash, wei);
                }
                assert_eq!(found["cost"]["wei"], total.to_string());
            }
        }
        for (submitter, before) in &self.purses {
            let spent = before - purse(&self.market, *submitter).await;
            let books = booked.get(&format!("{:#x}", submitter.address()));
            let written: U256 = books.into_iter().flat_map(BTreeMap::values).sum();
            assert_eq!(
                written, spent,
                "{submitter:?}: what is written down and what was spent ({})",
                self.random
            );
        }
    }

    fn start(&self, service: &Service, death: &Death) -> Life {
        let program = env!("CARGO_BIN_EXE_node").as_ref();
        let (url, folder) = (self.market.anvil.url(), self.market.folder());
        if *death == Death::NEVER {
            Life::of(program, &service.config, &url, folder)
        } else {
            Life::of_until(program, &service.config, &url, folder, death)
        }
    }

    /// Waits until every service serves or has died; blocks come meanwhile.
    async fn until_serving(&self, lives: &mut [Life]) {
        let begun = Instant::now();
        for (service, life) in self.services.iter().zip(lives) {
            while get(service, "health/live").await.is_none() && life.is_running() {
                assert!(begun.elapsed() < PATIENCE, "it does not serve");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    fn heal(&self) {
        for node in &self.nodes {
            node.heal();
        }
    }
}

async fn purse(market: &Market, submitter: Submitter) -> U256 {
    let asked = json!([submitter.address(), "latest"]);
    let balance = market.anvil.ask("eth_getBalance", asked).await;
    balance.as_str().unwrap().parse().unwrap()
}

/// What a service has attested, as it tells.
async fn attestations(service: &Service) -> Vec<Value> {
    let mut found = Vec::new();
    let listed: Value = json_of(service, "v1/attestations").await;
    for listed in listed["attestations"].as_array().unwrap() {
        let id = listed["id"].as_str().unwrap();
        found.push(json_of(service, &format!("v1/attestations/{id}")).await);
    }
    found
}

/// The deliveries that are not done, and a note where some do not exist yet.
async fn unfinished(service: &Service) -> Vec<Value> {
    let mut found = attestations(service).await;
    let missing = FALLS - found.len();
    found.retain(|found| found["delivery"]["state"] != "done");
    let mut deliveries: Vec<Value> = found
        .into_iter()
        .map(|mut found| found["delivery"].take())
        .collect();
    if missing > 0 {
        deliveries.push(json!({ "not attested": missing }));
    }
    deliveries
}

async fn json_of(service: &Service, path: &str) -> Value {
    serde_json::from_str(&get(service, path).await.unwrap()).unwrap()
}

async fn get(service: &Service, path: &str) -> Option<String> {
    let answer = reqwest::get(service.api.join(path).unwrap()).await;
    // A service that is dead does not answer.
    answer.ok()?.text().await.ok()
}
