//! What both sides of the protocol are made of: a key, the books, and what they cost to ask again.

mod fusion;
mod noted;
mod own;
mod report;

pub(crate) use own::Own;

use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tocsin_attest::{AttestError, Attestor, Seat};
use tocsin_domain::attestation::{ClaimAttestation, Epoch, SignerSet, SigningDomain};
use tocsin_domain::cover::Cover;
use tocsin_domain::determination::Determination;
use tocsin_domain::ids::{EventKey, ReportsHash, TermsHash};
use tocsin_domain::quorum::{Fused, SignedReport};
use tocsin_domain::time::Timestamp;
use tocsin_store::Store;
use tokio::time::Instant;

use crate::gate::Gate;
use crate::memory::Memory;
use crate::refusal::{Reason, Refusal};
use crate::settings::Settings;
use crate::size::Size;
use crate::standing::Standing;
use crate::works::Works;

/// How often a refusal of somebody who could not prove who it is, is recorded for the same reason.
const STRANGERS: Duration = Duration::from_millis(200);

/// Says what time it is.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Told when something has come that can be recorded.
pub type Ring = Arc<dyn Fn() + Send + Sync>;

/// A node of a quorum.
pub struct Node {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) attestor: Arc<Attestor>,
    pub(crate) settings: Settings,
    pub(crate) client: reqwest::Client,
    pub(crate) ring: Ring,
    pub(crate) standing: Standing,
    pub(crate) gate: Gate,
    now: Now,
    strangers: Mutex<BTreeMap<Reason, Instant>>,
    covers: Mutex<BTreeMap<TermsHash, Arc<Cover>>>,
    fusions: Memory<(EventKey, ReportsHash), Arc<Fused>>,
    reports: Memory<(EventKey, u32), (Determination, SignedReport)>,
    pub(crate) works: Works,
}

/// Why there is no node.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The key, or its epoch.
    #[error(transparent)]
    Attest(#[from] AttestError),
    /// The client that asks other attestors.
    #[error("cannot prepare to ask other attestors")]
    Client(#[from] reqwest::Error),
}

impl Node {
    /// A node that signs with `attestor` and rings `ring` when another attestor has told it something.
    pub fn new(
        store: Arc<dyn Store>,
        attestor: Arc<Attestor>,
        settings: Settings,
        now: Now,
        ring: Ring,
    ) -> Result<Self, NodeError> {
        let client = reqwest::Client::builder()
            .connect_timeout(settings.request_timeout)
            .timeout(settings.request_timeout)
            // What is signed is for this address.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        let standing = Standing::default();
        standing.expect(settings.peers.keys().copied());
        Ok(Self {
            store,
            attestor,
            settings,
            client,
            ring,
            standing,
            gate: Gate::default(),
            now,
            strangers: Mutex::default(),
            covers: Mutex::default(),
            fusions: Memory::default(),
            reports: Memory::default(),
            works: Works::default(),
        })
    }

    /// How the quorum is doing, as this node sees it.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its place in the epoch that signs now.
    pub fn seat(&self) -> Result<Seat<'_>, AttestError> {
        self.attestor.seat(self.now())
    }

    /// For whom it attests: a verifier contract, or a programme off-chain.
    pub fn domain(&self) -> SigningDomain {
        self.attestor.domain()
    }

    /// Until when a statement is accepted, seconds; `None` where it never is, or where its epoch is not known.
    pub fn redeemable_until(&self, payload: &ClaimAttestation) -> Option<u64> {
        let epochs = self.attestor.epochs();
        let mut epochs = epochs.iter();
        let epoch = epochs.find(|epoch| epoch.number() == payload.signerEpoch)?;
        epoch.redeemable_until(payload.validUntil)
    }

    pub(crate) fn size(&self) -> Size {
        Size::of(self.settings.most_bytes)
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Who signs in an epoch; refused where that is not known, where the epoch is revoked, since its keys may be stolen, and
    /// where nothing that it signs is accepted any more, since nobody guards such keys.
    pub(crate) fn signers(&self, epoch: u32) -> Result<SignerSet, Refusal> {
        let epochs = self.attestor.epochs();
        let found = epochs.iter().find(|known| known.number() == epoch);
        match found {
            Some(known) if known.revoked => Err(Refusal::new(
                Reason::OtherEpoch,
                format!("epoch {epoch} is revoked"),
            )),
            Some(known) if !self.is_accepted(known) => Err(Refusal::new(
                Reason::OtherEpoch,
                format!("epoch {epoch} is over"),
            )),
            Some(known) => Ok(known.signers.clone()),
            None => Err(unknown_epoch(epoch)),
        }
    }

    fn is_accepted(&self, epoch: &Epoch) -> bool {
        // Before 1970 nothing is over.
        epoch.is_accepted_at(self.now().to_u64().unwrap_or(0))
    }

    /// Its place in the newest epoch that signs now and that it is in, which must be `epoch`: it votes in that one only. While
    /// two epochs overlap, they would otherwise settle one event twice.
    pub(crate) fn seat_to_vote(&self, epoch: u32) -> Result<Seat<'_>, Refusal> {
        let seat = self.seat()?;
        let votes = seat.signers().epoch();
        if votes == epoch {
            Ok(seat)
        } else {
            Err(Refusal::new(
                Reason::OtherEpoch,
                format!("epoch {epoch} is asked to vote, and here epoch {votes} does"),
            ))
        }
    }

    /// Its place in an epoch that signs now.
    pub(crate) fn seat_at(&self, epoch: u32) -> Result<Seat<'_>, Refusal> {
        let seat = self.attestor.seat_of(epoch, self.now());
        seat.map_err(|error| Refusal::new(Reason::OtherEpoch, error.to_string()))
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

fn unknown_epoch(epoch: u32) -> Refusal {
    Refusal::new(
        Reason::OtherEpoch,
        format!("this node knows no epoch {epoch}"),
    )
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // Held for a map access that does not panic: a poisoned one is still good.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
