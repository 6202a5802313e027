//! The evidence bundle of a stored attestation: of a quorum's, the reports that it decided on; of one that this node made
//! alone, what it determined.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use alloy_primitives::{Address, B256, Bytes, U256};
use serde_json::Value as Json;
use tempfile::TempDir;
use tocsin_domain::attestation::{
    AttestationDomain, ClaimAttestation, Epoch, SignatureSet, SignerSet, Validity,
};
use tocsin_domain::bundle::{EvidenceBundle, VerifyOptions, verify};
use tocsin_domain::claim::{self, Claim};
use tocsin_domain::cover::{Consumer, Cover};
use tocsin_domain::determination::Determination;
use tocsin_domain::ids::PolicyId;
use tocsin_domain::policy::Policy;
use tocsin_domain::quorum::{Certificate, Event, Quorum, SignedReport, Step, fuse, reexecute};
use tocsin_domain::risk::{Risk, Stream};
use tocsin_domain::time::Timestamp;
use tocsin_store::attestation::{
    AttestationRecord, Attestations, Reservation, Reservations, Signed,
};
use tocsin_store::claim::Claims;
use tocsin_store::cover::{CoverRecord, Covers, RiskRecord};
use tocsin_store::epoch::{EpochOrigin, Epochs};
use tocsin_store::policy::Policies;
use tocsin_store::quorum::{Held, Quorums, Said, Saying, Statement};
use tocsin_store::step::{Step as StoredStep, Steps};
use tocsin_store::{StoreError, evidence};
use tocsin_store_sqlite::SqliteStore;

/// Reports that viem signed, with a decision on them.
struct Vectors {
    domain: AttestationDomain,
    signers: SignerSet,
    cover: Cover,
    risk: Risk,
    reports: Vec<SignedReport>,
    decision: Certificate,
}

fn parse<T: std::str::FromStr<Err: std::fmt::Debug>>(value: &Json) -> T {
    value.as_str().unwrap().parse().unwrap()
}

fn vectors() -> Vectors {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../contracts-abi/vectors/quorum.json"
    );
    let golden: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let addresses = golden["signers"]["addresses"].as_array().unwrap();
    let signers = SignerSet::new(1, 3, addresses.iter().map(parse::<Address>).collect()).unwrap();
    let cover = Cover::from_terms(golden["terms"].as_str().unwrap()).unwrap();
    let subject = golden["subject"].as_str().unwrap().to_owned();
    let lock = &golden["certificates"][1];
    let reports = golden["reports"].as_array().unwrap();
    Vectors {
        domain: AttestationDomain {
            chain_id: parse(&golden["domain"]["chainId"]),
            verifier: parse(&golden["domain"]["verifyingContract"]),
        },
        risk: Risk::new(cover.terms_hash, subject, None, Timestamp(1_357_000_000)),
        reports: reports
            .iter()
            .map(|report| {
                SignedReport::from_json(report["json"].as_str().unwrap().as_bytes()).unwrap()
            })
            .collect(),
        decision: Certificate {
            event: parse(&golden["eventKey"]),
            round: parse(&lock["vote"]["round"]),
            step: Step::Lock,
            reports: parse(&golden["reportsHash"]),
            signer_epoch: 1,
            votes: SignatureSet::parse(&parse::<Bytes>(&lock["packedSignatures"])).unwrap(),
        },
        signers,
        cover,
    }
}

/// A node whose own view is that of the first report, with a policy.
struct Node {
    _folder: TempDir,
    store: SqliteStore,
    vectors: Vectors,
    own: Determination,
    policy: Policy,
}

impl Node {
    async fn new() -> Self {
        let vectors = vectors();
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(&folder.path().join("tocsin.db"))
            .await
            .unwrap();
        let quorum = Quorum {
            domain: &vectors.domain,
            signers: &vectors.signers,
        };
        let event = Event::of(&vectors.risk, 1);
        let own = reexecute(&vectors.cover, &event, &vectors.reports[0], quorum)
            .unwrap()
            .determination;
        let consumer = Consumer {
            chain_id: vectors.domain.chain_id,
            address: Address::repeat_byte(7),
        };
        let policy = Policy {
            id: PolicyId::derive(consumer.chain_id, consumer.address, U256::ONE),
            number: U256::ONE,
            consumer,
            terms_hash: vectors.cover.terms_hash,
            risk: vectors.risk.id,
            holder: Address::repeat_byte(8),
            sum_insured: U256::from(1000),
            inception: Timestamp(1_357_000_000),
            expiry: Timestamp(1_358_000_000),
        };
        let node = Self {
            _folder: folder,
            store,
            vectors,
            own,
            policy,
        };
        node.fill().await;
        node
    }

    async fn fill(&self) {
        let (vectors, store) = (&self.vectors, &self.store);
        let seen = &vectors.reports[0].observations;
        let cover = CoverRecord {
            terms_hash: vectors.cover.terms_hash,
            name: vectors.cover.name.clone(),
            version: vectors.cover.version,
            canonical_terms: vectors.cover.canonical_terms.clone(),
        };
        let risk = RiskRecord {
            risk: vectors.risk.clone(),
            streams: vec![Stream::of(&seen[0])],
            initial_state: vec![1],
        };
        store.add_cover(&cover, &[risk]).await.unwrap();
        let policies = [self.policy.clone()];
        store.add_policies(&policies).await.unwrap();
        let step = StoredStep {
            observations: seen.clone(),
            determinations: vec![self.own.clone()],
            ..StoredStep::default()
        };
        store.commit(&step).await.unwrap();
        store.add_claims(&[self.claim(&self.own)]).await.unwrap();
        let epoch = Epoch::unbounded(vectors.signers.clone());
        let separator = vectors.domain.domain_separator();
        store
            .put_epochs(separator, EpochOrigin::Configured, &[epoch])
            .await
            .unwrap();
    }

    fn claim(&self, loss: &Determination) -> Claim {
        Claim {
            policy: self.policy.id,
            risk: loss.risk,
            ordinal: loss.ordinal,
            eligibility: claim::decide(&self.vectors.cover, &self.policy, loss),
        }
    }

    async fn decide(&self) {
        let reports = serde_json::to_vec(&self.vectors.reports).unwrap();
        self.decide_on(reports).await;
    }

    async fn decide_on(&self, reports: Vec<u8>) {
        let decision = &self.vectors.decision;
        let statement = Statement {
            event: decision.event,
            saying: Saying::Decision(Held {
                round: decision.round,
                reports_hash: decision.reports,
                certificate: serde_json::to_vec(decision).unwrap(),
            }),
            reports,
        };
        let separator = self.vectors.domain.domain_separator();
        let said = self.store.say(separator, &[statement]).await.unwrap();
        assert_eq!(said, [Said::New]);
    }

    /// Attests `loss` and bundles that. The signatures are of something else, as only they are not made here.
    async fn bundle(&self, loss: &Determination) -> Result<EvidenceBundle, StoreError> {
        let issued_at = Timestamp(loss.determined_at.0 + 10);
        let validity = Validity {
            issued_at,
            valid_after: issued_at,
            valid_until: Timestamp(issued_at.0 + 1000),
        };
        let (domain, cover) = (self.vectors.domain, &self.vectors.cover);
        let payload = ClaimAttestation::for_claim(cover, &self.policy, loss, validity, 1).unwrap();
        let reservation = Reservation {
            domain_separator: domain.domain_separator(),
            claim_key: payload.claim_key(),
            attestation_id: domain.digest(&payload),
            payload: payload.to_bytes(),
        };
        self.store.reserve(&reservation).await.unwrap();
        let record = AttestationRecord {
            id: reservation.attestation_id,
            domain_separator: reservation.domain_separator,
            claim_key: reservation.claim_key,
            policy: self.policy.id,
            risk: loss.risk,
            ordinal: loss.ordinal,
            payload: reservation.payload,
            signed: Signed::Alone(self.vectors.decision.votes.encode()),
            attested_at: issued_at,
        };
        self.store.add_attestation(&record, &[]).await.unwrap();
        evidence::bundle(&self.store, &record, domain).await
    }

    fn fused(&self) -> Determination {
        let quorum = Quorum {
            domain: &self.vectors.domain,
            signers: &self.vectors.signers,
        };
        let event = Event::of(&self.vectors.risk, 1);
        fuse(&self.vectors.cover, &event, &self.vectors.reports, quorum)
            .unwrap()
            .determination
    }
}

/// All that fails is what the test did not sign.
fn assert_holds(bundle: &EvidenceBundle) {
    let report = verify(bundle, &VerifyOptions::default());
    let failed = report.checks().iter().filter(|check| !check.is_ok());
    let names: Vec<_> = failed.map(tocsin_domain::bundle::Check::name).collect();
    assert_eq!(names, ["signatures"], "{:#?}", report.checks());
    let text = serde_json::to_string(bundle).unwrap();
    assert_eq!(
        serde_json::from_str::<EvidenceBundle>(&text).unwrap(),
        *bundle
    );
}

#[tokio::test]
async fn what_a_quorum_decided_on_is_bundled_with_its_reports() {
    let node = Node::new().await;
    node.decide().await;
    let bundle = node.bundle(&node.fused()).await.unwrap();
    let quorum = bundle.quorum.as_ref().unwrap();
    assert_eq!(quorum.reports, node.vectors.reports);
    assert_eq!(quorum.signers, node.vectors.signers);
    // The claim is of what was fused, not of what this node saw.
    assert_eq!(bundle.claim, node.claim(&node.fused()));
    assert_ne!(bundle.determination.evidence_root, node.own.evidence_root);
    assert_ne!(bundle.attestation.evidenceRoot, B256::ZERO);
    assert_holds(&bundle);
}

#[tokio::test]
async fn what_this_node_attested_alone_is_bundled_with_what_it_determined() {
    let node = Node::new().await;
    let alone = node.bundle(&node.own).await.unwrap();
    assert_eq!(alone.quorum, None);
    assert_eq!(alone.determination, node.own);
    assert_eq!(alone.observations, node.vectors.reports[0].observations);
    assert_holds(&alone);

    // Also where a quorum has decided something since.
    let node = Node::new().await;
    node.decide().await;
    let alone = node.bundle(&node.own).await.unwrap();
    assert_eq!(alone.quorum, None);
    assert_holds(&alone);
}

#[tokio::test]
async fn a_damaged_decision_hides_no_evidence_that_does_not_rest_on_it() {
    let node = Node::new().await;
    node.decide_on(b"[damaged".to_vec()).await;
    let alone = node.bundle(&node.own).await.unwrap();
    assert_eq!(alone.determination, node.own);
    assert_holds(&alone);

    let node = Node::new().await;
    node.decide_on(b"[damaged".to_vec()).await;
    let damaged = node.bundle(&node.fused()).await.unwrap_err();
    assert!(
        matches!(damaged, StoreError::InvalidRow { .. }),
        "{damaged}"
    );
}
