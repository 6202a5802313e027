//! What both sides of the protocol are made of: a key, the books, and what they cost to ask again.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alloy_primitives::Address;
use tocsin_attest::{AttestError, Attestor, Seat};
use tocsin_domain::attestation::{ClaimAttestation, SignerSet, SigningDomain};
use tocsin_domain::cover::Cover;
use tocsin_domain::determination::Determination;
use tocsin_domain::evidence::{self, Extent};
use tocsin_domain::ids::{EventKey, ReportsHash, TermsHash};
use tocsin_domain::observation::Observation;
use tocsin_domain::quorum::{
    Event, Fused, ObservationReport, Quorum, ReportError, SignedReport, fuse, is_same_loss,
    reports_hash,
};
use tocsin_domain::time::Timestamp;
use tocsin_store::cover::RiskRecord;
use tocsin_store::quorum::Disagreement;
use tocsin_store::{Store, StoreError};
use tokio::time::Instant;

use crate::gate::Gate;
use crate::refusal::{Reason, Refusal};
use crate::settings::Settings;
use crate::size::most_report_bytes;
use crate::standing::Standing;

/// How many fusions and reports are remembered. Forgetting one costs its time again.
const REMEMBERED: usize = 512;

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
    fusions: Mutex<BTreeMap<(EventKey, ReportsHash), Arc<Fused>>>,
    reports: Mutex<BTreeMap<(EventKey, u32), (Determination, SignedReport)>>,
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

/// What this node has determined of an event.
pub(crate) struct Own {
    pub(crate) cover: Arc<Cover>,
    pub(crate) determination: Determination,
    risk: RiskRecord,
    previous: Option<Timestamp>,
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
            fusions: Mutex::default(),
            reports: Mutex::default(),
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

    /// For which verifier it attests.
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

    pub(crate) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Who signs in an epoch; refused where that is not known, or where the epoch is revoked: its keys may be stolen.
    pub(crate) fn signers(&self, epoch: u32) -> Result<SignerSet, Refusal> {
        let epochs = self.attestor.epochs();
        let found = epochs.iter().find(|known| known.number() == epoch);
        match found {
            Some(known) if known.revoked => Err(Refusal::new(
                Reason::OtherEpoch,
                format!("epoch {epoch} is revoked"),
            )),
            Some(known) => Ok(known.signers.clone()),
            None => Err(unknown_epoch(epoch)),
        }
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

    /// Records that another attestor did what an operator has to know of. A failure of that is logged: it must not stop
    /// what was under way.
    pub(crate) async fn note(
        &self,
        peer: Option<Address>,
        event: Option<EventKey>,
        refusal: &Refusal,
    ) {
        if peer.is_none() && !self.is_news(refusal.reason) {
            return;
        }
        let now = self.now();
        tracing::warn!(peer = peer.map(|peer| peer.to_string()), event = event.map(|event| event.to_string()), reason = %refusal.reason, detail = %refusal.detail, "attestors disagree");
        let noted = Disagreement {
            peer,
            kind: refusal.reason.word().to_owned(),
            event,
            detail: refusal.detail.clone(),
            count: 1,
            first_at: now,
            last_at: now,
        };
        if let Err(error) = self.store.note(&[noted]).await {
            tracing::error!(%error, "a disagreement is not recorded");
        }
    }

    /// Whether strangers have not made themselves heard in this way for a while: they must not keep the disk busy.
    fn is_news(&self, reason: Reason) -> bool {
        let mut strangers = lock(&self.strangers);
        let now = Instant::now();
        let heard = strangers.insert(reason, now);
        let news = heard.is_none_or(|heard| now.duration_since(heard) >= STRANGERS);
        if let (false, Some(heard)) = (news, heard) {
            strangers.insert(reason, heard);
        }
        news
    }

    /// What this node has determined of an event; refused where it has not, or has found that it cannot be said.
    pub(crate) async fn own(&self, event: &Event) -> Result<Own, Refusal> {
        let undetermined =
            |what: &str| Refusal::new(Reason::NotDetermined, format!("this node {what}"));
        let risk = self.store.risk(event.risk()).await?;
        let risk = risk.ok_or_else(|| undetermined("does not insure such a risk"))?;
        self.check_halts(&risk).await?;
        let determination = self
            .store
            .determination(risk.risk.id, event.ordinal)
            .await?;
        let determination =
            determination.ok_or_else(|| undetermined("has determined no such loss event"))?;
        if let Err(unknown) = &determination.payout {
            return Err(Refusal::new(
                Reason::Inconclusive,
                format!("here the loss cannot be said: {unknown:?}"),
            ));
        }
        let previous = match event.ordinal.checked_sub(1) {
            None | Some(0) => None,
            Some(before) => {
                let before = self.store.determination(risk.risk.id, before).await?;
                let before =
                    before.ok_or_else(|| undetermined("has not determined the one before it"))?;
                Some(before.confirmed_at)
            }
        };
        Ok(Own {
            cover: self.cover(event.terms_hash).await?,
            determination,
            risk,
            previous,
        })
    }

    /// What a halted source has said is neither reported nor voted on until somebody has looked.
    async fn check_halts(&self, risk: &RiskRecord) -> Result<(), Refusal> {
        let halts = self.store.halts().await?;
        let streams = &risk.streams;
        let mut halts = halts.iter();
        match halts.find(|halted| streams.iter().any(|stream| stream.source == halted.source)) {
            None => Ok(()),
            Some(halted) => Err(Refusal::new(
                Reason::Halted,
                format!("here {} is halted", halted.source),
            )),
        }
    }

    /// This node's report of an event that it has determined: the same bytes as long as it has determined the same.
    pub(crate) async fn report(
        &self,
        seat: &Seat<'_>,
        event: &Event,
        own: &Own,
    ) -> Result<SignedReport, Refusal> {
        let key = (event.key(), seat.signers().epoch());
        let known = lock(&self.reports).get(&key).cloned();
        if let Some((determination, report)) = known
            && determination == own.determination
        {
            return Ok(report);
        }
        let observations = self.evidence(own).await?;
        let statement = ObservationReport::of(
            &own.determination,
            &observations,
            own.previous,
            seat.signers().epoch(),
        )
        .map_err(|error: ReportError| Refusal::new(Reason::Inconclusive, error.to_string()))?;
        let report = SignedReport {
            signature: seat.report(&statement).await?,
            statement,
            observations,
        };
        check_report_size(&report, seat.signers().signers().len())?;
        let kept = (own.determination.clone(), report.clone());
        remember(&self.reports, key, kept);
        Ok(report)
    }

    async fn evidence(&self, own: &Own) -> Result<Vec<Observation>, Refusal> {
        let Own {
            cover,
            determination,
            risk,
            ..
        } = own;
        let extent = Extent::of(
            cover,
            risk.risk.inception,
            determination.evidence_from,
            determination.settled_at,
        );
        let history = self
            .store
            .history(&risk.streams, extent.after, extent.until)
            .await?;
        evidence::select(&risk.streams, &history, extent)
            .map_err(|error| Refusal::new(Reason::Inconclusive, error.to_string()))
    }

    /// What these reports amount to: each is executed again. The hash of them is the first of what is returned.
    pub(crate) fn fuse(
        &self,
        cover: &Cover,
        event: &Event,
        reports: &[SignedReport],
    ) -> Result<(ReportsHash, Arc<Fused>), Refusal> {
        let bad = |detail: String| Refusal::new(Reason::BadReports, detail);
        let domain = self.attestor.domain();
        let hash = reports_hash(&domain, reports);
        let key = (event.key(), hash);
        if let Some(known) = lock(&self.fusions).get(&key) {
            return Ok((hash, Arc::clone(known)));
        }
        let first = reports
            .first()
            .ok_or_else(|| bad("there are none".to_owned()))?;
        let latest = self.now() + self.settings.clock_tolerance;
        let early = |report: &&SignedReport| Timestamp(report.statement.determinedAt) > latest;
        if let Some(report) = reports.iter().find(early) {
            return Err(bad(format!(
                "one was determined at {}, which is yet to come",
                Timestamp(report.statement.determinedAt)
            )));
        }
        // Whoever votes for reports of an epoch that is over has a certificate that this node believes.
        let epoch = first.statement.signerEpoch;
        let signers = self.attestor.signers_of(epoch);
        let signers = signers.ok_or_else(|| unknown_epoch(epoch))?;
        let quorum = Quorum {
            domain: &domain,
            signers: &signers,
        };
        let fused = fuse(cover, event, reports, quorum).map_err(|error| bad(error.to_string()))?;
        if fused.reports != reports {
            return Err(bad("they are not in the order of their signers".to_owned()));
        }
        let fused = Arc::new(fused);
        remember(&self.fusions, key, Arc::clone(&fused));
        Ok((hash, fused))
    }

    async fn cover(&self, terms: TermsHash) -> Result<Arc<Cover>, Refusal> {
        if let Some(known) = lock(&self.covers).get(&terms) {
            return Ok(Arc::clone(known));
        }
        let record = self.store.cover(terms).await?.ok_or_else(|| {
            Refusal::new(
                Reason::NotDetermined,
                format!("this node has no terms {terms}"),
            )
        })?;
        let cover = Cover::from_terms(&record.canonical_terms).map_err(|_diagnostics| {
            Refusal::from(StoreError::InvalidRow {
                noun: "cover",
                key: terms.to_string(),
                reason: "its terms are no cover".to_owned(),
            })
        })?;
        let cover = Arc::new(cover);
        lock(&self.covers).insert(terms, Arc::clone(&cover));
        Ok(cover)
    }
}

impl Own {
    /// That reports amount to the loss that this node has determined, and not to another one that has the same number
    /// elsewhere.
    pub(crate) fn check_same_loss(&self, fused: &Fused) -> Result<(), Refusal> {
        let (own, theirs) = (&self.determination, &fused.determination);
        if is_same_loss(&self.cover, own, theirs) {
            return Ok(());
        }
        tracing::error!(
            subject = %own.subject, ordinal = own.ordinal, here = %own.occurred_at, there = %theirs.occurred_at,
            "ALARM: the other attestors give the number of this loss to another incident; one of us has seen one that the others have not"
        );
        Err(Refusal::new(
            Reason::OtherLoss,
            format!(
                "loss event {} was here from {} to {}, and by the reports from {} to {}",
                own.ordinal, own.occurred_at, own.settled_at, theirs.occurred_at, theirs.settled_at
            ),
        ))
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

/// That what all attestors say of the event fits into one message.
pub(crate) fn check_report_size(report: &SignedReport, signers: usize) -> Result<(), Refusal> {
    let too_large = |detail: String| Refusal::new(Reason::TooLarge, detail);
    let json = report
        .to_json()
        .map_err(|error| too_large(error.to_string()))?;
    let most = most_report_bytes(signers);
    if json.len() > most {
        return Err(too_large(format!(
            "the report has {} bytes; among {signers} attestors {most} are the most that can be exchanged, so the loss cannot be \
             attested by them",
            json.len()
        )));
    }
    Ok(())
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Held for a map access that does not panic: a poisoned one is still good.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember<K: Ord, V>(memory: &Mutex<BTreeMap<K, V>>, key: K, value: V) {
    let mut memory = lock(memory);
    if memory.len() >= REMEMBERED {
        memory.pop_first();
    }
    memory.insert(key, value);
}
