//! A cover whose terms look at the policy's inception is evaluated once for each inception among its policies.
#![expect(clippy::unwrap_used, reason = "what cannot be set up is a failed test")]

use std::path::Path;

use std::collections::BTreeMap;

use tocsin::command::check;
use tocsin::config::Config;
use tocsin::pipeline::evaluate::{Evaluator, News};
use tocsin_domain::cover::Cover;
use tocsin_domain::risk::Risk;
use tocsin_domain::time::Timestamp;
use tocsin_store::conformance::sample;
use tocsin_store::cover::{CoverRecord, Covers, RiskRecord};
use tocsin_store::step::{Step, Steps};
use tocsin_store_sqlite::SqliteStore;

const FEED: &str = "0x0000000000000000000000000000000000000001";

fn cover(name: &str, trigger: &str) -> String {
    format!(
        "name = \"{name}\"\ntitle = \"C\"\nversion = 1\n[inputs.x]\nmetric = \"price\"\nsubject = \"s\"\n\
         source = \"chainlink:eip155:1:{FEED}\"\n[trigger]\nwhen = \"{trigger}\"\n[payout]\nfraction = \"1\"\n"
    )
}

fn policy(number: u32, cover: &str, inception: &str) -> String {
    let terms = Cover::parse(cover).unwrap().0;
    format!(
        "[[policy]]\nnumber = \"{number}\"\ncover = \"{}\"\nterms_hash = \"{}\"\n\
         consumer = \"eip155:1:0x0000000000000000000000000000000000000003\"\n\
         holder = \"0x0000000000000000000000000000000000000004\"\nsum_insured = \"1\"\n\
         inception = \"{inception}\"\nexpiry = \"2027-06-01T00:00:00Z\"\n",
        terms.name, terms.terms_hash
    )
}

/// A configuration with two covers, one of which looks at the inception.
fn configure(folder: &Path, policies: &[String]) -> Config {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("since.toml", &since());
    write("plain.toml", &plain());
    write("policies.toml", &policies.concat());
    write(
        "tocsin.toml",
        &format!(
            "database = \"t.db\"\npolicies = [\"policies.toml\"]\n\
             [[covers]]\nfile = \"since.toml\"\nevaluate_from = \"2026-01-01T00:00:00Z\"\n\
             [[covers]]\nfile = \"plain.toml\"\nevaluate_from = \"2026-01-01T00:00:00Z\"\n\
             [chains.\"eip155:1\"]\nurl = \"http://127.0.0.1:1\"\nstrictly_rising_timestamps = true\n\
             [sources.\"chainlink:eip155:1:{FEED}\"]\nevent = \"AnswerUpdated(int256 indexed current, uint256 indexed \
             roundId, uint256 updatedAt)\"\nsubject = \"s\"\nmetric = \"price\"\nvalue = \"current\"\ndecimals = 8\n\
             from_block = 1\n"
        ),
    );
    Config::load(&folder.join("tocsin.toml")).unwrap()
}

fn since() -> String {
    cover("since", "x < at(x, inception) * 0.9")
}

fn plain() -> String {
    cover("plain", "x < 1")
}

fn checked(folder: &Path) -> String {
    let mut told = Vec::new();
    check::run(&[], Some(&folder.join("tocsin.toml")), &mut told).unwrap();
    String::from_utf8(told).unwrap()
}

#[test]
fn each_inception_among_the_policies_is_a_risk() {
    let folder = tempfile::tempdir().unwrap();
    let (february, march) = ("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z");
    let config = configure(
        folder.path(),
        &[
            policy(1, &since(), march),
            policy(2, &since(), february),
            policy(3, &plain(), february),
            // The same instant, written otherwise.
            policy(4, &since(), "2026-03-01T01:00:00+01:00"),
            policy(5, &plain(), march),
        ],
    );
    let [since, plain] = &config.covers[..] else {
        unreachable!("two covers were written");
    };
    let begins = |risk: &Risk| risk.inception.map(|inception| inception.to_string());
    assert_eq!(
        since.risks.values().map(begins).collect::<Vec<_>>(),
        [Some(february.to_owned()), Some(march.to_owned())]
    );
    assert_eq!(plain.risks.values().map(begins).collect::<Vec<_>>(), [None]);
    let from = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
    let risks = || since.risks.values().chain(plain.risks.values());
    assert!(risks().all(|risk| risk.evaluate_from == from && risk.subject == "s"));

    let of: Vec<_> = config.policies.iter().map(|policy| policy.risk).collect();
    let of_since = |text| since.risks[&(None, Some(Timestamp::parse(text).unwrap()))].id;
    let (march_risk, february_risk) = (of_since(march), of_since(february));
    let shared = plain.risks[&(None, None)].id;
    assert_eq!(of, [march_risk, february_risk, shared, march_risk, shared]);

    let told = checked(folder.path());
    for inception in [february, march] {
        let line = format!("a risk of the policies that begin at {inception}\n");
        assert_eq!(told.matches(&line).count(), 1, "{told}");
    }
}

#[test]
fn without_a_policy_there_is_nothing_to_evaluate() {
    let folder = tempfile::tempdir().unwrap();
    let config = configure(folder.path(), &[]);
    assert!(config.covers[0].risks.is_empty());
    assert_eq!(config.covers[1].risks.len(), 1);
    let told = checked(folder.path());
    assert!(told.contains("no policy is on them"), "{told}");
}

#[tokio::test]
async fn each_risk_is_determined_with_its_own_evidence() {
    // What decides is plain; the guard makes the evidence reach back to the inception.
    let guarded = format!("{}[guards]\nwhole = \"at(x, inception) >= 1\"\n", plain());
    let cover = Cover::parse(&guarded).unwrap().0;
    let evaluator = Evaluator::new([cover.clone()]);
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("t.db"))
        .await
        .unwrap();
    let listened = sample::stream(0, 0);
    let records = [10, 30].map(|second| {
        let inception = Some(sample::at(second));
        let risk = Risk::new(cover.terms_hash, "s".to_owned(), inception, sample::at(35));
        RiskRecord {
            initial_state: evaluator.initial_state(&risk).unwrap(),
            risk,
            streams: vec![listened.clone()],
        }
    });
    let terms = CoverRecord {
        terms_hash: cover.terms_hash,
        name: cover.name,
        version: cover.version,
        canonical_terms: cover.canonical_terms,
    };
    store.add_cover(&terms, &records).await.unwrap();

    let observations: Vec<_> = [(5, "1"), (20, "1"), (40, "0.9"), (45, "0.8")]
        .into_iter()
        .map(|(second, price)| sample::observation(&listened, second, second.unsigned_abs(), price))
        .collect();
    let advance = sample::advance(0, None, 50);
    let watermarks = BTreeMap::from([(advance.to.source.clone(), advance.to.watermark)]);
    let news = News {
        watermarks: &watermarks,
        observations: &observations,
    };
    // A clock that is behind: decided when it settled, and no earlier.
    let verdicts = evaluator
        .evaluate(&store, news, sample::at(0))
        .await
        .unwrap();
    let found: Vec<_> = records
        .iter()
        .map(|record| {
            let of_it = verdicts
                .determinations
                .iter()
                .find(|loss| loss.risk == record.risk.id);
            let loss = of_it.unwrap();
            assert_eq!(loss.confirmed_at, sample::at(40));
            assert_eq!(loss.determined_at, loss.settled_at);
            loss.evidence_count
        })
        .collect();
    // What was in force at the inception, and everything from there to the confirmation.
    assert_eq!(found, [3, 2]);
    let step = Step {
        sources: vec![advance],
        observations,
        risks: verdicts.risks,
        determinations: verdicts.determinations,
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
}
