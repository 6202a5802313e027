//! The books of a quorum: what was said is not contradicted, also not after reopening.

use std::sync::Arc;

use tocsin_domain::ids::{ClaimKey, EventKey, ReportsHash};
use tokio::task::JoinSet;

use crate::Store;
use crate::conformance::sample::{address, at, hash};
use crate::quorum::{
    Ballot, BallotRefusal, Disagreement, Held, MAX_DETAIL, QuorumResult, Said, Saying, Statement,
    Voted,
};

fn event(name: &str) -> EventKey {
    EventKey(hash(name))
}

fn reports(name: &str) -> ReportsHash {
    ReportsHash(hash(name))
}

fn held(round: u32, name: &str) -> Held {
    Held {
        round,
        reports_hash: reports(name),
        certificate: name.as_bytes().to_vec(),
    }
}

fn statement(about: &str, saying: Saying) -> Statement {
    Statement {
        event: event(about),
        reports: saying.reports_hash().to_string().into_bytes(),
        saying,
    }
}

fn vote(round: u32, name: &str) -> Saying {
    let vote = Voted {
        round,
        reports_hash: reports(name),
    };
    Saying::Vote {
        vote,
        certified_in: None,
    }
}

/// Each statement of a list is judged with those before it; a refused one leaves the others alone.
pub async fn contradict_nothing<S: Store + 'static>(store: Arc<S>) {
    let domain = hash("domain");
    let said = [
        statement("a", vote(1, "x")),
        statement("a", vote(1, "y")),
        statement("a", vote(1, "x")),
        statement("b", vote(1, "y")),
        statement("a", Saying::Lock(held(1, "x"))),
        statement("a", vote(2, "y")),
        statement("a", vote(2, "x")),
        statement("a", Saying::Decision(held(1, "x"))),
        statement("a", Saying::Decision(held(2, "y"))),
    ];
    let expected = [
        Said::New,
        Said::Refused(BallotRefusal::VotedOtherwise(1)),
        Said::Again,
        Said::New,
        Said::New,
        Said::Refused(BallotRefusal::Locked(1)),
        Said::New,
        Said::New,
        Said::Refused(BallotRefusal::Decided(1)),
    ];
    assert_eq!(store.say(domain, &said).await.unwrap(), expected);
    let ballot = Ballot {
        voted: Some(Voted {
            round: 2,
            reports_hash: reports("x"),
        }),
        locked: Some(held(1, "x")),
        decided: Some(held(1, "x")),
    };
    assert_eq!(store.ballot(domain, event("a")).await.unwrap(), ballot);
    // Another verifier's events are others.
    let elsewhere = store.ballot(hash("elsewhere"), event("a")).await.unwrap();
    assert_eq!(elsewhere, Ballot::default());
    let kept = store.reports(reports("x")).await.unwrap();
    assert_eq!(kept, Some(reports("x").to_string().into_bytes()));
    assert_eq!(store.reports(reports("z")).await.unwrap(), None);
}

/// Thirty-two callers want to vote for thirty-two things in one round: one of them may.
pub async fn give_one_vote_a_round<S: Store + 'static>(store: Arc<S>) {
    let mut callers = JoinSet::new();
    for number in 0..32 {
        let store = Arc::clone(&store);
        let wanted = [statement("a", vote(1, &format!("reports {number}")))];
        callers.spawn(async move { store.say(hash("domain"), &wanted).await.unwrap() });
    }
    let answers = callers.join_all().await;
    let given = answers.iter().filter(|said| **said == [Said::New]).count();
    assert_eq!(given, 1);
}

/// A result is found by each of its claims, once.
pub async fn find_results_by_claims<S: Store + 'static>(store: Arc<S>) {
    let claim = |name: &str| ClaimKey(hash(name));
    let result = |id: &str, claims: &[&str]| QuorumResult {
        id: hash(id),
        claims: claims.iter().map(|name| claim(name)).collect(),
        body: id.as_bytes().to_vec(),
    };
    let (one, two) = (result("one", &["a", "b"]), result("two", &["b", "c"]));
    store.add_result(&one).await.unwrap();
    store.add_result(&two).await.unwrap();
    store.add_result(&one).await.unwrap();
    let both = [two.body.clone(), one.body.clone()];
    let found = |claims: &[&str]| claims.iter().map(|name| claim(name)).collect::<Vec<_>>();
    assert_eq!(
        store.results_of(&found(&["a"]), 9).await.unwrap(),
        [one.body]
    );
    assert_eq!(
        store.results_of(&found(&["a", "b"]), 9).await.unwrap(),
        both
    );
    assert_eq!(
        store.results_of(&found(&["a", "b"]), 1).await.unwrap(),
        both[..1]
    );
    assert!(
        store
            .results_of(&found(&["d"]), 9)
            .await
            .unwrap()
            .is_empty()
    );
}

/// The same disagreement again is counted, and a long story is cut.
pub async fn count_disagreements<S: Store + 'static>(store: Arc<S>) {
    let noted = |peer: Option<&str>, second: i64, detail: &str| Disagreement {
        peer: peer.map(address),
        kind: "other-loss".to_owned(),
        event: Some(event("a")),
        detail: detail.to_owned(),
        count: 1,
        first_at: at(second),
        last_at: at(second),
    };
    store.note(&[noted(Some("p"), 5, "first")]).await.unwrap();
    let again = [
        noted(Some("p"), 9, "again"),
        noted(None, 7, &"é".repeat(MAX_DETAIL)),
    ];
    store.note(&again).await.unwrap();
    let shown = store.disagreements(9).await.unwrap();
    let counted = Disagreement {
        count: 2,
        first_at: at(5),
        ..noted(Some("p"), 9, "again")
    };
    assert_eq!(shown[0], counted);
    assert_eq!((shown[1].peer, shown[1].count), (None, 1));
    assert_eq!(shown[1].detail.len(), MAX_DETAIL);
    let counts = store.count_disagreements().await.unwrap();
    let kind = "other-loss".to_owned();
    assert_eq!(
        counts,
        [(None, kind.clone(), 1), (Some(address("p")), kind, 2)]
    );
}
