//! Warnings: one at a time for a loss event, until it is withdrawn or the loss is determined.

use std::sync::Arc;

use tocsin_domain::eval::outcome::Unknown;

use crate::Store;
use crate::conformance::sample::{
    at, cover, decimal, determination, hash, risk, store_risk, stream, warning,
};
use crate::conformance::{Fault, assert_fault};
use crate::step::Step;
use crate::warning::{Ending, NewWarning, Warning, WarningChange, WarningId};

fn raise(raise: Vec<NewWarning>) -> WarningChange {
    WarningChange {
        withdraw: vec![],
        raise,
        at: at(300),
    }
}

fn withdraw(withdraw: Vec<WarningId>) -> WarningChange {
    WarningChange {
        withdraw,
        raise: vec![],
        at: at(400),
    }
}

/// Raised, found standing, withdrawn, and still listed.
pub async fn stand_until_withdrawn<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await.risk;
    let (mut one, mut two, three) = (warning(&risk, 1), warning(&risk, 2), warning(&risk, 3));
    one.payout = Some(Ok(decimal("0.25")));
    two.payout = Some(Err(Unknown::Overflow));
    two.chain = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp".to_owned();
    let change = raise(vec![two.clone(), one.clone(), three.clone()]);
    let ids = store.change_warnings(&change).await.unwrap();
    // Again, and nothing is new.
    assert_eq!(store.change_warnings(&change).await.unwrap(), ids);
    let standing = |at_number: usize, warning: &NewWarning| Warning {
        id: ids[at_number],
        warning: warning.clone(),
        raised_at: at(300),
        ended: None,
    };
    let (two, one, three) = (standing(0, &two), standing(1, &one), standing(2, &three));
    let all = [one.clone(), two.clone(), three.clone()];
    assert_eq!(store.standing(None).await.unwrap(), all);
    assert_eq!(
        store.standing(Some("eip155:1")).await.unwrap(),
        [one.clone(), three.clone()]
    );
    assert_eq!(store.standing(Some("eip155:10")).await.unwrap(), []);

    let gone = withdraw(vec![two.id]);
    assert_eq!(store.change_warnings(&gone).await.unwrap(), []);
    let later = WarningChange {
        at: at(500),
        ..gone
    };
    store.change_warnings(&later).await.unwrap();
    let withdrawn = Warning {
        ended: Some((at(400), Ending::Withdrawn)),
        ..two
    };
    assert_eq!(
        store.standing(None).await.unwrap(),
        [one.clone(), three.clone()]
    );
    assert_eq!(
        store.warnings(None, 9).await.unwrap(),
        [three.clone(), one.clone(), withdrawn.clone()]
    );
    let before = store.warnings(Some(three.id), 9).await.unwrap();
    assert_eq!(before, [one, withdrawn]);
    let next = store.warnings(Some(three.id), 1).await.unwrap();
    assert_eq!(next, before[..1]);
}

/// Another one takes the place of one that is withdrawn in the same change, and only then.
pub async fn give_way_to_others<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await.risk;
    let first = warning(&risk, 1);
    let change = raise(vec![first.clone()]);
    let [id] = store.change_warnings(&change).await.unwrap()[..] else {
        panic!("one was raised")
    };
    let mut other = first.clone();
    other.block_hash = hash("another block 12");
    let mut change = raise(vec![warning(&risk, 2), other.clone()]);
    assert_fault(store.change_warnings(&change).await, Fault::Conflict);
    assert_eq!(store.standing(None).await.unwrap().len(), 1);
    change.withdraw.push(id);
    let raised = store.change_warnings(&change).await.unwrap();
    let standing = store.standing(None).await.unwrap();
    assert_eq!(standing.len(), 2);
    assert_eq!((standing[0].id, &standing[0].warning), (raised[1], &other));

    let mut beyond = warning(&risk, 3);
    beyond.payout = Some(Ok(decimal("1.01")));
    let mut backwards = warning(&risk, 3);
    backwards.confirmed_at = at(99);
    for wrong in [beyond, backwards] {
        assert_fault(
            store.change_warnings(&raise(vec![wrong])).await,
            Fault::Refused,
        );
    }
    let unknown = WarningId(raised[0].0 + 99);
    assert_fault(
        store.change_warnings(&withdraw(vec![id, unknown])).await,
        Fault::Missing,
    );
    let nobody = crate::conformance::sample::risk(&cover(3), 3, &[stream(0, 0)]).risk;
    assert_fault(
        store
            .change_warnings(&raise(vec![warning(&nobody, 1)]))
            .await,
        Fault::Missing,
    );
}

/// The step that determines the loss ends its warning, and no new one is raised.
pub async fn are_confirmed_by_determinations<S: Store + 'static>(store: Arc<S>) {
    let first = store_risk(&*store).await.risk;
    let other = risk(&cover(0), 2, &[stream(0, 0)]);
    store
        .add_cover(&cover(0), std::slice::from_ref(&other))
        .await
        .unwrap();
    let other = other.risk;
    let change = raise(vec![
        warning(&first, 1),
        warning(&first, 2),
        warning(&other, 1),
    ]);
    let ids = store.change_warnings(&change).await.unwrap();
    let decided = determination(&first, 1, 100);
    let step = Step {
        determinations: vec![decided.clone()],
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    let mut standing: Vec<WarningId> = store
        .standing(None)
        .await
        .unwrap()
        .iter()
        .map(|warning| warning.id)
        .collect();
    standing.sort();
    assert_eq!(standing, ids[1..]);
    let ended = store.warnings(Some(ids[1]), 1).await.unwrap()[0].ended;
    assert_eq!(ended, Some((decided.determined_at, Ending::Confirmed)));
    // It stays confirmed, and needs no other.
    store
        .change_warnings(&withdraw(vec![ids[0]]))
        .await
        .unwrap();
    let same = store.warnings(Some(ids[1]), 1).await.unwrap()[0].ended;
    assert_eq!(same, ended);
    let late = raise(vec![warning(&first, 1)]);
    assert_fault(store.change_warnings(&late).await, Fault::Stale);
}
