//! New blocks are heard of over WebSocket, and found by looking when that is cut, silent or wrong.

use std::time::{Duration, Instant};

use tocsin_sources::BlockSource;
use tocsin_tests::rpc_fault::{Fault, NOTICE, Rule};

use super::scene::*;

/// As a pipeline looks that trusts the announcements, and one that does not.
const RARELY: Duration = Duration::from_secs(5);
const OFTEN: Duration = Duration::from_millis(100);

/// Waits until the reader has read up to `block`: it looks when it is stirred, and every so often anyway. Gives how long
/// that took.
async fn caught_up(reading: &mut Reading, block: u64, every: Duration) -> Duration {
    let begun = Instant::now();
    while reading.cursor.is_none_or(|cursor| cursor.number < block) {
        let _woken = tokio::time::timeout(every, reading.reader.stirred()).await;
        reading.read_all().await;
        assert!(begun.elapsed() < Duration::from_secs(15));
    }
    begun.elapsed()
}

#[tokio::test]
async fn a_cut_silent_or_faulty_websocket_costs_time_and_nothing_else() {
    let mut world = World::new(1).await;
    let websocket = world.nodes[0].websocket_url();
    let mut reading = world
        .reader(|settings| settings.endpoints[0].ws = Some(websocket))
        .await;
    world.post_final(1).await;
    reading.read_all().await;
    // Connected, at some point.
    let begun = Instant::now();
    while world.nodes[0].asked("eth_subscribe").is_empty() {
        let _woken =
            tokio::time::timeout(Duration::from_millis(50), reading.reader.stirred()).await;
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    // Heard of as soon as it is there.
    for _ in 0..5 {
        world.post_final(1).await;
        let head = world.anvil.head().await - 2;
        let took = caught_up(&mut reading, head, RARELY).await;
        assert!(took < Duration::from_millis(700), "{took:?}");
    }

    let node = &world.nodes[0];
    node.add(Rule::new(Fault::Duplicate).of(NOTICE).percent(40));
    node.add(Rule::new(Fault::Hang).of(NOTICE).percent(40));
    for _ in 0..3 {
        world.post_final(1).await;
        let head = world.anvil.head().await - 2;
        caught_up(&mut reading, head, OFTEN).await;
    }
    let node = &world.nodes[0];
    node.heal();
    node.refuse_websockets(true);
    node.cut_websockets();
    world.post_final(1).await;
    let head = world.anvil.head().await - 2;
    caught_up(&mut reading, head, OFTEN).await;

    let node = &world.nodes[0];
    node.forget();
    node.heal();
    let begun = Instant::now();
    while world.nodes[0].asked("eth_subscribe").is_empty() {
        assert!(
            begun.elapsed() < Duration::from_secs(15),
            "never connected again"
        );
        let _woken =
            tokio::time::timeout(Duration::from_millis(50), reading.reader.stirred()).await;
    }
    world.nodes[0].silence_websockets(true);
    world.post_final(1).await;
    let head = world.anvil.head().await - 2;
    caught_up(&mut reading, head, OFTEN).await;
    assert_eq!(reading.rounds(), world.rounds().await);
}
