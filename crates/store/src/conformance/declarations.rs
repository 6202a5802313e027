//! Covers that clients declared.

use std::sync::Arc;

use tocsin_domain::ids::TermsHash;

use super::answers::{leaves_of, written};
use super::looks::new_look;
use crate::Store;
use crate::conformance::sample::{at, cover, cover_version, hash, risk, stream};
use crate::conformance::{Fault, assert_fault};
use crate::cover::CoverRecord;
use crate::declaration::{Declaration, NewDeclaration};

fn new(cover: CoverRecord, key: &str) -> NewDeclaration {
    NewDeclaration {
        risks: vec![risk(&cover, 0, &[stream(0, 0)])],
        looks: vec![new_look(1, 50)],
        declaration: Declaration {
            cover,
            evaluate_from: at(2),
            declared_at: at(1),
            declared_by: "insurer".to_owned(),
        },
        written: written("insurer", key),
    }
}

async fn declared(store: &impl Store) -> Vec<Declaration> {
    let placed = store.declarations(0, 9).await.unwrap();
    placed.into_iter().map(|(_place, one)| one).collect()
}

/// Its cover, its risks, what is to be asked, its answer, and the leaf of who declared it; page by page in its order.
pub async fn come_with_all_that_belongs_to_them<S: Store + 'static>(store: Arc<S>) {
    assert_eq!(declared(&*store).await, []);
    let (first, second) = (new(cover(1), "first"), new(cover(0), "second"));
    store.declare(&first).await.unwrap();
    store.declare(&second).await.unwrap();

    let all = [first.declaration.clone(), second.declaration.clone()];
    assert_eq!(declared(&*store).await, all);
    let page = store.declarations(0, 1).await.unwrap();
    let next = store.declarations(page[0].0, 9).await.unwrap();
    assert_eq!(
        (&page[0].1, &next[0].1),
        (&first.declaration, &second.declaration)
    );
    let terms = first.declaration.cover.terms_hash;
    let found = store.declaration(terms).await.unwrap();
    assert_eq!(found, Some(first.declaration.clone()));
    let nothing = TermsHash(hash("nothing"));
    assert_eq!(store.declaration(nothing).await.unwrap(), None);

    let stored = store.cover(terms).await.unwrap();
    assert_eq!(stored, Some(first.declaration.cover.clone()));
    let stored = store.risk(first.risks[0].risk.id).await.unwrap();
    assert_eq!(stored, Some(first.risks[0].clone()));
    let look = &first.looks[0];
    let stored = store.look(&look.source, &look.subject).await.unwrap();
    assert_eq!(stored, Some(look.look()));
    let answer = store.answer("insurer", "first").await.unwrap();
    assert_eq!(answer, Some(first.written.answer.clone()));
    assert_eq!(leaves_of(&*store, "first").await, 1);
}

/// One that is in force, whoever brought it, one that contradicts another, and one whose time has come leave no trace.
pub async fn are_made_once<S: Store + 'static>(store: Arc<S>) {
    let first = new(cover(0), "first");
    store.declare(&first).await.unwrap();
    store.add_cover(&cover(1), &[]).await.unwrap();
    let same_key = new(cover(2), "first");
    let other_terms = new(cover_version(0, 1, "other"), "other");
    let mut later = new(cover(0), "later");
    later.declaration.evaluate_from = at(7);
    let configured = new(cover(1), "configured");
    for conflicting in [same_key, other_terms, later, configured] {
        assert_fault(store.declare(&conflicting).await, Fault::Conflict);
    }
    let mut known = new(cover(2), "known");
    known.declaration.evaluate_from = known.declaration.declared_at;
    assert_fault(store.declare(&known).await, Fault::Refused);

    assert_eq!(declared(&*store).await, [first.declaration]);
    assert_eq!(store.covers().await.unwrap(), [cover(0), cover(1)]);
    for key in ["other", "later", "configured", "known"] {
        assert_eq!(store.answer("insurer", key).await.unwrap(), None, "{key}");
        assert_eq!(leaves_of(&*store, key).await, 0, "{key}");
    }
}
