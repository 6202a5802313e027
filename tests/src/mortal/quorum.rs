//! The books of a quorum.

use alloy::primitives::{Address, B256};
use async_trait::async_trait;
use tocsin_domain::ids::{ClaimKey, EventKey, ReportsHash};
use tocsin_store::StoreError;
use tocsin_store::quorum::{Ballot, Disagreement, QuorumResult, Quorums, Said, Saying, Statement};

use super::Mortal;

#[async_trait]
impl<S: Quorums> Quorums for Mortal<S> {
    async fn ballot(&self, domain_separator: B256, event: EventKey) -> Result<Ballot, StoreError> {
        self.store.ballot(domain_separator, event).await
    }

    async fn say(
        &self,
        domain_separator: B256,
        statements: &[Statement],
    ) -> Result<Vec<Said>, StoreError> {
        let name = match statements.first().map(|statement| &statement.saying) {
            Some(Saying::Vote { .. }) => "vote",
            Some(Saying::Lock(_)) => "lock",
            Some(Saying::Decision(_)) | None => "decision",
        };
        self.write(name, self.store.say(domain_separator, statements))
            .await
    }

    async fn reports(&self, reports_hash: ReportsHash) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.reports(reports_hash).await
    }

    async fn add_result(&self, result: &QuorumResult) -> Result<(), StoreError> {
        self.write("add_result", self.store.add_result(result))
            .await
    }

    async fn results_of(
        &self,
        claims: &[ClaimKey],
        limit: u32,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        self.store.results_of(claims, limit).await
    }

    async fn note(&self, disagreements: &[Disagreement]) -> Result<(), StoreError> {
        self.write("note", self.store.note(disagreements)).await
    }

    async fn disagreements(&self, limit: u32) -> Result<Vec<Disagreement>, StoreError> {
        self.store.disagreements(limit).await
    }

    async fn count_disagreements(&self) -> Result<Vec<(Option<Address>, String, u64)>, StoreError> {
        self.store.count_disagreements().await
    }
}
