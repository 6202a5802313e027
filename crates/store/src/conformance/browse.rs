//! Long lists: whole, in an order that stays, a part at a time, whatever is added meanwhile.

use std::sync::Arc;

use tocsin_domain::claim::Claim;
use tocsin_domain::ids::{AttestationId, ClaimKey, PolicyId, RiskId};
use tocsin_domain::observation::Sequence;
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::Risk;

use crate::Store;
use crate::browse::{
    AttestationFilter, ClaimEntry, ClaimFilter, ClaimState, DeliveryFilter, DeterminationPlace,
    PolicyFilter,
};
use crate::conformance::answers::{leaves_of, written};
use crate::conformance::sample::{
    LATE, Paid, address, advance, at, batch, claim, cover, determination, hash, observation,
    policy, refused_claim, risk, store_paid, store_reserved, store_risk, stream,
};
use crate::conformance::{Fault, assert_fault};
use crate::cover::RiskRecord;
use crate::delivery::{Delivery, DeliveryState};
use crate::revocation::ClaimNews;
use crate::step::Step;

async fn store_policies<S: Store>(store: &S, risk: &Risk, count: u64) -> Vec<Policy> {
    let mut policies: Vec<Policy> = (1..=count).map(|number| policy(risk, number)).collect();
    store.add_policies(&policies).await.unwrap();
    policies.sort_by_key(|policy| policy.id);
    policies
}

/// By id; by holder, by risk, and by both.
pub async fn policies_are_found_by_holder_and_by_risk<S: Store + 'static>(store: Arc<S>) {
    let cover = cover(0);
    let risks = [0, 1].map(|subject| risk(&cover, subject, &[stream(0, subject)]));
    store.add_cover(&cover, &risks).await.unwrap();
    let mine = address("mine");
    let mut policies: Vec<Policy> = (1..=6).map(|n| policy(&risks[0].risk, n)).collect();
    policies.push(policy(&risks[1].risk, 7));
    policies[1].holder = mine;
    policies[6].holder = mine;
    store.add_policies(&policies).await.unwrap();
    policies.sort_by_key(|policy| policy.id);

    let everything = PolicyFilter::default();
    let of = |holder, risk| PolicyFilter { holder, risk };
    let whole = store.browse_policies(everything, None, 99).await.unwrap();
    assert_eq!(whole, policies);
    let mut read = Vec::new();
    loop {
        let after = read.last().map(|policy: &Policy| policy.id);
        let page = store.browse_policies(everything, after, 3).await.unwrap();
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    assert_eq!(read, policies, "page by page");
    for filter in [
        of(Some(mine), None),
        of(None, Some(risks[0].risk.id)),
        of(Some(mine), Some(risks[1].risk.id)),
        of(Some(address("nobody")), None),
    ] {
        let wanted: Vec<Policy> = policies
            .iter()
            .filter(|policy| filter.holder.is_none_or(|holder| holder == policy.holder))
            .filter(|policy| filter.risk.is_none_or(|risk| risk == policy.risk))
            .cloned()
            .collect();
        let found = store.browse_policies(filter, None, 99).await.unwrap();
        assert_eq!(found, wanted, "{filter:?}");
    }
}

/// By id, of one cover or of all; and by exactly their subject.
pub async fn risks_are_found_by_cover_and_by_subject<S: Store + 'static>(store: Arc<S>) {
    let covers = [cover(0), cover(1)];
    let mut stored: Vec<RiskRecord> = Vec::new();
    for cover in &covers {
        let risks = [0, 1].map(|subject| risk(cover, subject, &[stream(0, subject)]));
        store.add_cover(cover, &risks).await.unwrap();
        stored.extend(risks);
    }
    stored.sort_by_key(|record| record.risk.id);
    assert_eq!(store.browse_risks(None, None, 99).await.unwrap(), stored);
    let first = store.browse_risks(None, None, 1).await.unwrap();
    let after = first.first().map(|record| record.risk.id);
    let rest = store.browse_risks(None, after, 99).await.unwrap();
    assert_eq!([first, rest].concat(), stored);
    let of = |cover: usize| {
        let terms = covers[cover].terms_hash;
        let of_it = |record: &&RiskRecord| record.risk.terms_hash == terms;
        stored.iter().filter(of_it).cloned().collect::<Vec<_>>()
    };
    let terms = covers[1].terms_hash;
    let found = store.browse_risks(Some(terms), None, 99).await.unwrap();
    assert_eq!(found, of(1));

    let subject = stored[0].risk.subject.clone();
    let wanted: Vec<RiskId> = stored
        .iter()
        .filter(|record| record.risk.subject == subject)
        .map(|record| record.risk.id)
        .collect();
    let found = store.risks_of_subject(&subject, 99).await.unwrap();
    assert_eq!(found, wanted);
    let other = subject.to_uppercase() + "?";
    assert_eq!(store.risks_of_subject(&other, 99).await.unwrap(), []);
}

/// The last confirmed first, also where several were confirmed at one instant.
pub async fn determinations_are_listed_newest_first<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await.risk;
    let mut losses: Vec<_> = [100, 900_000, 1_800_000]
        .into_iter()
        .zip(1..)
        .map(|(occurred, ordinal)| determination(&risk, ordinal, occurred))
        .collect();
    let step = Step {
        determinations: losses.clone(),
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    losses.reverse();
    let found = store.browse_determinations(None, 99).await.unwrap();
    assert_eq!(found, losses);
    let mut read = Vec::new();
    let mut before = None;
    loop {
        let page = store.browse_determinations(before, 1).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(DeterminationPlace {
            confirmed_at: last.confirmed_at,
            risk: last.risk,
            ordinal: last.ordinal,
        });
        read.extend(page);
    }
    assert_eq!(read, losses);
}

/// The claims on a determination by policy; all claims by policy and loss event, with how far each has come.
pub async fn claims_are_found_by_policy_holder_and_state<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await.risk;
    let policies = store_policies(&*store, &risk, 3).await;
    let losses = [
        determination(&risk, 1, 100),
        determination(&risk, 2, 900_000),
    ];
    let step = Step {
        determinations: losses.to_vec(),
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    let mut claims: Vec<ClaimEntry> = Vec::new();
    for policy in &policies {
        claims.push(ClaimEntry {
            claim: claim(policy, &losses[0]),
            state: ClaimState::Waiting,
        });
        claims.push(ClaimEntry {
            claim: refused_claim(policy, &losses[1]),
            state: ClaimState::Refused,
        });
    }
    let decided: Vec<Claim> = claims.iter().map(|entry| entry.claim.clone()).collect();
    store.add_claims(&decided).await.unwrap();

    let of_first: Vec<Claim> = decided.iter().step_by(2).cloned().collect();
    let found = store.browse_claims(risk.id, 1, None, 99).await.unwrap();
    assert_eq!(found, of_first);
    let after = Some(of_first[0].policy);
    let found = store.browse_claims(risk.id, 1, after, 1).await.unwrap();
    assert_eq!(found, of_first[1..2]);

    let mut read: Vec<ClaimEntry> = Vec::new();
    loop {
        let last = read.last().map(|entry| &entry.claim);
        let after = last.map(|claim| (claim.policy, claim.ordinal));
        let everything = ClaimFilter::default();
        let page = store.browse_every_claim(everything, after, 4).await;
        let page = page.unwrap();
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    assert_eq!(read, claims, "page by page");

    let (one, other) = (&policies[0], &policies[1]);
    let (holder, policy) = (Some(one.holder), Some(one.id));
    let whole = ClaimFilter::default();
    let state = |state| ClaimFilter {
        state: Some(state),
        ..whole
    };
    for (filter, wanted) in [
        (ClaimFilter { policy, ..whole }, claims[..2].to_vec()),
        (ClaimFilter { holder, ..whole }, claims[..2].to_vec()),
        (
            ClaimFilter {
                policy: Some(other.id),
                holder,
                state: None,
            },
            Vec::new(),
        ),
        (
            ClaimFilter {
                holder,
                ..state(ClaimState::Refused)
            },
            claims[1..2].to_vec(),
        ),
        (
            state(ClaimState::Waiting),
            claims.iter().step_by(2).cloned().collect(),
        ),
        (state(ClaimState::Paid), Vec::new()),
    ] {
        let found = store.browse_every_claim(filter, None, 99).await.unwrap();
        assert_eq!(found, wanted, "{filter:?}");
    }
    let after = Some((one.id, 1));
    for filter in [
        ClaimFilter { policy, ..whole },
        ClaimFilter { holder, ..whole },
    ] {
        let found = store.browse_every_claim(filter, after, 99).await.unwrap();
        assert_eq!(found, claims[1..2], "{filter:?}");
    }
}

/// From waiting to attested to paid, or barred; and by the key under which it was attested.
pub async fn a_claims_state_follows_what_becomes_of_it<S: Store + 'static>(store: Arc<S>) {
    let paid = store_reserved(&*store, 4).await;
    let key = |n: usize| paid[n].attestation.claim_key;
    assert_eq!(
        store.claim_of_key(key(1)).await.unwrap(),
        None,
        "no more than reserved"
    );
    for Paid { attestation, .. } in &paid[1..] {
        store.add_attestation(attestation, &[]).await.unwrap();
    }
    let news = |n: usize, consumed, min_revision| ClaimNews {
        claim_key: key(n),
        consumed,
        hold: None,
        min_revision,
    };
    let separator = paid[0].attestation.domain_separator;
    let news = [news(2, true, 0), news(3, false, 1)];
    store.put_standings(separator, None, &news).await.unwrap();
    for (n, state) in [
        (1, ClaimState::Attested),
        (2, ClaimState::Paid),
        (3, ClaimState::Barred),
    ] {
        let found = store.claim_of_key(key(n)).await.unwrap().unwrap();
        assert_eq!(found.claim, paid[n].claim);
        assert_eq!(found.state, state);
        let filter = ClaimFilter {
            state: Some(state),
            ..ClaimFilter::default()
        };
        let listed = store.browse_every_claim(filter, None, 99).await.unwrap();
        assert_eq!(listed, [found]);
    }
    let nothing = ClaimKey(hash("nothing"));
    assert_eq!(store.claim_of_key(nothing).await.unwrap(), None);
}

/// The last recorded first, whether they were signed alone or in a batch.
pub async fn attestations_are_listed_newest_first<S: Store + 'static>(store: Arc<S>) {
    let paid = store_reserved(&*store, 5).await;
    let (alone, batched) = paid.split_at(3);
    for Paid { attestation, .. } in alone {
        store.add_attestation(attestation, &[]).await.unwrap();
    }
    let all = AttestationFilter::All;
    let first = store.browse_attestations(all, None, 2).await.unwrap();
    let records: Vec<_> = batched.iter().map(|one| one.attestation.clone()).collect();
    let (signed, members) = batch(&records);
    store.add_batch(&signed, &members).await.unwrap();

    let ids = |records: &[crate::attestation::AttestationRecord]| -> Vec<AttestationId> {
        records.iter().map(|record| record.id).collect()
    };
    let before = first.last().map(|record| record.id);
    let rest = store.browse_attestations(all, before, 99).await.unwrap();
    assert_eq!(
        [ids(&first), ids(&rest)].concat(),
        [2, 1, 0].map(|n| paid[n].attestation.id),
        "what came meanwhile neither repeats nor hides what was there"
    );
    let whole = store.browse_attestations(all, None, 99).await.unwrap();
    assert_eq!(whole.len(), 5);
    assert_eq!(store.recent_attestations(99).await.unwrap(), whole);
    for wanted in &whole {
        let paid = paid.iter().find(|paid| paid.attestation.id == wanted.id);
        let policy = &paid.unwrap().policy;
        for filter in [
            AttestationFilter::Policy(policy.id),
            AttestationFilter::Holder(policy.holder),
        ] {
            let found = store.browse_attestations(filter, None, 99).await.unwrap();
            assert_eq!(found, core::slice::from_ref(wanted), "{filter:?}");
        }
    }
    let (risk, ordinal) = (paid[0].policy.risk, 1);
    let filter = AttestationFilter::Determination(risk, ordinal);
    let found = store.browse_attestations(filter, None, 99).await.unwrap();
    assert_eq!(found, whole);
    let before = Some(whole[1].id);
    let found = store.browse_attestations(filter, before, 1).await.unwrap();
    assert_eq!(found, whole[2..3]);
    for filter in [
        AttestationFilter::Determination(risk, 2),
        AttestationFilter::Policy(PolicyId(hash("nothing"))),
    ] {
        let found = store.browse_attestations(filter, None, 99).await.unwrap();
        assert_eq!(found, [], "{filter:?}");
    }
    let unknown = Some(AttestationId(hash("nothing")));
    assert_fault(
        store.browse_attestations(all, unknown, 9).await,
        Fault::Missing,
    );
}

/// The last queued first, by state; one that was given up can be queued again, and nothing else that has ended.
pub async fn deliveries_are_listed_and_resumed<S: Store + 'static>(store: Arc<S>) {
    let paid = store_paid(&*store, 4).await;
    let id = |n: usize| paid[n].attestation.id;
    store.give_up(id(1), "it reverts").await.unwrap();
    store.finish(id(2), hash("paid"), 9).await.unwrap();
    store.take_nonce(id(3), address("sender"), 0).await.unwrap();
    let list = async |filter, before, limit| {
        let found: Vec<Delivery> = store
            .browse_deliveries(filter, before, limit)
            .await
            .unwrap();
        found
            .iter()
            .map(|delivery| delivery.attestation)
            .collect::<Vec<_>>()
    };
    let all = DeliveryFilter::All;
    assert_eq!(list(all, None, 99).await, [3, 2, 1, 0].map(id));
    assert_eq!(list(all, Some(id(2)), 1).await, [id(1)]);
    for (filter, wanted) in [
        (DeliveryFilter::Queued, vec![id(0)]),
        (DeliveryFilter::Failed, vec![id(1)]),
        (DeliveryFilter::Done, vec![id(2)]),
        (DeliveryFilter::Sending, vec![id(3)]),
        (DeliveryFilter::Superseded, vec![]),
    ] {
        assert_eq!(list(filter, None, 99).await, wanted, "{filter:?}");
    }
    let unknown = Some(AttestationId(hash("nothing")));
    assert_fault(
        store.browse_deliveries(all, unknown, 9).await,
        Fault::Missing,
    );

    let resume = async |id, key| store.resume(id, &written("desk", key)).await;
    assert_fault(resume(id(2), "done").await, Fault::Refused);
    let missing = AttestationId(hash("nothing"));
    assert_fault(resume(missing, "nothing").await, Fault::Missing);
    resume(id(1), "first").await.unwrap();
    // What is under way already goes on as it does, and only who queued it is in the log.
    resume(id(1), "second").await.unwrap();
    resume(id(3), "third").await.unwrap();
    assert_fault(resume(id(1), "first").await, Fault::Conflict);
    for (key, leaves) in [("done", 0), ("first", 1), ("second", 0), ("third", 0)] {
        assert_eq!(leaves_of(&*store, key).await, leaves, "{key}");
        let is_kept = store.answer("desk", key).await.unwrap().is_some();
        assert_eq!(is_kept, key != "done", "{key}");
    }
    let resumed = store.delivery(id(1)).await.unwrap().unwrap();
    assert_eq!(resumed.state, DeliveryState::Queued);
    assert_eq!(resumed.last_error.as_deref(), Some("it reverts"));
    assert_eq!(list(DeliveryFilter::Failed, None, 9).await, []);
    let chain = resumed.chain_id;
    let due = store.unfinished(chain, LATE, 9).await.unwrap();
    assert!(due.iter().any(|delivery| delivery.attestation == id(1)));
}

/// The newest first, also where a source said several things at one instant.
pub async fn observations_are_listed_newest_first<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await;
    let listened = &risk.streams[0];
    let mut seen: Vec<_> = [(10, 1), (20, 2), (20, 3), (30, 4)]
        .map(|(second, sequence)| observation(listened, second, sequence, "0.99"))
        .into();
    let step = Step {
        observations: seen.clone(),
        sources: vec![advance(0, None, 40)],
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    seen.reverse();
    let found = store.browse_observations(listened, None, 99).await.unwrap();
    assert_eq!(found, seen);
    let before = Some((at(20), Sequence(seen[1].sequence.0)));
    let found = store
        .browse_observations(listened, before, 1)
        .await
        .unwrap();
    assert_eq!(found, seen[2..3]);
    let other = stream(5, 5);
    let found = store.browse_observations(&other, None, 99).await.unwrap();
    assert_eq!(found, []);
}
