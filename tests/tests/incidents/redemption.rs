//! Nobody gets out: a vault is paused, or keeps what it should pay, and its share price says nothing of it.

use alloy::primitives::{Address, U256};
use alloy::sol_types::SolValue;
use tocsin_domain::time::Seconds;
use tocsin_tests::contract;

use super::scene::{Scene, Watch, only};

alloy::sol! {
    function mint(address to, uint256 amount) external;
    function approve(address spender, uint256 amount) external;
    function deposit(uint256 assets, address receiver) external;
    function pause() external;
    function unpause() external;
    function setExitFee(uint256 bps) external;
}

const HOUR: u64 = 3_600;

/// Blocks of five minutes: ten of them, a sample each, are less than the hour after which nothing is known.
const BLOCKS_AN_HOUR: u64 = 12;

/// A vault in which a holder has ten shares, watched through a simulated redemption of one of them.
async fn open(scene: &Scene) -> (Address, Watch) {
    let asset = contract::deploy(&scene.anvil, "DemoToken", Vec::new()).await;
    let vault = scene.deploy("LeakyVault", asset.abi_encode()).await;
    let amount = U256::from(10).pow(U256::from(19));
    let holder = scene.holder;
    scene
        .call(scene.owner, asset, mintCall { to: holder, amount })
        .await;
    scene
        .call(
            holder,
            asset,
            approveCall {
                spender: vault,
                amount,
            },
        )
        .await;
    let deposit = depositCall {
        assets: amount,
        receiver: holder,
    };
    scene.call(holder, vault, deposit).await;
    let names = [("a001", vault), ("a002", holder)];
    let watch = scene.watch("redeem-fails", &names).await;
    scene.pass(2 * HOUR, 2 * BLOCKS_AN_HOUR).await;
    (vault, watch)
}

#[tokio::test]
async fn a_pause_of_a_day_counts_in_full_and_one_of_some_hours_does_not() {
    let scene = Scene::set().await;
    let (vault, mut watch) = open(&scene).await;
    scene.call(scene.owner, vault, pauseCall {}).await;
    scene.pass(20 * HOUR, 20 * BLOCKS_AN_HOUR).await;
    scene.call(scene.owner, vault, unpauseCall {}).await;
    scene.pass(10 * HOUR, 10 * BLOCKS_AN_HOUR).await;
    watch.sees_nothing().await;

    let paused = scene.call(scene.owner, vault, pauseCall {}).await;
    scene.pass(25 * HOUR, 25 * BLOCKS_AN_HOUR).await;
    let sampled = scene.sampled(10, paused).await;
    let counted = sampled + Seconds(86_400);
    assert_eq!(
        only(watch.losses().await),
        (sampled, counted, "1".to_owned())
    );
}

#[tokio::test]
async fn a_redemption_that_gives_less_than_quoted_counts_by_what_is_missing() {
    let scene = Scene::set().await;
    let (vault, mut watch) = open(&scene).await;
    // The usual fee.
    scene
        .call(
            scene.owner,
            vault,
            setExitFeeCall {
                bps: U256::from(100),
            },
        )
        .await;
    scene.pass(30 * HOUR, 30 * BLOCKS_AN_HOUR).await;
    watch.sees_nothing().await;

    let taken = setExitFeeCall {
        bps: U256::from(9_000),
    };
    let taken = scene.call(scene.owner, vault, taken).await;
    scene.pass(25 * HOUR, 25 * BLOCKS_AN_HOUR).await;
    let sampled = scene.sampled(10, taken).await;
    let counted = sampled + Seconds(86_400);
    assert_eq!(
        only(watch.losses().await),
        (sampled, counted, "0.9".to_owned())
    );
}
