//! State sources say when they are due, and settings that do not fit are refused with the reason and the remedy.

use std::num::NonZeroU64;

use alloy::primitives::{Address, B256, Log, LogData, keccak256};
use tocsin_domain::coverage::Proof;
use tocsin_domain::time::Seconds;
use tocsin_domain::value::Type;
use tocsin_sources::chain::state::{
    AnswerLimits, CallSettings, FeedSettings, OnRevert, Reading, Schedule, SequencerSettings,
    StateSettings, StateSource, StorageField, StorageSettings, WakingEvent,
};

const VAULT: Address = Address::repeat_byte(7);

fn named(kind: &str, end: &str) -> String {
    format!("{kind}:eip155:1:{VAULT:?}{end}")
}

fn settings(id: &str, reading: Reading) -> StateSettings {
    StateSettings {
        source: id.into(),
        subject: "subject".into(),
        metric: "metric".into(),
        schedule: every(25),
        from_block: 100,
        reading,
    }
}

fn every(blocks: u64) -> Schedule {
    Schedule {
        every_blocks: NonZeroU64::new(blocks),
        events: Vec::new(),
    }
}

fn on(event: &str) -> Schedule {
    Schedule {
        every_blocks: None,
        events: vec![WakingEvent {
            contract: VAULT,
            event: event.to_owned(),
        }],
    }
}

fn call() -> StateSettings {
    let call = CallSettings {
        address: VAULT,
        function: "totalAssets() view returns (uint256)".to_owned(),
        arguments: Vec::new(),
        value: String::new(),
        decimals: 18,
        on_revert: OnRevert::NoValue,
        from: None,
    };
    settings(&named("call", "#totalAssets"), Reading::Call(call))
}

fn storage() -> StateSettings {
    let storage = StorageSettings {
        address: VAULT,
        slot: "mapping(1,2)".to_owned(),
        bit_offset: 0,
        bits: 8,
        field: StorageField::Bool,
        decimals: 0,
    };
    settings(
        &named("storage", "#mapping(1,2)"),
        Reading::Storage(storage),
    )
}

fn feed(sequencer: Option<SequencerSettings>) -> StateSettings {
    let feed = FeedSettings {
        proxy: VAULT,
        decimals: 8,
        heartbeat: Seconds(3_600),
        limits: AnswerLimits::default(),
        sequencer,
    };
    settings(&named("chainlink", ""), Reading::Feed(feed))
}

#[test]
fn every_kind_is_accepted_and_knows_its_type_and_proof() {
    for (settings, ty, proof) in [
        (call(), Type::Decimal, Proof::Word),
        (storage(), Type::Bool, Proof::Root),
        (feed(None), Type::Decimal, Proof::Word),
    ] {
        let source = StateSource::new(settings.clone()).unwrap();
        assert_eq!((source.value_type(), source.proof()), (ty, proof));
        assert_eq!((source.id(), source.from_block()), (&settings.source, 100));
        let other = StateSettings {
            from_block: 101,
            ..settings
        };
        let other = StateSource::new(other).unwrap();
        assert_ne!(source.fingerprint(), other.fingerprint());
    }
}

#[test]
fn a_source_is_due_at_the_same_blocks_for_everybody() {
    let log = |contract: Address, event: &str| Log {
        address: contract,
        data: LogData::new_unchecked(vec![keccak256(event)], Vec::new().into()),
    };
    let paused = log(VAULT, "Paused(address)");
    let every = StateSource::new(call()).unwrap();
    let due: Vec<u64> = (0..200)
        .filter(|block| every.is_due(*block, [&paused]))
        .collect();
    assert_eq!(due, [100, 125, 150, 175]);
    assert_eq!(every.wakes_on(), []);

    let waking = StateSettings {
        schedule: on("Paused(address account)"),
        ..call()
    };
    let waking = StateSource::new(waking).unwrap();
    assert_eq!(waking.wakes_on(), [(VAULT, keccak256("Paused(address)"))]);
    assert!(waking.is_due(101, [&log(VAULT, "Other()"), &paused]));
    for (block, log) in [
        (99, paused),
        (125, log(VAULT, "Other()")),
        (125, log(Address::ZERO, "Paused(address)")),
    ] {
        assert!(!waking.is_due(block, [&log]));
    }
    assert!(!waking.is_due(125, [&Log::<LogData>::empty()]));
}

#[test]
fn what_does_not_fit_is_named_with_its_remedy() {
    let renamed = |settings: StateSettings, id: String| StateSettings {
        source: id.as_str().into(),
        ..settings
    };
    let scheduled = |settings: StateSettings, schedule| StateSettings {
        schedule,
        ..settings
    };
    let sequencer = Some(SequencerSettings {
        address: Address::repeat_byte(8),
        grace: Seconds(3_600),
    });
    let both = Schedule {
        every_blocks: NonZeroU64::new(5),
        ..on("Paused(address account)")
    };
    let elsewhere = format!("call:eip155:1:{:?}#totalAssets", Address::repeat_byte(8));
    for (settings, reason) in [
        (
            scheduled(call(), Schedule::default()),
            "`every_blocks` and `events` are both missing",
        ),
        (
            scheduled(call(), on("Paused(")),
            "`events` has `Paused(`, which is not an event declaration",
        ),
        (
            scheduled(call(), on("Paused() anonymous")),
            "which is anonymous",
        ),
        (
            scheduled(feed(None), both),
            "either by `every_blocks` or by `events`",
        ),
        (
            scheduled(feed(sequencer), on("E()")),
            "`sequencer` needs `every_blocks`",
        ),
        (renamed(call(), elsewhere), "they must be the same"),
        (
            renamed(call(), named("event", "#totalAssets")),
            "write `call:`, the chain and the contract",
        ),
        (
            renamed(call(), named("call", "")),
            "`function` declares `totalAssets`; write the name's end as `#totalAssets`",
        ),
        (
            renamed(call(), named("call", "#totalAssetsOf")),
            "the source's name has `#totalAssetsOf`",
        ),
        (
            renamed(storage(), named("storage", "")),
            "write `storage:<CAIP-10>#slot`",
        ),
        (
            renamed(feed(None), "chainlink:usdc".to_owned()),
            "does not say what is read",
        ),
    ] {
        let id = settings.source.clone();
        let error = StateSource::new(settings).unwrap_err();
        let text = error.to_string();
        assert!(
            !error.is_transient() && text.contains(id.as_str()),
            "{text}"
        );
        assert!(text.contains(reason), "{text}");
    }
    for end in ["#totalAssets()", "#totalAssets.now", "#totalAssets"] {
        StateSource::new(renamed(call(), named("call", end))).unwrap();
    }
    assert_ne!(B256::ZERO, StateSource::new(call()).unwrap().fingerprint());
}
