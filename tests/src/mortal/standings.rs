//! What a mortal store does about claims that are held, revoked, said anew or mirrored.

use alloy::primitives::B256;
use async_trait::async_trait;
use tocsin_domain::attestation::eas::EasContract;
use tocsin_domain::ids::{AttestationId, ClaimKey, PolicyId};
use tocsin_store::StoreError;
use tocsin_store::mirror::{MirrorRecord, Mirrors, Unmirrored};
use tocsin_store::renewal::{Cutoff, Renewals, Unredeemed};
use tocsin_store::revocation::{ClaimNews, NewWithdrawal, Standing, Standings};

use super::Mortal;

#[async_trait]
impl<S: Standings> Standings for Mortal<S> {
    async fn standing_cursor(&self, domain_separator: B256) -> Result<Option<u64>, StoreError> {
        self.store.standing_cursor(domain_separator).await
    }

    async fn put_standings(
        &self,
        domain_separator: B256,
        next_block: Option<u64>,
        news: &[ClaimNews],
    ) -> Result<(), StoreError> {
        let write = self.store.put_standings(domain_separator, next_block, news);
        self.write("put_standings", write).await
    }

    async fn claim_standing(
        &self,
        domain_separator: B256,
        claim_key: ClaimKey,
    ) -> Result<Option<Standing>, StoreError> {
        self.store.claim_standing(domain_separator, claim_key).await
    }

    async fn stopped(&self, domain_separator: B256) -> Result<Vec<Standing>, StoreError> {
        self.store.stopped(domain_separator).await
    }

    async fn bar(&self, policy: PolicyId, ordinal: u32) -> Result<(), StoreError> {
        self.write("bar", self.store.bar(policy, ordinal)).await
    }

    async fn allow_correction(
        &self,
        domain_separator: B256,
        claim_key: ClaimKey,
        policy: PolicyId,
        ordinal: u32,
    ) -> Result<(), StoreError> {
        let write = self
            .store
            .allow_correction(domain_separator, claim_key, policy, ordinal);
        self.write("allow_correction", write).await
    }

    async fn withdraw(&self, withdrawal: &NewWithdrawal) -> Result<(), StoreError> {
        self.write("withdraw", self.store.withdraw(withdrawal))
            .await
    }
}

#[async_trait]
impl<S: Renewals> Renewals for Mortal<S> {
    async fn renewable(
        &self,
        domain_separator: B256,
        cutoffs: &[Cutoff],
        limit: u32,
    ) -> Result<Vec<Unredeemed>, StoreError> {
        self.store.renewable(domain_separator, cutoffs, limit).await
    }

    async fn renew(&self, claims: &[Unredeemed]) -> Result<u64, StoreError> {
        self.write("renew", self.store.renew(claims)).await
    }

    async fn unredeemed(&self, domain_separator: B256) -> Result<Vec<(u32, u64)>, StoreError> {
        self.store.unredeemed(domain_separator).await
    }
}

#[async_trait]
impl<S: Mirrors> Mirrors for Mortal<S> {
    async fn unmirrored(
        &self,
        domain_separator: B256,
        contract: &EasContract,
        epochs: &[u32],
        after: u64,
        limit: u32,
    ) -> Result<Vec<Unmirrored>, StoreError> {
        self.store
            .unmirrored(domain_separator, contract, epochs, after, limit)
            .await
    }

    async fn add_mirrors(&self, mirrors: &[MirrorRecord]) -> Result<(), StoreError> {
        self.write("add_mirrors", self.store.add_mirrors(mirrors))
            .await
    }

    async fn mirror(
        &self,
        attestation: AttestationId,
        contract: &EasContract,
    ) -> Result<Option<MirrorRecord>, StoreError> {
        self.store.mirror(attestation, contract).await
    }
}
