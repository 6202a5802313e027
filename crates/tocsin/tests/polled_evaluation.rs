//! Risks that listen to polled subjects: each subject has its own time, what is closed holds nobody up, and a risk that cannot be
//! evaluated does not keep the others from it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail as tests do"
)]

use alloy::primitives::{B256, U256};
use tempfile::TempDir;
use tocsin::pipeline::evaluate::{Evaluator, PolledVerdicts};
use tocsin::pipeline::polled_news::{PolledNews, SubjectNews};
use tocsin_domain::cover::Cover;
use tocsin_domain::observation::{Observation, Provenance, Sequence, SourceId, Subject};
use tocsin_domain::risk::{Risk, Stream};
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;
use tocsin_store::cover::{CoverRecord, Covers, RiskRecord};
use tocsin_store::look::{Look, LookState, Looks, NewLook};
use tocsin_store::step::{Polled, Step, Steps};
use tocsin_store_sqlite::SqliteStore;

const COVER: &str = r#"name = "cancelled"
title = "Two feeds say that a flight is cancelled, for an hour"
version = 1
peril = "flight-cancellation"

[inputs.one]
metric = "status"
source = "feed:one"

[inputs.two]
metric = "status"
source = "feed:two"

[trigger]
when = '''holds(one == "cancelled" and two == "cancelled", for: 1h, recover: one == "landed", confirm: time)'''
rearm = "never"

[payout]
fraction = "50%"

[policy]
event_inclusion = "[inception, expiry)"
claim_deadline = "7d"
"#;

const FLIGHT: &str = "flight:UA1/2013-01-01/EWR";

struct Scene {
    _folder: TempDir,
    store: SqliteStore,
    evaluator: Evaluator,
    cover: Cover,
}

impl Scene {
    async fn open() -> Self {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(&folder.path().join("t.db"))
            .await
            .unwrap();
        let (cover, _) = Cover::parse(COVER).unwrap();
        let scene = Self {
            evaluator: Evaluator::new([cover.clone()]),
            _folder: folder,
            store,
            cover,
        };
        scene.insure(FLIGHT, None).await;
        scene
    }

    fn risk(&self, flight: &str) -> Risk {
        Risk::new(self.cover.terms_hash, flight.to_owned(), None, Timestamp(0))
    }

    /// A risk of `flight`, with a state that it has from somewhere else, and looks at both feeds.
    async fn insure(&self, flight: &str, state: Option<&[u8]>) {
        let cover = CoverRecord {
            terms_hash: self.cover.terms_hash,
            name: self.cover.name.clone(),
            version: self.cover.version,
            canonical_terms: self.cover.canonical_terms.clone(),
        };
        let risk = self.risk(flight);
        let of_program = self.evaluator.initial_state(&risk).unwrap();
        let stream = |feed: &str| Stream {
            source: feed.into(),
            subject: flight.into(),
            metric: "status".into(),
        };
        let record = RiskRecord {
            streams: vec![stream("feed:one"), stream("feed:two")],
            initial_state: state.map_or(of_program, <[u8]>::to_vec),
            risk,
        };
        self.store.add_cover(&cover, &[record]).await.unwrap();
        let looks = ["feed:one", "feed:two"].map(|feed| NewLook {
            source: feed.into(),
            subject: flight.into(),
            due_at: Timestamp(0),
        });
        self.store.add_looks(&looks).await.unwrap();
    }

    /// A feed has said something of a flight, or nothing new, as of `until`.
    async fn say(
        &self,
        (feed, flight): (&str, &str),
        status: Option<(i64, &str)>,
        until: i64,
        state: LookState,
    ) -> PolledVerdicts {
        let (source, subject) = (SourceId::from(feed), Subject::from(flight));
        let said = |(at, text): (i64, &str)| Observation {
            source: source.clone(),
            subject: subject.clone(),
            metric: "status".into(),
            observed_at: Timestamp(at),
            sequence: Sequence(U256::from(at.unsigned_abs())),
            value: Some(Value::Text(text.to_owned())),
            provenance: Provenance::Raw {
                hash: B256::repeat_byte(1),
            },
        };
        let look = self.store.look(&source, &subject).await.unwrap().unwrap();
        let watermark = look.watermark.max(Some(Timestamp(until)));
        let mut news = PolledNews::default();
        let of_subject = SubjectNews {
            watermark,
            observations: status.map(said).into_iter().collect(),
        };
        news.subjects
            .insert((source.clone(), subject.clone()), of_subject);
        let judged = self
            .evaluator
            .evaluate_polled(&self.store, &news, Timestamp(until))
            .await
            .unwrap();
        let look = Look {
            due_at: (!state.is_closed()).then_some(Timestamp(until + 60)),
            watermark,
            state,
            ..look
        };
        let step = Step {
            observations: news.into_observations(),
            risks: judged.verdicts.risks.clone(),
            determinations: judged.verdicts.determinations.clone(),
            polled: Polled {
                looks: vec![look],
                ..Polled::default()
            },
            ..Step::default()
        };
        self.store.commit(&step).await.unwrap();
        judged
    }

    async fn reached(&self, flight: &str) -> Option<Timestamp> {
        let listened = [(SourceId::from("feed:one"), Subject::from(flight))];
        let snapshots = self.store.snapshots_of(&listened).await.unwrap();
        let [snapshot] = &snapshots[..] else {
            panic!("{snapshots:?}")
        };
        snapshot.evaluated_to
    }
}

/// The time of a closed subject that is told late is not an earlier time of the risk.
#[tokio::test]
async fn two_feeds_end_in_their_own_time_and_time_alone_brings_the_loss() {
    let scene = Scene::open().await;
    let (one, two) = (("feed:one", FLIGHT), ("feed:two", FLIGHT));
    let cancelled = |at| Some((at, "cancelled"));
    let judged = scene.say(one, cancelled(900), 1_000, LookState::Over).await;
    assert!(judged.verdicts.risks.is_empty() && judged.wakings.is_empty());
    // The other one brings the risk further than the first was known.
    let judged = scene.say(two, cancelled(990), 1_001, LookState::Open).await;
    assert_eq!(scene.reached(FLIGHT).await, Some(Timestamp(1_001)));
    let begun = 990;
    let deadline = judged.wakings.values().copied().next();
    assert_eq!(deadline, Some(Timestamp(begun + 3_600)));
    // Somebody who read the clock earlier comes with the first one again.
    let judged = scene.say(one, None, 1_000, LookState::Over).await;
    assert!(judged.set_aside.is_empty(), "{:?}", judged.set_aside);
    assert_eq!(scene.reached(FLIGHT).await, Some(Timestamp(1_001)));

    scene.say(two, None, 1_100, LookState::Over).await;
    let judged = scene.say(two, None, begun + 3_599, LookState::Over).await;
    assert!(judged.verdicts.determinations.is_empty());
    let judged = scene.say(two, None, begun + 3_600, LookState::Over).await;
    let [loss] = &judged.verdicts.determinations[..] else {
        panic!("{:?}", judged.verdicts.determinations)
    };
    assert_eq!(loss.occurred_at, Timestamp(begun));
    assert_eq!(loss.confirmed_at, Timestamp(begun + 3_600));
}

/// One whose state is damaged is told, what it hears waits, and the others are evaluated.
#[tokio::test]
async fn a_risk_that_cannot_be_evaluated_is_set_aside() {
    let scene = Scene::open().await;
    let damaged = "flight:UA2/2013-01-01/EWR";
    scene.insure(damaged, Some(b"not a state")).await;
    let scheduled = Some((900, "scheduled"));
    for flight in [damaged, FLIGHT] {
        for feed in ["feed:one", "feed:two"] {
            let judged = scene
                .say((feed, flight), scheduled, 1_000, LookState::Open)
                .await;
            let set_aside: Vec<_> = judged.set_aside.keys().copied().collect();
            if flight == damaged {
                assert_eq!(set_aside, [scene.risk(damaged).id]);
                let problem = judged.set_aside.values().next().unwrap();
                assert!(problem.contains("cannot be read"), "{problem}");
            } else {
                assert!(set_aside.is_empty());
            }
        }
    }
    assert_eq!(scene.reached(damaged).await, None);
    assert_eq!(scene.reached(FLIGHT).await, Some(Timestamp(1_000)));
}
