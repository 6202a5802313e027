//! The proposer dies around everything that it journals, one step later each time: the others finish, and when it is back
//! it has what they have. Nobody ever signs two contents for one claim.

use tocsin_domain::ids::{EventKey, RiskId, TermsHash};
use tocsin_quorum::rank;
use tocsin_tests::mortal::{Death, Side};

use super::quartet::Quartet;

/// Who proposes the first loss of an asset, as the rules say.
pub(crate) fn proposer(terms: TermsHash, asset: &str) -> usize {
    let risk = RiskId::derive(terms, &format!("price:{asset}-USD"), None);
    let event = EventKey::derive(risk, 1);
    (0..4_u8)
        .find(|index| rank(*index, event, 4) == 0)
        .map(usize::from)
        .unwrap()
}

/// What follows a write is what comes before the next one.
async fn die_around(writes: &[(Side, &str)]) {
    let assets: Vec<String> = (0..writes.len())
        .map(|number| format!("{}AA", char::from(b'A' + u8::try_from(number).unwrap())))
        .collect();
    let policies: Vec<(u32, &str)> = (1..).zip(assets.iter().map(String::as_str)).collect();
    let mut quartet = Quartet::set(&policies, "").await;
    let cover = quartet.spots[0].folder().join("cover.toml");
    let terms = tocsin::config::load_cover(&cover).unwrap().terms_hash;
    quartet.start_all();
    for (count, (asset, (side, write))) in (1..).zip(assets.iter().zip(writes)) {
        let dying = proposer(terms, asset);
        quartet.kill(dying);
        quartet.start(dying, &Death::at_first(*side, write));
        quartet.spots[dying].until_seen(asset).await;
        for spot in &quartet.spots {
            spot.set_price(asset, "0.8");
        }
        let others: Vec<usize> = (0..4).filter(|index| *index != dying).collect();
        let attested = quartet.until_attested(&others, count).await;
        assert!(quartet.has_died(dying), "{side} {write}: nobody died");
        quartet.start(dying, &Death::NEVER);
        let caught_up = quartet.until_attested(&[dying], count).await;
        assert_eq!(caught_up, attested, "{side} {write}");
    }
    quartet.assert_one_content().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposer_that_dies_while_reports_are_settled_stops_nothing() {
    die_around(&[
        (Side::Before, "vote"),
        (Side::After, "vote"),
        (Side::After, "lock"),
        (Side::After, "decision"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposer_that_dies_while_claims_are_signed_stops_nothing() {
    die_around(&[
        (Side::After, "restate"),
        (Side::Before, "add_result"),
        (Side::After, "add_result"),
        (Side::After, "add_attestations"),
    ])
    .await;
}
