//! Whatever a minority sees, invents or leaves out, nothing moves beyond what the honest attestors saw.

use alloy_primitives::keccak256;
use proptest::prelude::*;
use tocsin_domain::determination::Determination;
use tocsin_domain::observation::Provenance;
use tocsin_domain::quorum::fuse;

use crate::definition::view;
use crate::fixture::{BREACH, KnownLoss, Seen, attestors, cover, determine, event, on_chain};

/// What liars tell: anything that the terms accept, as they invent it, or what an honest one saw, cut or shifted.
fn lie() -> impl Strategy<Value = Lie> {
    prop_oneof![
        view().prop_map(|(seen, thought)| Lie::Invented(seen, thought)),
        (any::<prop::sample::Index>(), any::<u8>())
            .prop_map(|(whose, kept)| Lie::Stale(whose, kept)),
        (any::<prop::sample::Index>(), 0..5_000_000i64)
            .prop_map(|(whose, by)| Lie::Shifted(whose, by)),
        (any::<prop::sample::Index>(), 0..=900i64)
            .prop_map(|(whose, price)| Lie::OtherPrice(whose, price)),
    ]
}

#[derive(Clone, Debug)]
enum Lie {
    Invented(Vec<Seen>, i64),
    Stale(prop::sample::Index, u8),
    Shifted(prop::sample::Index, i64),
    OtherPrice(prop::sample::Index, i64),
}

impl Lie {
    fn told(&self, honest: &[(Vec<Seen>, i64)]) -> (Vec<Seen>, i64) {
        match self {
            Self::Invented(seen, thought) => (seen.clone(), *thought),
            Self::Stale(whose, kept) => {
                let (seen, thought) = whose.get(honest).clone();
                let last = seen.len() - 1;
                let keep =
                    |place: usize| place < 2 || place == last || kept >> (place % 8) & 1 == 1;
                let rest = seen
                    .into_iter()
                    .enumerate()
                    .filter(|(place, _)| keep(*place));
                (rest.map(|(_, row)| row).collect(), thought)
            }
            Self::Shifted(whose, by) => {
                let (mut seen, thought) = whose.get(honest).clone();
                for row in seen.iter_mut().skip(2) {
                    row.1 += by;
                }
                (seen, thought + by)
            }
            Self::OtherPrice(whose, price) => {
                let (mut seen, thought) = whose.get(honest).clone();
                for row in seen.iter_mut().skip(2) {
                    row.3 = Some(*price);
                }
                (seen, thought)
            }
        }
    }
}

/// Whether a field lies within what the honest say of it.
fn within<T: Ord>(fused: &T, honest: impl Iterator<Item = T> + Clone) -> bool {
    honest.clone().min().is_some_and(|least| least <= *fused)
        && honest.max().is_some_and(|greatest| *fused <= greatest)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn nothing_moves_beyond_what_the_honest_saw(
        count in 4..=10u8,
        honest in prop::collection::vec(view(), 10),
        lies in prop::collection::vec(lie(), 3),
        same in any::<bool>(),
        more in any::<prop::sample::Index>(),
        seats in Just((0..10usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let cover = if same { on_chain() } else { cover(BREACH) };
        let attestors = attestors(count);
        let liars = usize::from(count) - attestors.threshold();
        let given = attestors.threshold() + more.index(liars + 1);
        // Chain facts are the same for all who are honest.
        let honest: Vec<_> = if same { vec![honest[0].clone(); 10] } else { honest };
        let seats: Vec<usize> = seats.into_iter().filter(|seat| *seat < usize::from(count)).take(given).collect();
        let (lying, telling) = seats.split_at(liars);

        let known = |seat: usize, (seen, thought): &(Vec<Seen>, i64)| {
            let who = if same { "chain".to_owned() } else { seat.to_string() };
            determine(&cover, &who, seen, *thought).into_iter().next()
        };
        let told: Vec<KnownLoss> =
            telling.iter().map(|&seat| known(seat, &honest[seat]).unwrap()).collect();
        let mut reports: Vec<_> = telling
            .iter()
            .zip(&told)
            .map(|(&seat, loss)| attestors.report(seat, loss))
            .collect();
        for (&seat, lie) in lying.iter().zip(&lies) {
            // Who has seen too little for a loss has nothing to report, and is one of the honest for now.
            let mut loss = known(seat, &lie.told(&honest)).unwrap_or_else(|| told[0].clone());
            for row in &mut loss.observations {
                if let Provenance::Chain(place) = &mut row.provenance {
                    place.block += 1;
                    place.block_hash = keccak256("a block that nobody else has seen");
                }
            }
            reports.push(attestors.report(seat, &loss));
        }
        let fused = fuse(&cover, &event(&cover, 1), &reports, attestors.quorum()).unwrap();

        let said = || told.iter().map(|loss| &loss.determination);
        macro_rules! assert_within {
            ($($field:ident)*) => {
                $(prop_assert!(
                    within(&fused.determination.$field, said().map(|said| said.$field.clone())),
                    stringify!($field)
                );)*
            };
        }
        assert_within!(occurred_at confirmed_at settled_at evidence_from determined_at payout);
        for input in 0..2 {
            prop_assert!(within(
                &fused.determination.inputs[input],
                said().map(|said| said.inputs[input].clone())
            ));
        }
        prop_assert!(within(&fused.determination.guards[0], said().map(|said| said.guards[0].clone())));
        prop_assert_eq!(fused.determination.verdict(), told[0].determination.verdict());
        if same {
            // All but the evidence, to which the liars have added theirs.
            prop_assert_eq!(
                &fused.determination,
                &Determination {
                    evidence_root: fused.determination.evidence_root,
                    evidence_count: fused.determination.evidence_count,
                    determined_at: fused.determination.determined_at,
                    ..told[0].determination.clone()
                }
            );
        }
        // What the honest saw is evidence, whole.
        for loss in &told {
            prop_assert!(loss.observations.iter().all(|row| fused.observations.contains(row)));
        }
    }
}
