//! What other protocols report: Neptune Mutual, Nexus Mutual, Cozy and Y2K.

use alloy::primitives::{Address, B256, I256, U256};
use tocsin_domain::time::Seconds;

use super::scene::{Scene, only};

alloy::sol! {
    function report(bytes32 coverKey, bytes32 productKey, uint256 incidentDate, uint256 resolution) external;
    function dispute(bytes32 coverKey, bytes32 productKey, uint256 incidentDate) external;
    function submitClaim(uint256 claimId, uint256 coverId, uint256 productId) external;
    function updateState(uint8 state) external;
    function resolveEpoch(uint256 epochId, uint256 marketId, bool strikeMet, int256 depegPrice) external;
}

const DAY: u64 = 86_400;

fn key(number: u8) -> B256 {
    B256::with_last_byte(number)
}

async fn reports(scene: &Scene) -> Address {
    scene.deploy("IncidentReports", Vec::new()).await
}

fn a_report(cover: u8) -> reportCall {
    reportCall {
        coverKey: key(cover),
        productKey: key(0),
        incidentDate: U256::from(1),
        resolution: U256::from(2),
    }
}

#[tokio::test]
async fn a_report_that_nobody_disputes_counts_after_a_week() {
    let scene = Scene::set().await;
    let reports = reports(&scene).await;
    let mut watch = scene.watch("neptune-report", &[("f002", reports)]).await;

    // Another pool's incident, and a report that is disputed in time.
    scene.call(scene.thief, reports, a_report(2)).await;
    scene.call(scene.thief, reports, a_report(1)).await;
    scene.pass(6 * DAY, 6).await;
    let dispute = disputeCall {
        coverKey: key(1),
        productKey: key(0),
        incidentDate: U256::from(1),
    };
    scene.call(scene.owner, reports, dispute).await;
    scene.pass(8 * DAY, 8).await;
    watch.sees_nothing().await;

    let reported = scene.call(scene.holder, reports, a_report(1)).await;
    scene.pass(7 * DAY - 12, 1).await;
    assert_eq!(watch.losses().await, []);
    scene.pass(12, 1).await;
    let counted = reported + Seconds(7 * 86_400);
    assert_eq!(
        only(watch.losses().await),
        (reported, counted, "1".to_owned())
    );
}

#[tokio::test]
async fn three_claims_on_a_product_within_a_week_count() {
    let scene = Scene::set().await;
    let reports = reports(&scene).await;
    let mut watch = scene.watch("nexus-claims", &[("f003", reports)]).await;
    let claim = |claim: u64, product: u64| submitClaimCall {
        claimId: U256::from(claim),
        coverId: U256::from(7),
        productId: U256::from(product),
    };
    scene.call(scene.holder, reports, claim(1, 1)).await;
    scene.pass(7 * DAY, 1).await;
    // The first is a week old; these are two, and others of another product.
    scene.call(scene.holder, reports, claim(2, 1)).await;
    scene.call(scene.owner, reports, claim(3, 1)).await;
    scene.call(scene.owner, reports, claim(4, 2)).await;
    watch.sees_nothing().await;

    let third = scene.call(scene.thief, reports, claim(5, 1)).await;
    assert_eq!(
        only(watch.losses().await),
        (third, third, "0.25".to_owned())
    );
}

#[tokio::test]
async fn a_trigger_of_cozy_counts_when_it_is_triggered_and_not_when_it_is_frozen() {
    let scene = Scene::set().await;
    let reports = reports(&scene).await;
    let mut watch = scene.watch("cozy-trigger", &[("f004", reports)]).await;
    scene
        .call(scene.owner, reports, updateStateCall { state: 1 })
        .await;
    scene
        .call(scene.owner, reports, updateStateCall { state: 0 })
        .await;
    assert_eq!(watch.losses().await, []);
    let triggered = scene
        .call(scene.owner, reports, updateStateCall { state: 2 })
        .await;
    assert_eq!(
        only(watch.losses().await),
        (triggered, triggered, "1".to_owned())
    );
}

#[tokio::test]
async fn an_epoch_of_y2k_counts_if_its_strike_was_met() {
    let scene = Scene::set().await;
    let reports = reports(&scene).await;
    let mut watch = scene.watch("y2k-epoch", &[("f005", reports)]).await;
    let resolve = |epoch: u64, market: u64, met: bool| resolveEpochCall {
        epochId: U256::from(epoch),
        marketId: U256::from(market),
        strikeMet: met,
        depegPrice: I256::try_from(97_000_000).unwrap(),
    };
    scene.call(scene.owner, reports, resolve(2, 1, true)).await;
    scene.call(scene.owner, reports, resolve(1, 2, true)).await;
    assert_eq!(watch.losses().await, []);
    let resolved = scene.call(scene.owner, reports, resolve(1, 1, true)).await;
    assert_eq!(
        only(watch.losses().await),
        (resolved, resolved, "1".to_owned())
    );

    let mut another = scene.watch("y2k-epoch", &[("f005", reports)]).await;
    scene.call(scene.owner, reports, resolve(1, 1, false)).await;
    another.sees_nothing().await;
}
