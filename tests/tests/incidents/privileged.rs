//! Who holds the power: pauses, upgrades, owners and administrators.

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::{SolCall, SolValue};
use tocsin_domain::eval::Truth;
use tocsin_domain::time::Seconds;

use super::scene::{Scene, Watch, only};

alloy::sol! {
    function pause() external;
    function unpause() external;
    function transferOwnership(address newOwner) external;
    function initialize(address administrator) external;
    function grantRole(bytes32 role, address account) external;
    function deposit() external payable;
    function empty(address to) external;
    function upgradeToAndCall(address newImplementation, bytes data) external payable;
    function schedule(address target, uint256 value, bytes data, bytes32 predecessor, bytes32 salt, uint256 delay) external;
    function execute(address target, uint256 value, bytes payload, bytes32 predecessor, bytes32 salt) external payable;
}

const DAY: u64 = 86_400;

#[tokio::test]
async fn a_pause_that_lasts_a_week_counts_and_a_shorter_one_does_not() {
    let scene = Scene::set().await;
    let token = tocsin_tests::contract::deploy(&scene.anvil, "DemoToken", Vec::new()).await;
    let vault = scene.deploy("LeakyVault", token.abi_encode()).await;
    let mut watch = scene.watch("vault-paused", &[("a001", vault)]).await;

    // Unpaused after exactly a week is in time.
    scene.call(scene.owner, vault, pauseCall {}).await;
    scene.pass(7 * DAY - 12, 7).await;
    scene.call(scene.owner, vault, unpauseCall {}).await;
    scene.pass(DAY, 1).await;
    watch.sees_nothing().await;

    let paused = scene.call(scene.owner, vault, pauseCall {}).await;
    scene.pass(6 * DAY, 6).await;
    assert_eq!(watch.losses().await, []);
    scene.pass(DAY + 12, 1).await;
    let counted = paused + Seconds(7 * 86_400);
    assert_eq!(
        only(watch.losses().await),
        (paused, counted, "0.25".to_owned())
    );
}

/// A bank behind a proxy, which a timelock of two days administers.
struct Bank {
    scene: Scene,
    proxy: Address,
    timelock: Address,
    watch: Watch,
}

impl Bank {
    async fn open() -> Self {
        let scene = Scene::set().await;
        let proposers = vec![scene.owner];
        let delay = U256::from(2 * DAY);
        let timelock = scene
            .deploy("IncidentTimelock", (delay, proposers).abi_encode_params())
            .await;
        let code = scene.deploy("ProxiedBank", Vec::new()).await;
        let start = initializeCall {
            administrator: timelock,
        }
        .abi_encode();
        let proxy = scene
            .deploy(
                "IncidentProxy",
                (code, Bytes::from(start)).abi_encode_params(),
            )
            .await;
        let ether = U256::from(10).pow(U256::from(18));
        scene.pay(scene.holder, proxy, ether, depositCall {}).await;
        let names = [("e001", proxy), ("e002", timelock)];
        let watch = scene.watch("privileged-change", &names).await;
        Self {
            scene,
            proxy,
            timelock,
            watch,
        }
    }

    async fn schedule(&self, target: Address, data: &[u8]) {
        let call = scheduleCall {
            target,
            value: U256::ZERO,
            data: data.to_vec().into(),
            predecessor: B256::ZERO,
            salt: B256::ZERO,
            delay: U256::from(2 * DAY),
        };
        self.scene.call(self.scene.owner, self.timelock, call).await;
    }
}

#[tokio::test]
async fn a_bank_that_is_taken_over_and_upgraded_counts_from_the_first_change() {
    let mut bank = Bank::open().await;
    let scene = &bank.scene;
    let evil = scene.deploy("EmptiedBank", Vec::new()).await;
    // An announcement that has nothing to do with the bank excuses nothing.
    bank.schedule(scene.holder, &[]).await;
    scene.pass(DAY, 4).await;
    assert_eq!(bank.watch.losses().await, []);

    let seize = initializeCall {
        administrator: scene.thief,
    };
    let seized = scene.call(scene.thief, bank.proxy, seize).await;
    let steal = upgradeToAndCallCall {
        newImplementation: evil,
        data: emptyCall { to: scene.thief }.abi_encode().into(),
    };
    scene.call(scene.thief, bank.proxy, steal).await;
    scene.pass(120, 10).await;
    // One loss event, although there were two changes.
    assert_eq!(
        only(bank.watch.losses().await),
        (seized, seized, "0.25".to_owned())
    );
}

#[tokio::test]
async fn an_upgrade_that_was_announced_is_none() {
    let mut bank = Bank::open().await;
    let scene = &bank.scene;
    let better = scene.deploy("ProxiedBank", Vec::new()).await;
    let upgrade = upgradeToAndCallCall {
        newImplementation: better,
        data: Bytes::new(),
    }
    .abi_encode();
    bank.schedule(bank.proxy, &upgrade).await;
    scene.pass(2 * DAY, 2).await;
    let execute = executeCall {
        target: bank.proxy,
        value: U256::ZERO,
        payload: upgrade.into(),
        predecessor: B256::ZERO,
        salt: B256::ZERO,
    };
    scene.call(scene.owner, bank.timelock, execute).await;
    bank.watch.sees_nothing().await;
}

#[tokio::test]
async fn a_stolen_key_shows_when_it_gives_the_ownership_away() {
    let scene = Scene::set().await;
    let token = tocsin_tests::contract::deploy(&scene.anvil, "DemoToken", Vec::new()).await;
    let vault = scene.deploy("LeakyVault", token.abi_encode()).await;
    let names = [("e001", vault), ("e002", scene.holder)];
    let mut watch = scene.watch("privileged-change", &names).await;
    scene.pass(DAY, 2).await;
    assert!(matches!(watch.truth(), Truth::Unknown(_)));
    assert_eq!(watch.losses().await, []);
    let hand_over = transferOwnershipCall {
        newOwner: scene.thief,
    };
    let handed = scene.call(scene.owner, vault, hand_over).await;
    assert_eq!(
        only(watch.losses().await),
        (handed, handed, "0.25".to_owned())
    );
}
