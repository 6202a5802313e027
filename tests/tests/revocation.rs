//! Claims that are held, released, revoked and corrected, by the commands that do it.
#![expect(
    clippy::unwrap_used,
    reason = "test support: what cannot be set up is a failed test"
)]

use std::path::{Path, PathBuf};

use serde_json::Value;
use tocsin_domain::bundle::{EvidenceBundle, VerifyOptions, verify};
use tocsin_tests::anvil::quantity;
use tocsin_tests::life::Life;
use tocsin_tests::market::{FEES, Market, Submitter, View};
use tocsin_tests::operator::{as_owner, attestations, edit, get, tocsin, until};
use url::Url;

/// Blocks after which one is final.
const CONFIRMATIONS: u64 = 2;

/// How long a statement waits for a veto, seconds.
const HOLD: u64 = 7_200;

struct Scene {
    market: Market,
    config: PathBuf,
    owner: PathBuf,
    api: Url,
    running: Option<Life>,
}

impl Scene {
    /// A loss was attested, and waits for a veto.
    async fn attested() -> (Self, String) {
        let mut market = Market::open(&CONFIRMATIONS.to_string()).await;
        let (config, api) = market.write_service(&View {
            url: market.anvil.url(),
            websocket: None,
            sinks: vec![market.anvil.url()],
            submitter: Submitter::First,
            fees: FEES,
            finality: CONFIRMATIONS.to_string(),
            poll_ms: 50,
            warnings: false,
        });
        edit(&config, "hold      = \"0s\"", "hold      = \"2h\"");
        let owner = as_owner(&config);
        market.fall_and_rise().await;
        let mut scene = Self {
            market,
            config,
            owner,
            api,
            running: None,
        };
        scene.start();
        scene
            .until("v1/attestations", "attested", |listed| {
                listed["attestations"].as_array().unwrap().len() == 1
            })
            .await;
        let key = attestations(&scene.api).await[0]["claim_key"].clone();
        (scene, key.as_str().unwrap().to_owned())
    }

    fn start(&mut self) {
        let node: &Path = env!("CARGO_BIN_EXE_node").as_ref();
        let url = self.market.anvil.url();
        self.running = Some(Life::of(node, &self.config, &url, self.market.folder()));
    }

    fn stop(&mut self) {
        self.running.take().unwrap().kill();
    }

    async fn until(&self, path: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        until(&self.market, &self.api, path, what, holds).await
    }

    /// A command as the owner and guardian, with the configuration added.
    async fn command(&self, line: &str) -> Result<String, String> {
        let line = format!("{line}|--config|{}", self.owner.display());
        tocsin(&self.market, &line).await
    }

    /// The veto's time is over.
    async fn let_time_pass(&self) {
        let head = self.market.anvil.block("latest").await;
        let later = quantity(&head["timestamp"]) + HOLD + 60;
        self.market.anvil.set_next_time(later).await;
        self.market.anvil.mine(1).await;
    }

    /// The attestation that was made first.
    async fn first(&self) -> String {
        let first = &attestations(&self.api).await[0];
        format!("v1/attestations/{}", first["id"].as_str().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_claim_waits_for_its_release_and_is_paid_once() {
    let (mut scene, key) = Scene::attested().await;
    let held = scene.command(&format!("claims|hold|{key}")).await.unwrap();
    assert!(held.contains("is final"), "{held}");
    let again = scene.command(&format!("claims|hold|{key}")).await.unwrap();
    assert!(again.contains("held already"), "{again}");
    let path = scene.first().await;
    scene
        .until(&path, "shown as held", |one| {
            one["standing"]["held"] == true
        })
        .await;
    scene.let_time_pass().await;
    let waiting = scene
        .until(&path, "waits with a reason", |one| {
            let error = one["delivery"]["last_error"].as_str();
            error.is_some_and(|error| error.contains("ClaimIsHeld"))
        })
        .await;
    assert_eq!(waiting["delivery"]["state"], "queued", "{waiting}");
    assert_eq!(scene.market.paid().await.len(), 0);
    let policy = waiting["policy"].as_str().unwrap();
    let eligibility = format!("v1/policies/{policy}/eligibility");
    let shown = get(&scene.api, &eligibility).await.unwrap();
    assert_eq!(shown["stopped"][0]["standing"]["held"], true, "{shown}");

    // A quorum of one resolves it.
    scene.stop();
    let file = scene.config.with_file_name("release.json");
    let file = file.display();
    let signed = scene
        .command(&format!("claims|release|{key}|--file|{file}"))
        .await
        .unwrap();
    assert!(signed.contains("1 of 1"), "{signed}");
    let sent = scene
        .command(&format!("claims|submit|{file}"))
        .await
        .unwrap();
    assert!(sent.contains("is final"), "{sent}");
    // It ends that hold, and no other. What a quorum let go on is not held again.
    let stale = scene
        .command(&format!("claims|submit|{file}"))
        .await
        .unwrap_err();
    assert!(stale.contains("NotTheHold"), "{stale}");
    let again = scene
        .command(&format!("claims|hold|{key}"))
        .await
        .unwrap_err();
    assert!(again.contains("AlreadyResolved"), "{again}");

    scene.start();
    // Back-offs are counted on the chain's clock.
    scene.let_time_pass().await;
    scene
        .until(&path, "paid", |one| one["delivery"]["state"] == "done")
        .await;
    assert_eq!(scene.market.paid().await, std::slice::from_ref(&key));
    let paid = scene
        .command(&format!("claims|hold|{key}"))
        .await
        .unwrap_err();
    assert!(paid.contains("paid already"), "{paid}");
    scene.stop();
    let status = scene
        .command(&format!("claims|status|{key}"))
        .await
        .unwrap();
    assert!(status.contains("paid          yes"), "{status}");
    assert!(status.contains("attested, delivered"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_claim_is_paid_only_after_a_person_has_allowed_its_correction() {
    let (mut scene, key) = Scene::attested().await;
    let path = scene.first().await;
    scene.stop();
    let file = scene.config.with_file_name("revocation.json");
    let file = file.display();
    let revoke = |reason: &str| format!("claims|revoke|{key}|--reason|{reason}|--file|{file}");
    scene.command(&revoke("the feed was wrong")).await.unwrap();
    // The same file with another reason, or the same revision for another reason elsewhere: nothing is signed.
    let other = scene.command(&revoke("just so")).await.unwrap_err();
    assert!(other.contains("says something else"), "{other}");
    let elsewhere = scene.config.with_file_name("other.json");
    let elsewhere = format!(
        "claims|revoke|{key}|--reason|just so|--file|{}",
        elsewhere.display()
    );
    let other = scene.command(&elsewhere).await.unwrap_err();
    assert!(other.contains("another reason"), "{other}");
    let early = scene
        .command(&format!("claims|correct|{key}"))
        .await
        .unwrap_err();
    assert!(early.contains("not revoked"), "{early}");
    let sent = scene
        .command(&format!("claims|submit|{file}"))
        .await
        .unwrap();
    assert!(sent.contains("is final"), "{sent}");

    scene.start();
    let revoked = scene
        .until(&path, "shown as revoked", |one| {
            one["standing"]["revoked"] == true && one["delivery"]["state"] == "superseded"
        })
        .await;
    assert_eq!(revoked["standing"]["min_revision"], 1);
    scene.let_time_pass().await;
    scene.market.anvil.mine(5).await;
    scene.until("v1/chains", "goes on", |_| true).await;
    assert_eq!(scene.market.paid().await.len(), 0);

    scene.stop();
    let allowed = scene
        .command(&format!("claims|correct|{key}"))
        .await
        .unwrap();
    assert!(allowed.contains("corrected statement"), "{allowed}");
    scene.start();
    scene
        .until("v1/attestations", "corrected", |listed| {
            listed["attestations"].as_array().unwrap().len() == 2
        })
        .await;
    let both = attestations(&scene.api).await;
    let (first, corrected) = (&both[0], &both[1]);
    assert_eq!(corrected["claim_key"], key.as_str());
    assert_eq!(corrected["attestation"]["revision"], "1");
    assert_eq!(corrected["attestation"]["supersedes"], first["id"]);
    scene.let_time_pass().await;
    let path = format!("v1/attestations/{}", corrected["id"].as_str().unwrap());
    scene
        .until(&path, "paid", |one| one["delivery"]["state"] == "done")
        .await;
    assert_eq!(scene.market.paid().await, std::slice::from_ref(&key));

    // Offline nobody can know whether it was revoked or held; that is said.
    let bundle = get(&scene.api, &format!("{path}/evidence")).await.unwrap();
    let bundle: EvidenceBundle = serde_json::from_value(bundle).unwrap();
    let report = verify(&bundle, &VerifyOptions::default());
    assert!(report.is_valid());
    let open = report.not_checked();
    assert!(open.iter().any(|gap| gap.contains("held")), "{open:?}");
}
