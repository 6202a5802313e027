//! Webhooks as a receiver meets them: receivers that are down, slow, broken or hostile; secrets that change; a service that
//! dies. Nothing is lost, order is kept, nobody waits for somebody else.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

#[path = "webhooks/acts.rs"]
mod acts;
#[path = "webhooks/api.rs"]
mod api;
#[path = "webhooks/desk.rs"]
mod desk;
#[path = "webhooks/killed.rs"]
mod killed;
#[path = "webhooks/secrets.rs"]
mod secrets;
#[path = "webhooks/sink.rs"]
mod sink;

use std::time::{Duration, Instant};

use tocsin_store::event::{Events, Seq};
use tocsin_store::webhook::lane::Replay;
use tocsin_store::webhook::{Filter, Standing, Webhooks};
use tocsin_tests::teller::said;

use self::desk::{PATIENCE, Telling, publish, until};
use self::sink::{Mood, Seen, Sink};

fn seqs(seen: &[Seen]) -> Vec<u64> {
    seen.iter().map(|seen| seen.seq).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_endpoint_does_not_delay_others() {
    let telling = Telling::begin(&[1, 1]).await;
    let mut bad = Vec::new();
    for mood in [
        Mood::Slow,
        Mood::Silent,
        Mood::Endless,
        Mood::Redirecting,
        Mood::Garbage,
        Mood::Failing(503),
    ] {
        let sink = Sink::open(mood).await;
        telling.register(&sink, Filter::default()).await;
        bad.push(sink);
    }
    let good = Sink::open(Mood::Taking).await;
    telling.register(&good, Filter::default()).await;
    let begun = Instant::now();
    publish(&telling.store, 1, 300).await;
    until(async || good.taken().len() >= 300).await;
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(seqs(&good.taken()), (1..=300).collect::<Vec<_>>());
    telling.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_was_down_or_flaps_is_told_everything_in_order() {
    let telling = Telling::begin(&[1, 1, 1, 1, 1, 1, 1]).await;
    let (down, flapping) = (
        Sink::open(Mood::Failing(500)).await,
        Sink::open(Mood::Flapping).await,
    );
    for sink in [&down, &flapping] {
        telling.register(sink, Filter::default()).await;
    }
    publish(&telling.store, 1, 12).await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(down.taken().len(), 0);
    let tries = down.seen();
    assert!(tries.len() > 1 && tries.iter().all(|seen| seen.seq == 1));
    // Every attempt has the same id and a time of its own.
    assert!(tries.iter().all(|seen| seen.id == tries[0].id));
    assert!(tries.last().unwrap().timestamp > tries[0].timestamp);
    down.set(Mood::Taking);
    until(async || down.taken().len() >= 12 && flapping.taken().len() >= 3).await;
    assert_eq!(seqs(&down.taken()), (1..=12).collect::<Vec<_>>());
    flapping.set(Mood::Taking);
    until(async || flapping.taken().len() >= 12).await;
    assert_eq!(seqs(&flapping.taken()), (1..=12).collect::<Vec<_>>());
    telling.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_keeps_nobody_waiting_and_can_be_replayed() {
    let telling = Telling::begin(&[1]).await;
    let sink = Sink::open(Mood::Choking(2)).await;
    let id = telling.register(&sink, Filter::default()).await;
    publish(&telling.store, 1, 4).await;
    until(async || sink.taken().len() >= 3).await;
    assert_eq!(seqs(&sink.taken()), [1, 3, 4]);
    let dead = async || telling.store.dead_letters(id, Seq(0), 9).await.unwrap();
    until(async || dead().await.len() == 1).await;
    assert_eq!((dead().await[0].seq, dead().await[0].attempts), (Seq(2), 2));
    sink.set(Mood::Taking);
    let replay = Replay {
        after: Seq(0),
        until: Seq(4),
        only_dead: true,
    };
    telling
        .store
        .replay(id, &replay, 9, &said(id, "webhook-replayed"), None)
        .await
        .unwrap();
    telling.bell.ring();
    until(async || dead().await.is_empty()).await;
    let taken = sink.taken();
    assert_eq!(seqs(&taken), [1, 3, 4, 2]);
    assert_eq!(taken[3].id, format!("{id}_2"));
    // A range is told once more with the ids that it had.
    let replay = Replay {
        after: Seq(2),
        until: Seq(4),
        only_dead: false,
    };
    telling
        .store
        .replay(id, &replay, 9, &said(id, "webhook-replayed"), None)
        .await
        .unwrap();
    telling.bell.ring();
    until(async || sink.taken().len() == 6).await;
    let taken = sink.taken();
    assert_eq!((&taken[4].id, &taken[5].id), (&taken[1].id, &taken[2].id));
    telling.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_takes_nothing_is_disabled_and_told_later() {
    let telling = Telling::begin(&[1]).await;
    let (sink, gone) = (
        Sink::open(Mood::Failing(500)).await,
        Sink::open(Mood::Failing(410)).await,
    );
    let id = telling.register(&sink, Filter::default()).await;
    let filter = Filter {
        kinds: vec!["claim.*".to_owned()],
        ..Filter::default()
    };
    let gone_id = telling.register(&gone, filter).await;
    publish(&telling.store, 1, 6).await;
    let standing = async |id| telling.store.endpoint(id).await.unwrap().unwrap().standing;
    until(async || matches!(standing(gone_id).await, Standing::Disabled { .. })).await;
    assert_eq!(gone.seen().len(), 1);
    until(async || matches!(standing(id).await, Standing::Disabled { .. })).await;
    let told = telling.store.events_after(Seq(6), 9).await.unwrap();
    let kinds: Vec<&str> = told.iter().map(|event| event.event.kind.as_str()).collect();
    assert_eq!(kinds, ["webhook.disabled", "webhook.disabled"]);
    let before = sink.seen().len();
    publish(&telling.store, 7, 1).await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(sink.seen().len(), before);

    sink.set(Mood::Taking);
    telling
        .store
        .set_standing(id, &Standing::Active, &said(id, "webhook-activated"))
        .await
        .unwrap();
    let replay = Replay {
        after: Seq(0),
        until: Seq(9),
        only_dead: true,
    };
    telling
        .store
        .replay(id, &replay, 9, &said(id, "webhook-replayed"), None)
        .await
        .unwrap();
    telling.bell.ring();
    until(async || sink.taken().len() >= 9).await;
    let mut all = seqs(&sink.taken());
    all.sort_unstable();
    assert_eq!(all, (1..=9).collect::<Vec<_>>());
    telling.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_loses_nothing_and_repeats_a_few_with_the_same_ids() {
    const EVENTS: u64 = 1_500;
    const WINDOW: usize = tocsin::pipeline::webhooks::WINDOW;
    let mut telling = Telling::begin(&[1]).await;
    let sink = Sink::open(Mood::Taking).await;
    let id = telling.register(&sink, Filter::default()).await;
    publish(&telling.store, 1, EVENTS).await;
    let mut crashes = 0;
    while sink.taken().len() < usize::try_from(EVENTS).unwrap() && crashes < 8 {
        telling.bell.ring();
        tokio::time::sleep(Duration::from_millis(37 + crashes * 29)).await;
        telling = telling.crash().await;
        crashes += 1;
    }
    let whole = async || {
        let lane = telling.store.lanes(id).await.unwrap().remove(0);
        lane.cursor >= Seq(EVENTS)
    };
    until(whole).await;
    let taken = seqs(&sink.taken());
    let mut highest = 0;
    for seq in &taken {
        assert!(*seq <= highest + 1, "{seq} came before {}", highest + 1);
        highest = highest.max(*seq);
    }
    assert_eq!(highest, EVENTS);
    let repeated = taken.len() - usize::try_from(EVENTS).unwrap();
    let most = usize::try_from(crashes).unwrap() * (WINDOW + 1);
    assert!(repeated <= most, "{repeated} repeated in {crashes} crashes");
    for seen in sink.taken() {
        assert_eq!(seen.id, format!("{id}_{}", seen.seq));
    }
    telling.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_ends_finishes_what_is_under_way() {
    let telling = Telling::begin(&[1]).await;
    let sink = Sink::open(Mood::Slow).await;
    let id = telling.register(&sink, Filter::default()).await;
    publish(&telling.store, 1, 50).await;
    until(async || !sink.taken().is_empty()).await;
    let store = std::sync::Arc::clone(&telling.store);
    let begun = Instant::now();
    telling.end().await;
    assert!(begun.elapsed() < PATIENCE / 2);
    let lane = store.lanes(id).await.unwrap().remove(0);
    let last = sink.taken().last().unwrap().seq;
    assert_eq!(lane.cursor, Seq(last), "what was taken is written down");
}
