//! What a node does with what others tell it: statements in another order, in another form, or too old; and a loss that is
//! another one elsewhere.

use tocsin_domain::ids::{ClaimKey, PolicyId};
use tocsin_domain::quorum::Event;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_store::renewal::Unredeemed;
use tocsin_tests::member::four;
use tocsin_tests::mortal::Death;

use super::hostile::DOMAIN;
use super::nodes::{Nodes, Peer, begin_and_determine, determine};
use super::quartet::Quartet;

/// One statement reaches a node alone and in a batch, in whatever order: each claim is recorded once, and the node goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_is_signed_alone_and_in_a_batch_ends_no_node() {
    let mut quartet = Quartet::set(&[(1, "CCC"), (2, "CCC")], "").await;
    let books = begin_and_determine(&mut quartet, 0, "CCC").await;
    let now = quartet.spots[0].now() + Seconds(60);
    let all = Nodes::open(
        &quartet.members,
        [&books; 4].map(|books| books.as_path()),
        [now; 4],
    )
    .await;
    let (event, policies) = all.peers[0].waiting().await;
    let [first, second] = policies[..] else {
        panic!("{policies:?}")
    };
    let alone = all.peers[1].attest(&event, &[first], false).await;
    let together = all.peers[2].attest(&event, &policies, true).await;
    let same = alone.issue.claims[0].id;
    assert!(together.issue.claims.iter().any(|claim| claim.id == same));

    // One records the first before it hears of the batch; another hears of both at once.
    all.peers[1].node.tell(&alone).await.unwrap();
    all.work_until(0, async |peer| !peer.recorded(first).await.is_empty())
        .await;
    all.peers[2].node.tell(&together).await.unwrap();
    for index in [0, 3] {
        all.work_until(index, async |peer| {
            !peer.recorded(first).await.is_empty() && !peer.recorded(second).await.is_empty()
        })
        .await;
        for policy in [first, second] {
            assert_eq!(all.peers[index].recorded(policy).await.len(), 1);
        }
    }
}

/// A claim that is to be attested anew is not answered with a statement from before.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_statement_renews_nothing() {
    let mut quartet = Quartet::set(&[(1, "CCC")], "").await;
    let books = begin_and_determine(&mut quartet, 0, "CCC").await;
    // So late that each proposer dates its statement by its own clock.
    let begun = quartet.spots[0].now() + Seconds(4000);
    let all = Nodes::open(
        &quartet.members,
        [&books; 4].map(|books| books.as_path()),
        [begun; 4],
    )
    .await;
    let (event, policies) = all.peers[0].waiting().await;
    let policy = policies[0];
    let old = all.peers[1].attest(&event, &policies, false).await;
    all.advance_to(begun + Seconds(61));
    let newer = all.peers[2].attest(&event, &policies, false).await;
    assert_ne!(old.issue.claims[0].id, newer.issue.claims[0].id);
    all.peers[2].node.tell(&newer).await.unwrap();
    all.work_until(0, async |peer| !peer.recorded(policy).await.is_empty())
        .await;
    all.peers[1].node.tell(&old).await.unwrap();

    let recorded = all.peers[0].recorded(policy).await.remove(0);
    let due = Unredeemed {
        policy,
        ordinal: event.ordinal,
        claim_key: recorded.claim_key(),
        attestation: newer.issue.claims[0].id,
    };
    assert_eq!(all.peers[0].store.renew(&[due]).await.unwrap(), 1);
    let renewed = begun + Seconds(200);
    all.advance_to(renewed);
    all.work_until(0, async |peer| peer.recorded(policy).await.len() > 1)
        .await;
    let recorded = all.peers[0].recorded(policy).await;
    let issued: Vec<_> = recorded.iter().map(|one| one.issuedAt).collect();
    let at = |time: Timestamp| u64::try_from(time.0).unwrap();
    assert_eq!(issued, [at(newer.issue.issued_at), at(renewed)]);
    assert!(recorded[0].same_claim(&recorded[1]));
}

/// A report that is dated at the edge of what its proposer would believe is one that attestors whose clocks are a little behind do
/// not believe: it is left out, and keeps nobody from the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_from_a_time_to_come_spoils_no_proposal() {
    let mut quartet = Quartet::set(&[(1, "CCC")], "").await;
    for index in [0, 1] {
        quartet.start(index, &Death::NEVER);
        quartet.spots[index].until_seen("CCC").await;
    }
    let books = determine(&mut quartet, 0, "CCC").await;
    quartet.spots[1].pass(5000);
    let early = determine(&mut quartet, 1, "CCC").await;
    let now = quartet.spots[1].now() - Seconds(5000);
    let behind = now - Seconds(3000);
    let all = Nodes::open(
        &quartet.members,
        [&books, &books, &books, &early].map(|books| books.as_path()),
        [now, behind, behind, now],
    )
    .await;
    let (event, policies) = all.peers[0].waiting().await;
    let signed = all.peers[0].attest(&event, &policies, false).await;
    let reports = &signed.issue.events[0].backed.reports;
    assert_eq!(reports.len(), 3);
    let noted = all.peers[0].store.disagreements(10).await.unwrap();
    let other = quartet.members[3].address();
    let mut of_it = noted.iter().filter(|noted| noted.peer == Some(other));
    assert!(of_it.any(|noted| noted.kind == "times"), "{noted:?}");
}

/// The first loss of some is one that others have never seen. Nobody signs for an incident under whose number it knows another;
/// those that agree go on without the one that does not.
#[tokio::test(flavor = "multi_thread")]
async fn one_number_is_not_one_incident() {
    let mut quartet = Quartet::set(&[(1, "CCC")], "").await;
    for index in [0, 1] {
        quartet.start(index, &Death::NEVER);
        quartet.spots[index].until_seen("CCC").await;
    }
    let spring = determine(&mut quartet, 0, "CCC").await;
    quartet.spots[1].pass(8 * 3600);
    let autumn = determine(&mut quartet, 1, "CCC").await;
    let now = quartet.spots[1].now() + Seconds(60);
    let domain = DOMAIN.domain_separator();

    let halves = [&spring, &spring, &autumn, &autumn].map(|books| books.as_path());
    let all = Nodes::open(&quartet.members, halves, [now; 4]).await;
    let (event, policies) = all.peers[2].waiting().await;
    assert_eq!(
        all.peers[0].waiting().await,
        (event.clone(), policies.clone())
    );
    for peer in &all.peers {
        let outcome = peer.propose(&event, &policies, false).await;
        assert_eq!((outcome.signed.len(), outcome.troubles.len()), (0, 1));
    }
    for peer in &all.peers {
        let claim = claim_key(peer, &event, &policies).await;
        assert_eq!(peer.store.statements(domain, claim).await.unwrap(), []);
    }

    // The same keys at other ports.
    let most = [&spring, &autumn, &autumn, &autumn].map(|books| books.as_path());
    let all = Nodes::open(&four(), most, [now; 4]).await;
    let signed = all.peers[1].attest(&event, &policies, false).await;
    all.peers[1].node.tell(&signed).await.unwrap();
    let claim = claim_key(&all.peers[0], &event, &policies).await;
    let said = all.peers[0].store.statements(domain, claim).await.unwrap();
    assert_eq!(said, [], "it has seen another loss");
    let noted = all.peers[1].store.disagreements(10).await.unwrap();
    let other = quartet.members[0].address();
    let mut of_it = noted.iter().filter(|noted| noted.peer == Some(other));
    assert!(of_it.any(|noted| noted.kind == "other-loss"), "{noted:?}");
}

async fn claim_key(peer: &Peer, event: &Event, policies: &[PolicyId]) -> ClaimKey {
    let policy = peer.store.policy(policies[0]).await.unwrap().unwrap();
    ClaimKey::derive(
        policy.consumer.address,
        policy.id,
        policy.terms_hash,
        event.event_id(),
    )
}
