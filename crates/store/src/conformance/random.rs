//! Random operations on a backend and on the model side by side: the same answers, and the same to be seen afterwards.

mod ledger;
mod step;

use core::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use proptest::test_runner::{Config, TestRunner};
use tocsin_domain::attestation::ClaimAttestation;
use tocsin_domain::claim::Claim;
use tocsin_domain::determination::Determination;
use tocsin_domain::eval::outcome::Unknown;
use tocsin_domain::ids::AttestationId;
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::{Risk, Stream};

use crate::attestation::{AttestationRecord, Reservation};
use crate::conformance::model::view::{Question, View};
use crate::conformance::model::{Faults, Model};
use crate::conformance::sample::{self, CHAIN, address, at, hash};
use crate::conformance::{Backend, Fault, looks};
use crate::cover::{CoverRecord, RiskRecord};
use crate::{Store, StoreError};
use step::RandomStep;

const CASES: u32 = 12;
const OPERATIONS: usize = 40;

/// How many of each there are; few, so that operations meet.
const SUBJECTS: usize = 3;
const SOURCES: usize = 2;
const POLICIES: u64 = 4;

/// One call. Numbers name samples; a `true` makes the sample a contradicting or a stale one.
#[derive(Clone, Debug)]
enum Operation {
    AddCover {
        changed: bool,
        risks: Vec<(usize, bool)>,
    },
    AddPolicies(Vec<(u64, bool)>),
    Commit(RandomStep),
    AddClaims(Vec<(u64, u32, bool)>),
    Reserve {
        policy: u64,
        ordinal: u32,
        statement: Statement,
        restate: bool,
    },
    Attest {
        policy: u64,
        ordinal: u32,
        statement: Statement,
    },
    AttestTogether(Vec<(u64, u32, Statement)>),
    TakeNonce {
        delivery: usize,
        sender: usize,
        chain_nonce: u64,
    },
    AddAttempt {
        delivery: usize,
        attempt: u64,
    },
    PutBack {
        delivery: usize,
        release: bool,
        long: bool,
    },
    Finish {
        delivery: usize,
        block: u64,
    },
    GiveUp {
        delivery: usize,
    },
    Ledger(ledger::Operation),
}

#[derive(Clone, Copy, Debug)]
enum Statement {
    First,
    Reissued,
    Different,
}

fn seldom() -> impl Strategy<Value = bool> {
    proptest::bool::weighted(0.1)
}

fn operations() -> impl Strategy<Value = Operation> {
    let statement = || prop_oneof![4 => Just(Statement::First), 1 => Just(Statement::Reissued), 1 => Just(Statement::Different)];
    let delivery = || 0..4_usize;
    prop_oneof![
        2 => (seldom(), vec((0..SUBJECTS, seldom()), 0..4))
            .prop_map(|(changed, risks)| Operation::AddCover { changed, risks }),
        2 => vec((0..POLICIES, seldom()), 0..4).prop_map(Operation::AddPolicies),
        5 => step::steps().prop_map(Operation::Commit),
        4 => vec((0..POLICIES, 1..3_u32, seldom()), 0..3).prop_map(Operation::AddClaims),
        5 => (0..POLICIES, 1..3_u32, statement(), any::<bool>())
            .prop_map(|(policy, ordinal, statement, restate)| {
                Operation::Reserve { policy, ordinal, statement, restate }
            }),
        4 => (0..POLICIES, 1..3_u32, statement()).prop_map(|(policy, ordinal, statement)| {
            Operation::Attest { policy, ordinal, statement }
        }),
        3 => vec((0..POLICIES, 1..3_u32, statement()), 1..4).prop_map(Operation::AttestTogether),
        3 => (delivery(), 0..2_usize, 0..6_u64).prop_map(|(delivery, sender, chain_nonce)| {
            Operation::TakeNonce { delivery, sender, chain_nonce }
        }),
        3 => (delivery(), 0..6_u64)
            .prop_map(|(delivery, attempt)| Operation::AddAttempt { delivery, attempt }),
        2 => (delivery(), any::<bool>(), seldom())
            .prop_map(|(delivery, release, long)| Operation::PutBack { delivery, release, long }),
        1 => (delivery(), 0..2_u64).prop_map(|(delivery, block)| Operation::Finish { delivery, block }),
        1 => delivery().prop_map(|delivery| Operation::GiveUp { delivery }),
        6 => ledger::operations().prop_map(Operation::Ledger),
    ]
}

/// After every operation of every sequence.
pub fn operations_do_what_the_model_does<B: Backend>() {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Most sequences would not get far without a cover, policies, and something determined.
    let beginning = beginning();
    let result = TestRunner::new(config).run(&vec(operations(), 0..OPERATIONS), |operations| {
        runtime.block_on(async {
            let place = B::fresh().await;
            let store = place.open().await;
            let mut model = Model::default();
            for operation in beginning.iter().chain(&operations) {
                operation.perform(&store, &mut model).await;
                let question = question(&model);
                let (seen, expected) = (
                    View::of_store(&store, &question).await,
                    View::of_model(&model, &question),
                );
                assert_eq!(seen, expected, "after {operation:?}");
            }
            place.close(store).await;
        });
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

fn beginning() -> Vec<Operation> {
    vec![
        Operation::AddCover {
            changed: false,
            risks: vec![(0, false), (1, false)],
        },
        Operation::AddPolicies(vec![(0, false), (1, false), (3, false)]),
        Operation::Commit(RandomStep {
            sources: vec![(0, false, 3)],
            observations: vec![(0, 0, 1, 1, false), (1, 0, 2, 1, false)],
            risks: vec![(0, false, 1)],
            determinations: vec![(0, 1, false, false), (1, 1, false, false)],
            looks: vec![],
        }),
        Operation::Ledger(ledger::Operation::AddLook(1, 0)),
        Operation::Ledger(ledger::Operation::AddLook(2, 0)),
        Operation::AddClaims(vec![(0, 1, false), (1, 1, false), (3, 1, false)]),
        Operation::Reserve {
            policy: 0,
            ordinal: 1,
            statement: Statement::First,
            restate: false,
        },
        Operation::Attest {
            policy: 0,
            ordinal: 1,
            statement: Statement::First,
        },
        Operation::Reserve {
            policy: 3,
            ordinal: 1,
            statement: Statement::First,
            restate: false,
        },
        Operation::Attest {
            policy: 3,
            ordinal: 1,
            statement: Statement::First,
        },
    ]
}

fn question(model: &Model) -> Question {
    let second = i64::try_from(model.observations.len() % 9).unwrap();
    Question {
        sources: (0..SOURCES).map(sample::source).collect(),
        blocks: 2..=6,
        streams: (0..SUBJECTS)
            .flat_map(|n| {
                [
                    sample::stream(1, n),
                    sample::stream(0, n),
                    looks::stream(n, "status"),
                ]
            })
            .collect(),
        window: (at(second - 2), at(second + 2)),
        looks: (0..SUBJECTS)
            .map(|subject| (looks::feed(), looks::subject(subject)))
            .collect(),
        risks: (0..SUBJECTS)
            .map(|subject| risk_record(subject, false).risk.id)
            .collect(),
        policies: (0..POLICIES).map(|number| policy(number).id).collect(),
        chain: CHAIN,
        now: at(500_000),
        limit: 3,
    }
}

fn the_cover() -> CoverRecord {
    sample::cover(0)
}

fn risk_record(subject: usize, changed: bool) -> RiskRecord {
    // Each listens to its subject on both sources; the first to one of them twice.
    let mut streams: Vec<Stream> = (0..SOURCES).map(|n| sample::stream(n, subject)).collect();
    if subject == 0 {
        streams.insert(0, sample::stream(1, 0));
    } else {
        streams.push(looks::stream(subject, "status"));
    }
    if changed {
        streams.reverse();
        streams.pop();
    }
    sample::risk(&the_cover(), subject, &streams)
}

fn risk(subject: usize) -> Risk {
    risk_record(subject, false).risk
}

fn policy(number: u64) -> Policy {
    sample::policy(&risk(usize::try_from(number).unwrap() % SUBJECTS), number)
}

fn determination(subject: usize, ordinal: u32, inconclusive: bool) -> Determination {
    let occurred = i64::from(ordinal) * 100 - i64::try_from(subject).unwrap() * 70;
    let mut determination = sample::determination(&risk(subject), ordinal, occurred);
    if (subject, ordinal) == (1, 1) {
        // Early enough to stand when sources are taken back.
        determination.occurred_at = at(1);
        determination.evidence_from = at(1);
        determination.confirmed_at = at(2);
        determination.settled_at = at(3);
    }
    if inconclusive {
        determination.payout = Err(Unknown::Overflow);
    }
    determination
}

fn claim(number: u64, ordinal: u32, refused: bool) -> Claim {
    let policy = policy(number);
    let decided = determination(usize::try_from(number).unwrap() % SUBJECTS, ordinal, false);
    if refused {
        sample::refused_claim(&policy, &decided)
    } else {
        sample::claim(&policy, &decided)
    }
}

fn reservation(number: u64, ordinal: u32, statement: Statement) -> Reservation {
    let decided = determination(usize::try_from(number).unwrap() % SUBJECTS, ordinal, false);
    let first = sample::payload(&policy(number), &decided);
    let payload = match statement {
        Statement::First => first,
        Statement::Reissued => ClaimAttestation {
            revision: 1,
            issuedAt: first.issuedAt + 9,
            ..first
        },
        Statement::Different => ClaimAttestation {
            evidenceCount: 1,
            ..first
        },
    };
    sample::reservation(0, &payload)
}

fn attestation(number: u64, ordinal: u32, statement: Statement) -> AttestationRecord {
    let reserved = reservation(number, ordinal, statement);
    let subject = usize::try_from(number).unwrap() % SUBJECTS;
    let decided = determination(subject, ordinal, false);
    sample::attestation(&reserved, &policy(number), &decided)
}

/// The attestation of the `n`-th delivery that was queued, or of none.
fn nth_delivery(model: &Model, n: usize) -> AttestationId {
    model
        .deliveries
        .get(n)
        .map_or(AttestationId(hash("nothing")), |delivery| {
            delivery.attestation
        })
}

/// Both did it, with the same answer, or neither did, for a reason that there is.
fn agree<T: PartialEq + Debug>(
    operation: &impl Debug,
    seen: Result<T, StoreError>,
    expected: Result<T, Faults>,
) {
    match (seen, expected) {
        (Ok(seen), Ok(expected)) => assert_eq!(seen, expected, "{operation:?}"),
        (Err(error), Err(faults)) => {
            assert!(
                faults.contains(&Fault::of(&error)),
                "{operation:?}: {error}, not one of {faults:?}"
            );
        }
        (seen, expected) => {
            panic!("{operation:?}: the store says {seen:?}, the model {expected:?}")
        }
    }
}

fn one<T>(result: Result<T, Fault>) -> Result<T, Faults> {
    result.map_err(|fault| Faults::from([fault]))
}

impl Operation {
    async fn perform<S: Store>(&self, store: &S, model: &mut Model) {
        match self {
            Self::AddCover { changed, risks } => {
                let cover = if *changed {
                    sample::cover_version(0, 1, "changed")
                } else {
                    the_cover()
                };
                // Risks under changed terms would be other risks.
                let risks: Vec<RiskRecord> = risks
                    .iter()
                    .filter(|_| !changed)
                    .map(|(subject, changed)| risk_record(*subject, *changed))
                    .collect();
                agree(
                    self,
                    store.add_cover(&cover, &risks).await,
                    model.add_cover(&cover, &risks),
                );
            }
            Self::AddPolicies(numbers) => {
                let policies: Vec<Policy> = numbers
                    .iter()
                    .map(|(number, changed)| {
                        let stored = policy(*number);
                        let expiry = if *changed { at(1) } else { stored.expiry };
                        Policy { expiry, ..stored }
                    })
                    .collect();
                agree(
                    self,
                    store.add_policies(&policies).await,
                    model.add_policies(&policies),
                );
            }
            Self::Commit(random) => {
                let step = random.step(model);
                agree(self, store.commit(&step).await, model.commit(&step));
            }
            Self::AddClaims(claims) => {
                let claims: Vec<Claim> = claims
                    .iter()
                    .map(|(policy, ordinal, refused)| claim(*policy, *ordinal, *refused))
                    .collect();
                agree(
                    self,
                    store.add_claims(&claims).await,
                    model.add_claims(&claims),
                );
            }
            Self::Reserve {
                policy,
                ordinal,
                statement,
                restate,
            } => {
                let wanted = reservation(*policy, *ordinal, *statement);
                let seen = if *restate {
                    let one = core::slice::from_ref(&wanted);
                    let answers = store.restate_all(one).await;
                    answers.map(|mut answers| answers.pop().unwrap())
                } else {
                    store.reserve(&wanted).await
                };
                agree(self, seen, model.reserve(&wanted, *restate));
            }
            Self::AttestTogether(claims) => {
                let attestations: Vec<AttestationRecord> = claims
                    .iter()
                    .map(|(policy, ordinal, statement)| attestation(*policy, *ordinal, *statement))
                    .collect();
                let (record, members) = sample::batch(&attestations);
                let seen = store.add_batch(&record, &members).await;
                agree(self, seen, model.add_batch(&record, &members));
            }
            Self::Attest {
                policy,
                ordinal,
                statement,
            } => {
                let record = attestation(*policy, *ordinal, *statement);
                let calls = [sample::delivery(&record)];
                let seen = store.add_attestation(&record, &calls).await;
                agree(self, seen, model.add_attestation(&record, &calls));
            }
            Self::TakeNonce {
                delivery,
                sender,
                chain_nonce,
            } => {
                let (id, sender) = (nth_delivery(model, *delivery), address(sender));
                let seen = store.take_nonce(id, sender, *chain_nonce).await;
                agree(self, seen, one(model.take_nonce(id, sender, *chain_nonce)));
            }
            Self::AddAttempt { delivery, attempt } => {
                let (id, attempt) = (nth_delivery(model, *delivery), sample::attempt(*attempt));
                agree(
                    self,
                    store.add_attempt(id, &attempt).await,
                    one(model.add_attempt(id, &attempt)),
                );
            }
            Self::PutBack {
                delivery,
                release,
                long,
            } => {
                let later = if *long { at(1_000_000) } else { at(77) };
                let id = nth_delivery(model, *delivery);
                let seen = store.put_back(id, "later", later, *release).await;
                agree(
                    self,
                    seen,
                    one(model.put_back(id, "later", later, *release)),
                );
            }
            Self::Finish { delivery, block } => {
                let (id, transaction) = (nth_delivery(model, *delivery), hash("transaction"));
                let seen = store.finish(id, transaction, *block).await;
                agree(self, seen, one(model.finish(id, transaction, *block)));
            }
            Self::GiveUp { delivery } => {
                let id = nth_delivery(model, *delivery);
                agree(
                    self,
                    store.give_up(id, "no").await,
                    one(model.give_up(id, "no")),
                );
            }
            Self::Ledger(operation) => operation.perform(store, model).await,
        }
    }
}
