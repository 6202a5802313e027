//! In which revision a claim is stated: the first; or after a revocation, where a person has allowed a corrected statement
//! at each of the attestors, the next one.

use tocsin_domain::attestation::ClaimAttestation;
use tocsin_domain::attestation::payload::FIRST_REVISION;
use tocsin_store::StoreError;
use tocsin_store::attestation::Reservation;
use tocsin_store::revocation::Standing;

use super::issue::Books;
use crate::message::Revision;
use crate::node::Node;
use crate::refusal::{Reason, Refusal};

impl Node {
    /// The payload in the `asked` revision, if that is the one that this node finds too; in its own, where none is asked for.
    pub(super) async fn revised(
        &self,
        books: &Books,
        payload: ClaimAttestation,
        asked: Option<Revision>,
    ) -> Result<ClaimAttestation, Refusal> {
        let claim_key = payload.claim_key();
        let domain = self.attestor.domain();
        let separator = domain.domain_separator();
        let mut stopped = books.stopped.iter();
        let standing = stopped.find(|standing| standing.news.claim_key == claim_key);
        let revoked = |detail: &str| {
            Refusal::new(Reason::Revoked, format!("the claim {claim_key}: {detail}"))
        };
        let number = match standing.map(Standing::revision) {
            None => FIRST_REVISION,
            Some(Some(number)) => number,
            Some(None) => return Err(revoked("nothing may be said of it")),
        };
        if asked.is_some_and(|asked| asked.number != number) {
            return Err(revoked(&format!(
                "here revision {number} is the one to be said"
            )));
        }
        if number == FIRST_REVISION {
            return Ok(payload);
        }
        let said = self.store.statements(separator, claim_key).await?;
        let said = read_statements(&said)?.into_iter().rev();
        let mut earlier = said.filter(|one| one.revision < number);
        let superseded = earlier.find_map(|one| {
            let id = domain.digest(&one);
            asked
                .is_none_or(|asked| asked.supersedes == id.0)
                .then_some(id)
        });
        let superseded = superseded
            .ok_or_else(|| revoked("no statement that this one corrects was made here"))?;
        Ok(ClaimAttestation {
            revision: number,
            supersedes: superseded.0,
            ..payload
        })
    }
}

/// What was journaled under a claim's key. One statement that cannot be read is an error: it may be the one that forbids what
/// is about to be signed.
pub(super) fn read_statements(said: &[Reservation]) -> Result<Vec<ClaimAttestation>, Refusal> {
    let read = |one: &Reservation| {
        ClaimAttestation::from_bytes(&one.payload).map_err(|error| {
            Refusal::from(StoreError::InvalidRow {
                noun: "statement",
                key: one.attestation_id.to_string(),
                reason: error.to_string(),
            })
        })
    };
    said.iter().map(read).collect()
}
