//! What a quorum of independent attestors says: fused as the definition says, never beyond what honest attestors saw,
//! and refused with a reason where a report does not hold.
#![expect(
    clippy::unwrap_used,
    reason = "test support: what cannot be set up is a failed test"
)]

mod definition;
mod fixture;
mod minority;
mod refused;
mod votes;
mod written;

use fixture::{BREACH, attestors, cover, determine, event, fall, first, on_chain, rearming};
use tocsin_domain::quorum::{fuse, is_same_loss};
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;

#[test]
fn what_all_saw_alike_is_fused_to_what_each_determined() {
    let cover = on_chain();
    let loss = first(&cover, "anybody", &fall(60, 120, 850));
    for count in [1, 2, 3, 4, 7] {
        let attestors = attestors(count);
        let reports: Vec<_> = (0..attestors.keys.len())
            .map(|index| attestors.report(index, &loss))
            .collect();
        let fused = fuse(&cover, &event(&cover, 1), &reports, attestors.quorum()).unwrap();
        assert_eq!(fused.determination, loss.determination);
        assert_eq!(fused.observations, loss.observations);
        assert_eq!(fused.previous, None);
        assert_eq!(fused.reports, reports);
        let written = |value: &_| serde_json::to_vec(value).unwrap();
        assert_eq!(written(&fused.determination), written(&loss.determination));
    }
}

#[test]
fn a_quorum_of_feeds_takes_the_middle_of_everything() {
    let cover = cover(BREACH);
    let attestors = attestors(4);
    let seen = [
        ("a", fall(60, 120, 850)),
        ("b", fall(90, 120, 870)),
        ("c", fall(70, 140, 860)),
    ];
    let losses: Vec<_> = seen
        .iter()
        .map(|(who, seen)| first(&cover, who, seen))
        .collect();
    let reports: Vec<_> = losses
        .iter()
        .enumerate()
        .map(|(index, loss)| attestors.report(index, loss))
        .collect();
    let fused = fuse(&cover, &event(&cover, 1), &reports, attestors.quorum()).unwrap();
    let loss = &fused.determination;
    assert_eq!(loss.occurred_at, Timestamp(fixture::START + 70));
    assert_eq!(loss.payout, Ok("0.14".parse().unwrap()));
    assert_eq!(loss.inputs[0], Ok(Value::Decimal("0.86".parse().unwrap())));
    // Everybody's observations are evidence, each with the raw bytes that it got.
    let seen_by_all: usize = losses.iter().map(|loss| loss.observations.len()).sum();
    assert_eq!(fused.observations.len(), seen_by_all);
    assert_eq!(loss.confirmed_on, None);
}

#[test]
fn a_later_loss_event_rests_on_when_the_one_before_was_confirmed() {
    let cover = rearming();
    let attestors = attestors(4);
    let seen = |shift: i64| {
        let mut seen = fall(60 + shift, 300, 850);
        let (last, sequence) = seen.last().map(|row| (row.1, row.2)).unwrap();
        seen.push((0, last + 100, sequence + 1, Some(1000)));
        for (number, (_, at, _, value)) in fall(60, 300, 700).into_iter().skip(2).enumerate() {
            let number = u64::try_from(number).unwrap();
            seen.push((0, last + 200 + at, sequence + 2 + number, value));
        }
        seen
    };
    let losses: Vec<_> = [0, 20, 40]
        .map(|shift| determine(&cover, "x", &seen(shift), 5).remove(1))
        .to_vec();
    let reports: Vec<_> = losses
        .iter()
        .enumerate()
        .map(|(index, loss)| attestors.report(index, loss))
        .collect();
    let fused = fuse(&cover, &event(&cover, 2), &reports, attestors.quorum()).unwrap();
    assert_eq!(fused.determination.ordinal, 2);
    assert_eq!(fused.previous, losses[1].previous);
    assert!(fused.previous.is_some());
}

#[test]
fn a_block_is_named_by_more_than_half_or_not_at_all() {
    let cover = on_chain();
    let attestors = attestors(4);
    // Confirmed in blocks of their own.
    let [early, late] = [700, 730].map(|every| first(&cover, "chain", &fall(60, every, 850)));
    assert_ne!(
        early.determination.confirmed_on,
        late.determination.confirmed_on
    );
    let block = |losses: &[&fixture::KnownLoss]| {
        let reports: Vec<_> = losses
            .iter()
            .enumerate()
            .map(|(index, loss)| attestors.report(index, loss))
            .collect();
        let fused = fuse(&cover, &event(&cover, 1), &reports, attestors.quorum()).unwrap();
        fused.determination.confirmed_on
    };
    let (of_early, of_late) = (
        early.determination.confirmed_on,
        late.determination.confirmed_on,
    );
    assert_eq!(block(&[&early, &late, &early]), of_early);
    assert_eq!(block(&[&late, &early, &late]), of_late);
    assert_eq!(block(&[&early, &late, &late, &late]), of_late);
    assert_eq!(block(&[&early, &early, &late, &late]), None);
}

#[test]
fn one_number_does_not_make_two_incidents_one() {
    let aged = cover(&BREACH.replace(
        "source  = \"feed:desk\"\n\n[inputs.rate]",
        "source  = \"feed:desk\"\nmax_age = \"3d\"\n\n[inputs.rate]",
    ));
    let plain = cover(BREACH);
    let day = 86_400;
    let at = |cover: &_, begins: i64| first(cover, "x", &fall(begins, 120, 850)).determination;
    let settled = |cover: &_| at(cover, 60).settled_at.0 - fixture::START;
    for (cover, apart) in [(&plain, day / 4), (&aged, 3 * day)] {
        let one = at(cover, 60);
        for (begins, same) in [
            (60, true),
            (90, true),
            (settled(cover) + apart, true),
            (settled(cover) + apart + 1, false),
        ] {
            let other = at(cover, begins);
            assert_eq!(is_same_loss(cover, &one, &other), same, "{begins}");
            assert_eq!(is_same_loss(cover, &other, &one), same, "{begins}");
        }
    }
}
