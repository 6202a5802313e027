//! Covers and policies of clients, in a service that runs: from the terms to the payout over HTTP alone, each write once,
//! also where the service is killed in the middle of it.

use std::path::Path;
use std::time::{Duration, Instant};

use alloy::primitives::U256;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tocsin::demo::{Bought, Chain, Deployed, Layout, ROUNDS, Secrets, write_service};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_tests::life::Life;
use tocsin_tests::mortal::{Death, Side};
use tocsin_tests::operator::edit;
use tocsin_tests::{anvil, http};

/// 2023-03-02T00:00:00Z: eight days before the depeg.
const GENESIS: Timestamp = Timestamp(1_677_715_200);
const NODE: &str = env!("CARGO_BIN_EXE_node");
const PATIENCE: Duration = Duration::from_secs(40);
/// 0.0247 of 10,000, with six decimals.
const PAYOUT: u64 = 247_000_000;

/// A chain with contracts and one policy that was bought; a service that knows of neither cover nor policy.
struct Shop {
    folder: TempDir,
    layout: Layout,
    chain: Chain,
    deployed: Deployed,
    bought: Bought,
    base: String,
}

impl Shop {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        let chain = Chain::start(&anvil::binary(), GENESIS).await.unwrap();
        let secrets = Secrets::generate(&layout).unwrap();
        let deployed = chain.deploy(&layout, &secrets).await.unwrap();
        let bought = chain.buy(&deployed).await.unwrap();
        let port = anvil::free_port();
        let from_block = chain.head_number().await.unwrap() + 1;
        write_service(&layout, &chain.url(), &deployed, &bought, from_block, 50).unwrap();
        let config = layout.config();
        edit(&config, "policies = [\"policies.toml\"]\n", "");
        edit(&config, CONFIGURED, "");
        edit(
            &config,
            "decimals    = 8",
            "decimals    = 8\nheartbeat   = \"24h\"",
        );
        // The chain has a time of its own.
        let api =
            format!("listen = \"127.0.0.1:{port}\"\nopen_writes = true\nlate_policies = \"2d\"");
        edit(&config, "listen = \"127.0.0.1:0\"", &api);
        Self {
            folder,
            layout,
            chain,
            deployed,
            bought,
            base: format!("http://127.0.0.1:{port}"),
        }
    }

    async fn live(&self, death: Option<Death>) -> Life {
        let (config, url) = (self.layout.config(), self.chain.url());
        let (program, folder) = (Path::new(NODE), self.folder.path());
        let mut life = match death {
            Some(death) => Life::of_until(program, &config, &url, folder, &death),
            None => Life::of(program, &config, &url, folder),
        };
        let begun = Instant::now();
        while self.get("/v1/covers").await.is_none() {
            assert!(life.is_running(), "the service ended by itself");
            assert!(begun.elapsed() < PATIENCE, "the service does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        life
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let asked = http::client().get(format!("{}{path}", self.base));
        asked.send().await.ok()?.json().await.ok()
    }

    /// What is answered to a write; `None` where the service dies of it.
    async fn post(&self, path: &str, key: &str, kind: &str, body: &str) -> Option<Answer> {
        let request = http::client()
            .post(format!("{}{path}", self.base))
            .header("idempotency-key", key.replace(' ', "-"))
            .header("content-type", kind)
            .body(body.to_owned());
        let answer = request.send().await.ok()?;
        Some(Answer {
            status: answer.status(),
            body: answer.text().await.ok()?,
        })
    }

    async fn declare(&self, key: &str, terms: &str) -> Answer {
        let declared = self
            .post("/v1/covers", key, "application/toml", terms)
            .await;
        declared.unwrap()
    }

    async fn check(&self, terms: &str) -> Answer {
        let checked = self
            .post("/v1/covers/check", "check", "application/toml", terms)
            .await;
        checked.unwrap()
    }

    async fn insure(&self, key: &str, policies: &Value) -> Answer {
        let kind = "Application/JSON; charset=utf-8";
        let policies = policies.to_string();
        let taken = self.post("/v1/policies", key, kind, &policies).await;
        taken.unwrap()
    }

    fn terms(&self) -> String {
        std::fs::read_to_string(self.layout.cover()).unwrap()
    }

    fn policy(&self) -> Value {
        let Deployed {
            product,
            holder,
            terms_hash,
            ..
        } = &self.deployed;
        json!({
            "number": self.bought.number.to_string(),
            "cover": "usdc-depeg-24h",
            "terms_hash": terms_hash.to_string(),
            "consumer": format!("eip155:31337:{product:#x}"),
            "holder": format!("{holder:#x}"),
            "sum_insured": "10000000000",
            "inception": self.bought.inception.to_string(),
            "expiry": self.bought.expiry.to_string(),
        })
    }

    /// How many covers and policies there are.
    async fn counts(&self) -> (usize, usize) {
        let covers = self.get("/v1/covers").await.unwrap();
        let policies = self.get("/v1/policies").await.unwrap();
        let count = |list: &Value| list.as_array().unwrap().len();
        (count(&covers["covers"]), count(&policies["policies"]))
    }
}

/// What the demonstration's configuration says of its cover.
const CONFIGURED: &str =
    "[[covers]]\nfile          = \"cover.toml\"\nevaluate_from = \"2023-03-02T00:00:00Z\"\n\n";

#[derive(Clone, PartialEq, Eq, Debug)]
struct Answer {
    status: StatusCode,
    body: String,
}

impl Answer {
    #[track_caller]
    fn is(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    /// A problem of this kind.
    #[track_caller]
    fn refuses(&self, status: u16, kind: &str) -> Value {
        let problem = self.is(status);
        assert_eq!(problem["type"], format!("/problems/{kind}"), "{problem}");
        problem
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cover_and_a_policy_of_a_client_are_paid_over_the_api_alone() {
    let shop = Shop::open().await;
    let mut life = shop.live(None).await;
    let declared = a_cover_comes_into_force(&shop).await;
    policies_on_it_are_taken(&shop).await;

    // Another process knows it as it was declared.
    life.kill();
    let mut life = shop.live(None).await;
    let again = shop
        .declare("after the restart", &shop.terms())
        .await
        .is(200);
    assert_eq!(again, declared);

    for round in ROUNDS {
        shop.chain.post(&shop.deployed, round).await.unwrap();
    }
    let begun = Instant::now();
    while shop
        .chain
        .payments(&shop.deployed)
        .await
        .unwrap()
        .is_empty()
    {
        assert!(begun.elapsed() < PATIENCE, "nothing was paid");
        assert!(life.is_running(), "the service ended by itself");
        let next = shop.chain.head_time().await.unwrap() + Seconds(12);
        shop.chain.mine(next).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let paid = shop.chain.payments(&shop.deployed).await.unwrap();
    assert_eq!(paid, [U256::from(PAYOUT)]);
    let attested = shop.get("/v1/attestations").await.unwrap();
    assert_eq!(attested["attestations"].as_array().unwrap().len(), 1);
    // How late the source is: the chain's clock is the service's.
    let head = shop.chain.head_time().await.unwrap();
    let sources = shop.get("/v1/sources").await.unwrap();
    let source = &sources["sources"][0];
    let until = Timestamp::parse(source["seen_until"].as_str().unwrap()).unwrap();
    let lag = source["lag_seconds"].as_i64().unwrap();
    assert!(
        (0..=head.since(until).0.max(0) + 600).contains(&lag),
        "{source}"
    );
    life.kill();

    // A file that says another beginning contradicts what was declared.
    let config = shop.layout.config();
    edit(&config, "[api]", &format!("{CONFIGURED}[api]"));
    let (url, folder) = (shop.chain.url(), shop.folder.path());
    let mut contradicted = Life::of(Path::new(NODE), &config, &url, folder);
    let begun = Instant::now();
    let ended = loop {
        if let Some(ended) = contradicted.ended() {
            break ended;
        }
        assert!(begun.elapsed() < PATIENCE, "it runs on two beginnings");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(!ended.success());
}

/// Once, from an instant that is still to come, and only with what is configured.
async fn a_cover_comes_into_force(shop: &Shop) -> Value {
    let terms = shop.terms();
    let before = shop.chain.head_time().await.unwrap();
    let first = shop.declare("cover", &terms).await;
    let declared = first.is(201);
    let from = Timestamp::parse(declared["evaluate_from"].as_str().unwrap()).unwrap();
    assert!(from > before, "{declared}");
    assert_eq!(declared["terms_hash"], shop.deployed.terms_hash.to_string());
    assert_eq!(shop.declare("cover", &terms).await, first);
    let known = shop.declare("the same terms", &terms).await.is(200);
    assert_eq!(known, declared);

    let changed = terms.replace("0, 20%", "0, 30%");
    shop.declare("cover", &changed)
        .await
        .refuses(422, "idempotency-key-reused");
    let other = shop.declare("other terms", &changed).await;
    let other = other.refuses(409, "conflict");
    assert!(other["detail"].as_str().unwrap().contains("new version"));

    let nowhere = terms
        .replace("version = 1", "version = 2")
        .replace("chainlink:eip155:31337", "chainlink:eip155:5");
    let refused = shop.declare("nowhere", &nowhere).await;
    let checked = shop.check(&nowhere).await;
    for refused in [
        refused.refuses(422, "invalid"),
        checked.refuses(422, "invalid"),
    ] {
        let errors = refused["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{refused}");
        let error = &errors[0];
        let detail = error["detail"].as_str().unwrap();
        assert!(detail.contains("is not configured"), "{error}");
        let help = error["help"].as_str().unwrap();
        assert!(help.contains("[sources."), "{error}");
        let place = nowhere.lines().position(|line| line.starts_with("source "));
        assert_eq!(error["line"], json!(place.unwrap() + 1));
        assert_eq!(error["column"], json!("source  = \"".len()));
    }
    // What `tocsin check` warns of: the source may be silent for longer than its word is believed.
    let impatient = terms
        .replace("version = 1", "version = 2")
        .replace("25h", "23h");
    assert_eq!(shop.check(&terms).await.is(200)["warnings"], json!([]));
    let checked = shop.check(&impatient).await.is(200);
    let warnings = checked["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{checked}");
    let detail = warnings[0]["detail"].as_str().unwrap();
    assert!(detail.contains("max_age of input `usdc`"), "{checked}");
    let place = impatient
        .lines()
        .position(|line| line.starts_with("max_age"));
    assert_eq!(warnings[0]["line"], json!(place.unwrap() + 1));
    let broken = terms.replace("usdc <= 0.995", "usdc <= ");
    let broken = shop.declare("broken", &broken).await;
    let broken = broken.refuses(422, "invalid");
    assert!(
        broken["errors"][0]["line"].as_u64().unwrap() > 1,
        "{broken}"
    );
    let late = terms.replace("version = 1", "version = 2");
    let path = "/v1/covers?evaluate_from=2023-03-01T00:00:00Z";
    let late = shop.post(path, "late", "application/toml", &late).await;
    late.unwrap().refuses(422, "invalid");
    let elsewhen = "/v1/covers?evaluate_from=2033-03-01T00:00:00Z";
    let elsewhen = shop.post(elsewhen, "elsewhen", "application/toml", &terms);
    elsewhen.await.unwrap().refuses(409, "conflict");
    assert_eq!(shop.counts().await, (1, 0));
    let terms = shop.deployed.terms_hash;
    let shown = shop.get(&format!("/v1/covers/{terms}")).await.unwrap();
    assert_eq!(
        shown["declared"]["evaluate_from"],
        declared["evaluate_from"]
    );
    declared
}

/// Once, whoever is first; and what is wrong is said as `tocsin policies import` says it.
async fn policies_on_it_are_taken(shop: &Shop) {
    let mut for_nothing = shop.policy();
    for_nothing["sum_insured"] = json!("0");
    let mut for_nobody = shop.policy();
    for_nobody["holder"] = json!("0x12");
    let mut for_before = shop.policy();
    for_before["inception"] = json!(GENESIS.to_string());
    let bad = json!([shop.policy(), for_nothing, for_nobody, for_before]);
    let refused = shop.insure("bad", &bad).await.refuses(422, "invalid");
    let places: Vec<&Value> = refused["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["pointer"])
        .collect();
    assert_eq!(
        places,
        ["/1/sum_insured", "/2/holder", "/3/inception"],
        "{refused}"
    );
    // What could be read in two ways is not read.
    let kind = "application/json";
    let twice = r#"{"number":"30","number":"31"}"#;
    let twice = shop.post("/v1/policies", "twice", kind, twice).await;
    let said = twice.unwrap().refuses(400, "bad-request");
    assert!(said["detail"].as_str().unwrap().contains("twice"), "{said}");
    let row: Vec<Value> = shop
        .policy()
        .as_object()
        .unwrap()
        .values()
        .cloned()
        .collect();
    let said = shop
        .insure("row", &json!([row]))
        .await
        .refuses(422, "invalid");
    assert_eq!(said["errors"][0]["pointer"], "/0", "{said}");
    let mut nobody = shop.policy();
    nobody["holder"] = json!(format!("0x{}", "0".repeat(40)));
    let said = shop.insure("nobody", &nobody).await.refuses(422, "invalid");
    assert_eq!(said["errors"][0]["pointer"], "/holder", "{said}");
    // Nobody signs where anybody may write.
    let caller = shop.post("/v1/caller", "caller", kind, "{}").await;
    caller.unwrap().refuses(401, "unauthenticated");
    assert_eq!(shop.counts().await, (1, 0));

    let policy = shop.policy();
    let (one, two) = tokio::join!(
        shop.insure("policy", &policy),
        shop.insure("policy", &policy)
    );
    one.is(201);
    assert_eq!(one, two);
    assert_eq!(shop.insure("policy", &policy).await, one);
    let mut richer = policy.clone();
    richer["sum_insured"] = json!("20000000000");
    shop.insure("policy", &richer)
        .await
        .refuses(422, "idempotency-key-reused");
    let clash = shop.insure("richer", &richer).await;
    let clash = clash.refuses(422, "invalid");
    assert_eq!(clash["errors"][0]["pointer"], "/number", "{clash}");
    assert_eq!(shop.counts().await, (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_in_which_the_service_is_killed_happens_once_when_it_is_repeated() {
    let shop = Shop::open().await;
    // Nobody signs here: keys would only make every life begin later.
    let config = shop.layout.config();
    let text = std::fs::read_to_string(&config).unwrap();
    let (without, _) = text.split_once("[attestor]").unwrap();
    std::fs::write(&config, without).unwrap();

    for (side, write) in [
        (Side::Before, "declare"),
        (Side::After, "declare"),
        (Side::Before, "import"),
        (Side::After, "import"),
    ] {
        let key = format!("{side}-{write}");
        let number = 2 + usize::from(side == Side::After);
        let mut dying = shop.live(Some(Death::at_first(side, write))).await;
        let (path, kind, body) = if write == "declare" {
            let terms = shop.terms();
            let terms = terms.replace("version = 1", &format!("version = {number}"));
            ("/v1/covers", "application/toml", terms)
        } else {
            shop.declare("cover", &shop.terms()).await.is(201);
            let mut policy = shop.policy();
            policy["number"] = json!(number.to_string());
            ("/v1/policies", "application/json", policy.to_string())
        };
        let counts = shop.counts().await;
        let answer = shop.post(path, &key, kind, &body).await;
        assert_eq!(answer, None, "{key}");
        // To the end of what it says: it has died.
        let told = dying.last_words().pop().map(|last| last.to_string());
        assert_eq!(told, Some(format!("{side} {write}")));
        dying.kill();

        let mut life = shop.live(None).await;
        let first = shop.post(path, &key, kind, &body).await.unwrap();
        first.is(201);
        let again = shop.post(path, &key, kind, &body).await.unwrap();
        assert_eq!(again, first, "{key}");
        let one = usize::from(write == "declare");
        let expected = (counts.0 + one, counts.1 + (1 - one));
        assert_eq!(shop.counts().await, expected, "{key}");
        life.kill();
    }
}
