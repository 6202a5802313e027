//! Looking around, answers to writes, and covers that are declared.

use async_trait::async_trait;
use tocsin_domain::claim::Claim;
use tocsin_domain::determination::Determination;
use tocsin_domain::ids::{AttestationId, ClaimKey, PolicyId, RiskId, TermsHash};
use tocsin_domain::observation::{Observation, Sequence};
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::answer::{Answer, Answers};
use tocsin_store::attestation::AttestationRecord;
use tocsin_store::browse::{
    AttestationFilter, Browse, ClaimEntry, ClaimFilter, DeliveryFilter, DeterminationPlace,
    PolicyFilter,
};
use tocsin_store::cover::RiskRecord;
use tocsin_store::declaration::{Declaration, Declarations, NewDeclaration};
use tocsin_store::delivery::Delivery;

use super::Mortal;

#[async_trait]
impl<S: Browse> Browse for Mortal<S> {
    async fn browse_policies(
        &self,
        filter: PolicyFilter,
        after: Option<PolicyId>,
        limit: u32,
    ) -> Result<Vec<Policy>, StoreError> {
        self.store.browse_policies(filter, after, limit).await
    }

    async fn browse_risks(
        &self,
        terms: Option<TermsHash>,
        after: Option<RiskId>,
        limit: u32,
    ) -> Result<Vec<RiskRecord>, StoreError> {
        self.store.browse_risks(terms, after, limit).await
    }

    async fn risks_of_subject(&self, subject: &str, limit: u32) -> Result<Vec<RiskId>, StoreError> {
        self.store.risks_of_subject(subject, limit).await
    }

    async fn browse_determinations(
        &self,
        before: Option<DeterminationPlace>,
        limit: u32,
    ) -> Result<Vec<Determination>, StoreError> {
        self.store.browse_determinations(before, limit).await
    }

    async fn browse_claims(
        &self,
        risk: RiskId,
        ordinal: u32,
        after: Option<PolicyId>,
        limit: u32,
    ) -> Result<Vec<Claim>, StoreError> {
        self.store.browse_claims(risk, ordinal, after, limit).await
    }

    async fn browse_observations(
        &self,
        stream: &Stream,
        before: Option<(Timestamp, Sequence)>,
        limit: u32,
    ) -> Result<Vec<Observation>, StoreError> {
        self.store.browse_observations(stream, before, limit).await
    }

    async fn browse_every_claim(
        &self,
        filter: ClaimFilter,
        after: Option<(PolicyId, u32)>,
        limit: u32,
    ) -> Result<Vec<ClaimEntry>, StoreError> {
        self.store.browse_every_claim(filter, after, limit).await
    }

    async fn claim_of_key(&self, key: ClaimKey) -> Result<Option<ClaimEntry>, StoreError> {
        self.store.claim_of_key(key).await
    }

    async fn browse_attestations(
        &self,
        filter: AttestationFilter,
        before: Option<AttestationId>,
        limit: u32,
    ) -> Result<Vec<AttestationRecord>, StoreError> {
        self.store.browse_attestations(filter, before, limit).await
    }

    async fn browse_deliveries(
        &self,
        filter: DeliveryFilter,
        before: Option<AttestationId>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.store.browse_deliveries(filter, before, limit).await
    }
}

#[async_trait]
impl<S: Answers> Answers for Mortal<S> {
    async fn answer(&self, caller: &str, key: &str) -> Result<Option<Answer>, StoreError> {
        self.store.answer(caller, key).await
    }

    async fn add_answer(&self, answer: &Answer) -> Result<(), StoreError> {
        self.write("add_answer", self.store.add_answer(answer))
            .await
    }

    async fn forget_answers(&self, before: Timestamp) -> Result<u64, StoreError> {
        // Housekeeping: no step of a claim, and every life begins with it.
        self.store.forget_answers(before).await
    }
}

#[async_trait]
impl<S: Declarations> Declarations for Mortal<S> {
    async fn declare(&self, new: &NewDeclaration) -> Result<(), StoreError> {
        self.write("declare", self.store.declare(new)).await
    }

    async fn declaration(&self, terms: TermsHash) -> Result<Option<Declaration>, StoreError> {
        self.store.declaration(terms).await
    }

    async fn declarations(
        &self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Declaration)>, StoreError> {
        self.store.declarations(after, limit).await
    }
}
