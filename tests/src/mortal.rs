//! A store that ends the process at a chosen write: just before it is made, or just after it is durable.
//!
//! Everything is done by the store inside. Reads are not counted, and every write is announced on standard output, which
//! is how a test knows what died where.

mod attestors;
mod browse;
mod credentials;
mod epochs;
mod log;
mod polled;
mod quorum;
mod standings;
mod webhooks;

use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::io::Write;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use alloy::primitives::{Address, B256};
use async_trait::async_trait;
use tocsin_domain::claim::Claim;
use tocsin_domain::coverage::Coverage;
use tocsin_domain::determination::Determination;
use tocsin_domain::ids::{AttestationId, BatchId, ClaimKey, PolicyId, RiskId, TermsHash};
use tocsin_domain::observation::{Observation, SourceId, Subject};
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::answer::Written;
use tocsin_store::attestation::{
    AttestationRecord, Attestations, BatchMember, BatchRecord, Issued, Reservation, Reservations,
    Reserved,
};
use tocsin_store::backlog::{Backlog, Backlogs};
use tocsin_store::claim::Claims;
use tocsin_store::cover::{CoverRecord, Covers, RiskRecord};
use tocsin_store::coverage::{Coverages, Recheck};
use tocsin_store::delivery::{Attempt, Charge, Charged, Deliveries, Delivery};
use tocsin_store::grounds::{Grounds, Groundwork};
use tocsin_store::halt::{Halt, Halted, Halts};
use tocsin_store::policy::Policies;
use tocsin_store::step::{RiskSnapshot, SourceProgress, Step, Steps};
use tocsin_store::unwind::{Kept, KeptClaim, Mark, Unwinds, Unwound};
use tocsin_store::version::{Version, Versions};
use tocsin_store::warning::{Warning, WarningChange, WarningId, Warnings};

/// On which side of a write the process ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Side {
    /// The write is not made.
    Before,
    /// The write is durable, and its caller never hears of it.
    After,
}

/// Where a process ends: `never`, or `before:WRITE` or `after:WRITE`, where WRITE is the number of a write, from 1, or the
/// name of one, which means the first of that name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Death(Option<(Side, Last)>);

/// The last write of a process.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Last {
    Nth(u32),
    First(String),
}

impl Death {
    /// It goes on until somebody else ends it.
    pub const NEVER: Self = Self(None);

    /// At the `nth` write.
    pub fn at(side: Side, nth: u32) -> Self {
        Self(Some((side, Last::Nth(nth))))
    }

    /// At the first write of this name.
    pub fn at_first(side: Side, name: &str) -> Self {
        Self(Some((side, Last::First(name.to_owned()))))
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((side, last)) = &self.0 else {
            return f.write_str("never");
        };
        match last {
            Last::Nth(nth) => write!(f, "{side}:{nth}"),
            Last::First(name) => write!(f, "{side}:{name}"),
        }
    }
}

impl FromStr for Death {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self::NEVER);
        }
        let (side, last) = text.split_once(':').ok_or("want SIDE:WRITE")?;
        let side = side.parse()?;
        Ok(match last.parse() {
            Ok(nth) => Self::at(side, nth),
            Err(_name) => Self::at_first(side, last),
        })
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::After => "after",
        })
    }
}

impl FromStr for Side {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "before" => Ok(Self::Before),
            "after" => Ok(Self::After),
            _ => Err(format!("`{text}` is neither before nor after")),
        }
    }
}

/// What was said of a write on standard output: `before NAME` when it is called, `after NAME` when it has returned.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Told {
    /// Which of the two.
    pub side: Side,
    /// The method of the store.
    pub write: String,
}

impl Told {
    /// Reads a line of standard output.
    pub fn parse(line: &str) -> Result<Self, String> {
        let (side, write) = line.split_once(' ').ok_or("want SIDE NAME")?;
        Ok(Self {
            side: side.parse()?,
            write: write.to_owned(),
        })
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.side, self.write)
    }
}

/// A store and the end that waits in it.
pub struct Mortal<S> {
    store: S,
    death: Death,
    begun: AtomicU32,
    dying: AtomicBool,
}

impl<S> Mortal<S> {
    /// `store`, until `death`.
    pub fn new(store: S, death: Death) -> Self {
        Self {
            store,
            death,
            begun: AtomicU32::new(0),
            dying: AtomicBool::new(false),
        }
    }

    async fn write<T>(&self, name: &str, write: impl Future<Output = T>) -> T {
        let nth = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let end = match &self.death.0 {
            Some((side, Last::Nth(last))) if nth == *last => Some(*side),
            Some((side, Last::First(last))) if name == last => Some(*side),
            _ => None,
        };
        let too_late = if end.is_some() {
            self.dying.swap(true, Ordering::SeqCst)
        } else {
            self.dying.load(Ordering::SeqCst)
        };
        if too_late {
            // The last write is under way; another stage must not slip in behind it.
            pending::<()>().await;
        }
        pass(Side::Before, name, end);
        let outcome = write.await;
        pass(Side::After, name, end);
        outcome
    }
}

impl<S> Mortal<S> {
    /// A write whose moment a timer decides: it has no number, and is told of only where a life ends at it.
    async fn unnumbered<T>(&self, name: &str, write: impl Future<Output = T>) -> T {
        match &self.death.0 {
            Some((_, Last::First(last))) if name == last => self.write(name, write).await,
            _ => write.await,
        }
    }
}

/// Tells that a write is called or has returned, and ends the process if that is its end.
fn pass(side: Side, name: &str, end: Option<Side>) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{side} {name}").unwrap();
    // What was said must outlive an abort.
    out.flush().unwrap();
    if end == Some(side) {
        std::process::abort();
    }
}

#[async_trait]
impl<S: Covers> Covers for Mortal<S> {
    async fn add_cover(&self, cover: &CoverRecord, risks: &[RiskRecord]) -> Result<(), StoreError> {
        self.write("add_cover", self.store.add_cover(cover, risks))
            .await
    }

    async fn covers(&self) -> Result<Vec<CoverRecord>, StoreError> {
        self.store.covers().await
    }

    async fn cover(&self, terms: TermsHash) -> Result<Option<CoverRecord>, StoreError> {
        self.store.cover(terms).await
    }

    async fn risk(&self, id: RiskId) -> Result<Option<RiskRecord>, StoreError> {
        self.store.risk(id).await
    }
}

#[async_trait]
impl<S: Policies> Policies for Mortal<S> {
    async fn add_policies(&self, policies: &[Policy]) -> Result<(), StoreError> {
        self.write("add_policies", self.store.add_policies(policies))
            .await
    }

    async fn policy(&self, id: PolicyId) -> Result<Option<Policy>, StoreError> {
        self.store.policy(id).await
    }

    async fn policies(&self, ids: &[PolicyId]) -> Result<BTreeMap<PolicyId, Policy>, StoreError> {
        self.store.policies(ids).await
    }

    async fn policies_on(&self, risk: RiskId) -> Result<Vec<Policy>, StoreError> {
        self.store.policies_on(risk).await
    }
}

#[async_trait]
impl<S: Steps> Steps for Mortal<S> {
    async fn progress(&self, source: &SourceId) -> Result<Option<SourceProgress>, StoreError> {
        self.store.progress(source).await
    }

    async fn snapshots(&self, sources: &[SourceId]) -> Result<Vec<RiskSnapshot>, StoreError> {
        self.store.snapshots(sources).await
    }

    async fn snapshots_of(
        &self,
        subjects: &[(SourceId, Subject)],
    ) -> Result<Vec<RiskSnapshot>, StoreError> {
        self.store.snapshots_of(subjects).await
    }

    async fn history(
        &self,
        streams: &[Stream],
        after: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Observation>, StoreError> {
        self.store.history(streams, after, until).await
    }

    async fn commit(&self, step: &Step) -> Result<(), StoreError> {
        self.write("commit", self.store.commit(step)).await
    }
}

#[async_trait]
impl<S: Coverages> Coverages for Mortal<S> {
    async fn coverage(
        &self,
        source: &SourceId,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Coverage>, StoreError> {
        self.store.coverage(source, after, limit).await
    }

    async fn observed(
        &self,
        source: &SourceId,
        blocks: RangeInclusive<u64>,
        times: RangeInclusive<Timestamp>,
    ) -> Result<Vec<Observation>, StoreError> {
        self.store.observed(source, blocks, times).await
    }

    async fn add_recheck(&self, recheck: &Recheck) -> Result<(), StoreError> {
        self.write("add_recheck", self.store.add_recheck(recheck))
            .await
    }

    async fn rechecks(&self, source: &SourceId, limit: u32) -> Result<Vec<Recheck>, StoreError> {
        self.store.rechecks(source, limit).await
    }
}

#[async_trait]
impl<S: Halts> Halts for Mortal<S> {
    async fn halt(&self, sources: &[SourceId], halt: &Halt) -> Result<(), StoreError> {
        self.write("halt", self.store.halt(sources, halt)).await
    }

    async fn halts(&self) -> Result<Vec<Halted>, StoreError> {
        self.store.halts().await
    }

    async fn clear_halt(&self, sources: &[SourceId]) -> Result<(), StoreError> {
        self.write("clear_halt", self.store.clear_halt(sources))
            .await
    }
}

#[async_trait]
impl<S: Unwinds> Unwinds for Mortal<S> {
    async fn unwind(&self, sources: &[SourceId], to: Option<&Mark>) -> Result<Unwound, StoreError> {
        self.write("unwind", self.store.unwind(sources, to)).await
    }

    async fn kept(&self) -> Result<Vec<KeptClaim>, StoreError> {
        self.store.kept().await
    }

    async fn acknowledge(&self, kept: &[Kept], at: Timestamp) -> Result<(), StoreError> {
        self.write("acknowledge", self.store.acknowledge(kept, at))
            .await
    }
}

#[async_trait]
impl<S: Warnings> Warnings for Mortal<S> {
    async fn standing(&self, chain: Option<&str>) -> Result<Vec<Warning>, StoreError> {
        self.store.standing(chain).await
    }

    async fn change_warnings(&self, change: &WarningChange) -> Result<Vec<WarningId>, StoreError> {
        self.write("change_warnings", self.store.change_warnings(change))
            .await
    }

    async fn warnings(
        &self,
        before: Option<WarningId>,
        limit: u32,
    ) -> Result<Vec<Warning>, StoreError> {
        self.store.warnings(before, limit).await
    }
}

#[async_trait]
impl<S: Backlogs + Sync> Backlogs for Mortal<S> {
    async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.store.backlog().await
    }
}

#[async_trait]
impl<S: Versions> Versions for Mortal<S> {
    async fn version(&self) -> Result<Version, StoreError> {
        self.store.version().await
    }
}

#[async_trait]
impl<S: Groundwork> Groundwork for Mortal<S> {
    async fn grounds(&self, policy: PolicyId) -> Result<Option<Grounds>, StoreError> {
        self.store.grounds(policy).await
    }
}

#[async_trait]
impl<S: Claims> Claims for Mortal<S> {
    async fn determination(
        &self,
        risk: RiskId,
        ordinal: u32,
    ) -> Result<Option<Determination>, StoreError> {
        self.store.determination(risk, ordinal).await
    }

    async fn determinations_of(&self, risk: RiskId) -> Result<Vec<Determination>, StoreError> {
        self.store.determinations_of(risk).await
    }

    async fn unclaimed(&self, limit: u32) -> Result<Vec<Determination>, StoreError> {
        self.store.unclaimed(limit).await
    }

    async fn add_claims(&self, claims: &[Claim]) -> Result<(), StoreError> {
        self.write("add_claims", self.store.add_claims(claims))
            .await
    }

    async fn claims_of(&self, policy: PolicyId) -> Result<Vec<Claim>, StoreError> {
        self.store.claims_of(policy).await
    }

    async fn claims_of_each(
        &self,
        policies: &[PolicyId],
    ) -> Result<BTreeMap<PolicyId, Vec<Claim>>, StoreError> {
        self.store.claims_of_each(policies).await
    }

    async fn unattested(&self, limit: u32) -> Result<Vec<Claim>, StoreError> {
        self.store.unattested(limit).await
    }
}

#[async_trait]
impl<S: Reservations> Reservations for Mortal<S> {
    async fn reserve_all(&self, wanted: &[Reservation]) -> Result<Vec<Reserved>, StoreError> {
        self.write("reserve", self.store.reserve_all(wanted)).await
    }

    async fn restate_all(&self, wanted: &[Reservation]) -> Result<Vec<Reserved>, StoreError> {
        self.write("restate", self.store.restate_all(wanted)).await
    }

    async fn statements(
        &self,
        domain_separator: B256,
        claim_key: ClaimKey,
    ) -> Result<Vec<Reservation>, StoreError> {
        self.store.statements(domain_separator, claim_key).await
    }
}

#[async_trait]
impl<S: Attestations> Attestations for Mortal<S> {
    async fn add_attestations(&self, issued: &[Issued<'_>]) -> Result<(), StoreError> {
        let write = self.store.add_attestations(issued);
        self.write("add_attestations", write).await
    }

    async fn add_batch(
        &self,
        batch: &BatchRecord,
        members: &[BatchMember],
    ) -> Result<(), StoreError> {
        self.write("add_batch", self.store.add_batch(batch, members))
            .await
    }

    async fn batch(&self, id: BatchId) -> Result<Option<BatchRecord>, StoreError> {
        self.store.batch(id).await
    }

    async fn attestation(
        &self,
        id: AttestationId,
    ) -> Result<Option<AttestationRecord>, StoreError> {
        self.store.attestation(id).await
    }

    async fn attestations_of(
        &self,
        policy: PolicyId,
    ) -> Result<Vec<AttestationRecord>, StoreError> {
        self.store.attestations_of(policy).await
    }

    async fn recent_attestations(&self, limit: u32) -> Result<Vec<AttestationRecord>, StoreError> {
        self.store.recent_attestations(limit).await
    }
}

#[async_trait]
impl<S: Deliveries> Deliveries for Mortal<S> {
    async fn unfinished(
        &self,
        chain_id: u64,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.store.unfinished(chain_id, now, limit).await
    }

    async fn delivery(&self, attestation: AttestationId) -> Result<Option<Delivery>, StoreError> {
        self.store.delivery(attestation).await
    }

    async fn take_nonce(
        &self,
        attestation: AttestationId,
        sender: Address,
        chain_nonce: u64,
    ) -> Result<u64, StoreError> {
        let write = self.store.take_nonce(attestation, sender, chain_nonce);
        self.write("take_nonce", write).await
    }

    async fn add_attempt(
        &self,
        attestation: AttestationId,
        attempt: &Attempt,
    ) -> Result<(), StoreError> {
        self.write("add_attempt", self.store.add_attempt(attestation, attempt))
            .await
    }

    async fn put_back(
        &self,
        attestation: AttestationId,
        error: &str,
        not_before: Timestamp,
        release_nonce: bool,
    ) -> Result<(), StoreError> {
        let write = self
            .store
            .put_back(attestation, error, not_before, release_nonce);
        self.write("put_back", write).await
    }

    async fn finish(
        &self,
        attestation: AttestationId,
        transaction: B256,
        block: u64,
    ) -> Result<(), StoreError> {
        let write = self.store.finish(attestation, transaction, block);
        self.write("finish", write).await
    }

    async fn give_up(&self, attestation: AttestationId, error: &str) -> Result<(), StoreError> {
        self.write("give_up", self.store.give_up(attestation, error))
            .await
    }

    async fn resume(
        &self,
        attestation: AttestationId,
        written: &Written,
    ) -> Result<(), StoreError> {
        let write = self.store.resume(attestation, written);
        self.write("resume", write).await
    }

    async fn charge(
        &self,
        attestation: AttestationId,
        hash: B256,
        charge: &Charge,
    ) -> Result<bool, StoreError> {
        let write = self.store.charge(attestation, hash, charge);
        self.write("charge", write).await
    }

    async fn charges(&self, attestation: AttestationId) -> Result<Vec<Charged>, StoreError> {
        self.store.charges(attestation).await
    }
}
