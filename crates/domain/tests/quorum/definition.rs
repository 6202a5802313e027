//! Fusing against a second program that is written from the definition and has no cleverness.

use proptest::prelude::*;
use tocsin_domain::determination::Determination;
use tocsin_domain::evidence;
use tocsin_domain::observation::Observation;
use tocsin_domain::quorum::{Fused, fuse};

use crate::fixture::{BREACH, KnownLoss, Seen, attestors, cover, determine, event, on_chain};

/// The least value with at least half of all values at or below it.
fn middle<T: Ord + Clone>(values: &[T]) -> T {
    let at_or_below = |value: &T| values.iter().filter(|other| *other <= value).count();
    let enough = values
        .iter()
        .filter(|value| 2 * at_or_below(value) >= values.len());
    enough.min().unwrap().clone()
}

/// What the losses, in the order of their attestors, amount to.
pub(crate) fn by_definition(losses: &[&KnownLoss]) -> (Determination, Vec<Observation>) {
    let mut evidence: Vec<Observation> = Vec::new();
    for loss in losses {
        for row in &loss.observations {
            if !evidence.contains(row) {
                evidence.push(row.clone());
            }
        }
    }
    let said: Vec<&Determination> = losses.iter().map(|loss| &loss.determination).collect();
    macro_rules! middle_of {
        ($of:expr) => {
            middle(&said.iter().map($of).collect::<Vec<_>>())
        };
    }
    let mut confirmed_on = None;
    for one in &said {
        let same = said
            .iter()
            .filter(|other| other.confirmed_on == one.confirmed_on);
        if same.count() > said.len() / 2 {
            confirmed_on = one.confirmed_on;
        }
    }
    let (evidence_root, evidence_count) = evidence::commit(&evidence).unwrap();
    let determination = Determination {
        occurred_at: middle_of!(|said| said.occurred_at),
        confirmed_at: middle_of!(|said| said.confirmed_at),
        settled_at: middle_of!(|said| said.settled_at),
        evidence_from: middle_of!(|said| said.evidence_from),
        determined_at: middle_of!(|said| said.determined_at),
        payout: middle_of!(|said| said.payout.clone()),
        inputs: (0..said[0].inputs.len())
            .map(|input| middle_of!(|said| said.inputs[input].clone()))
            .collect(),
        guards: (0..said[0].guards.len())
            .map(|guard| middle_of!(|said| said.guards[guard].clone()))
            .collect(),
        evidence_root,
        evidence_count,
        confirmed_on,
        ..said[0].clone()
    };
    (determination, evidence)
}

/// What one attestor sees: a fall at some time to some price, a rate or none, looked at in its own rhythm.
pub(crate) fn view() -> impl Strategy<Value = (Vec<Seen>, i64)> {
    let rate = prop_oneof![Just(None), (0..1000i64).prop_map(Some)];
    let prices = prop::collection::vec(0..=900i64, 1..4);
    (30..200i64, 50..700i64, prices, rate, 0..60i64).prop_map(
        |(fall, every, prices, rate, thought)| {
            let mut seen = vec![(0, 0, 1, Some(1000)), (1, 1, 1, rate)];
            let mut at = fall;
            for (sequence, price) in (2..).zip(prices.iter().cycle()) {
                seen.push((0, at, sequence, Some(*price)));
                if at > fall + 600 {
                    break;
                }
                at += every;
            }
            (seen, thought)
        },
    )
}

pub(crate) fn assert_fused(fused: &Fused, losses: &[&KnownLoss]) {
    let (determination, evidence) = by_definition(losses);
    assert_eq!(fused.determination, determination);
    assert_eq!(fused.observations, evidence);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn fusing_is_what_the_definition_says(
        count in 1..=7u8,
        views in prop::collection::vec(view(), 7),
        on_a_chain in any::<bool>(),
        more in any::<prop::sample::Index>(),
        order in Just((0..7usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let cover = if on_a_chain { on_chain() } else { cover(BREACH) };
        let attestors = attestors(count);
        let given = attestors.threshold() + more.index(usize::from(count) - attestors.threshold() + 1);
        let losses: Vec<KnownLoss> = views
            .iter()
            .enumerate()
            .map(|(index, (seen, thought))| {
                determine(&cover, &index.to_string(), seen, *thought).remove(0)
            })
            .collect();
        let mut reporting: Vec<usize> =
            order.into_iter().filter(|index| *index < usize::from(count)).take(given).collect();
        let reports = |order: &[usize]| -> Vec<_> {
            order.iter().map(|&index| attestors.report(index, &losses[index])).collect()
        };
        let event = event(&cover, 1);
        let shuffled = fuse(&cover, &event, &reports(&reporting), attestors.quorum()).unwrap();
        reporting.sort_unstable();
        let fused = fuse(&cover, &event, &reports(&reporting), attestors.quorum()).unwrap();
        prop_assert_eq!(&shuffled, &fused);
        let said: Vec<&KnownLoss> = reporting.iter().map(|&index| &losses[index]).collect();
        assert_fused(&fused, &said);
    }
}
