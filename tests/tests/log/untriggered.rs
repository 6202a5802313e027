//! That a policy did not trigger: shown to somebody who has nothing but a file and a key, where the whole period was read.

use tocsin::command::log::{check, prove};
use tocsin::config::Config;
use tocsin::log_key;
use tocsin_domain::time::Seconds;
use tocsin_log::Checkpoint;
use tocsin_store::conformance::sample::{advance, at, cover, policy, store_risk};
use tocsin_store::log::{Appending, Log, Slack, StoredCheckpoint};
use tocsin_store::policy::Policies;
use tocsin_store::step::{RiskAdvance, Step, Steps};

use crate::Place;

/// What `check` says of a policy from the 100th to the 200th second, whose chain was read in these steps; and whether it is
/// shown.
async fn told(blocks: &[u64]) -> (bool, String) {
    let place = Place::new().await;
    let store = place.store().await;
    let risk = store_risk(&store).await.risk;
    let mut policy = policy(&risk, 1);
    (policy.inception, policy.expiry) = (at(100), at(200));
    store
        .add_policies(core::slice::from_ref(&policy))
        .await
        .unwrap();
    let mut from = None;
    for (turn, &to) in (1..).zip(blocks) {
        let last = Some(&to) == blocks.last();
        let evaluated = RiskAdvance {
            risk: risk.id,
            version: 0,
            state: vec![1],
            evaluated_to: at(i64::try_from(to).unwrap()),
        };
        let step = Step {
            sources: vec![advance(0, from, to)],
            risks: last.then_some(evaluated).into_iter().collect(),
            ..Step::default()
        };
        store.commit(&step).await.unwrap();
        from = Some(to);
        let slack = [Slack {
            terms: cover(0).terms_hash,
            beyond: Seconds(60),
            inputs: Vec::new(),
        }];
        let appending = Appending {
            now: at(turn * 1_000),
            limit: 99,
            coverage_every: Seconds(300),
            slack: &slack,
        };
        store.append(&appending).await.unwrap();
    }
    let config = Config::load(&place.path("tocsin.toml")).unwrap();
    let key = log_key::make(&config.log.key_file, config.log.origin.as_ref()).unwrap();
    let tree = store.tree().await.unwrap();
    let state = Checkpoint {
        origin: key.verifier().name().to_string(),
        size: tree.size,
        root: tree.root,
    };
    let stored = StoredCheckpoint {
        size: tree.size,
        note: state.sign(&key).unwrap(),
        signed_at: at(9_000),
    };
    store.put_checkpoint(&stored).await.unwrap();
    store.close().await;
    let mut proof = Vec::new();
    prove::run(
        &place.path("tocsin.toml"),
        &policy.id.to_string(),
        &mut proof,
    )
    .await
    .unwrap();
    let file = place.path("proof.json");
    std::fs::write(&file, proof).unwrap();
    let mut said = Vec::new();
    let shown = check::run(&file, &key.verifier().to_string(), &mut said).unwrap();
    (shown, String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn that_a_policy_did_not_trigger_is_shown_where_its_whole_period_was_read() {
    let (shown, said) = told(&[50, 150, 300]).await;
    assert!(shown, "{said}");
    assert!(said.contains("outcome    not_triggered"), "{said}");
    assert!(said.contains("every block from 51 to 300"), "{said}");
    assert!(said.contains("before the policy in leaf 2"), "{said}");

    // Reading began in the middle: nobody can know what the blocks before it said.
    let (shown, said) = told(&[150, 300]).await;
    assert!(!shown, "{said}");
    assert!(said.contains("outcome    not_triggered"), "{said}");
    assert!(said.contains("NOT SHOWN: nothing says that"), "{said}");
}
