//! How long an endpoint is left alone, and how many calls it gets.

use core::num::NonZeroU32;

use super::*;

fn pace(requests_per_second: u32, max_in_flight: u32) -> Pace {
    let count = |count| NonZeroU32::new(count).unwrap();
    Pace::new(count(requests_per_second), count(max_in_flight))
}

#[tokio::test(start_paused = true)]
async fn calls_are_spread_over_time_and_a_quiet_second_is_saved_up() {
    let pace = pace(10, 100);
    let start = Instant::now();
    for _ in 0..20 {
        drop(pace.enter(1).await.unwrap());
    }
    assert_eq!(start.elapsed().as_millis(), 1_900);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let start = Instant::now();
    // A second's worth at once, and no minute's.
    drop(pace.enter(10).await.unwrap());
    drop(pace.enter(5).await.unwrap());
    assert_eq!(start.elapsed().as_millis(), 0);
    drop(pace.enter(1).await.unwrap());
    assert!(start.elapsed() >= Duration::from_millis(499));
}

#[tokio::test(start_paused = true)]
async fn what_an_endpoint_asks_for_is_given_and_callers_are_told() {
    let pace = pace(1_000, 2);
    pace.failed(Some(Duration::from_secs(7)), "busy".to_owned());
    assert!(pace.is_resting());
    let refused = pace.enter(1).await.unwrap_err();
    assert!(
        matches!(refused, RequestFailure::Resting { ref after } if after == "busy"),
        "{refused}"
    );
    tokio::time::sleep(Duration::from_secs(6)).await;
    let start = Instant::now();
    drop(pace.enter(1).await.unwrap());
    assert!(start.elapsed() >= Duration::from_millis(999));
}

#[tokio::test(start_paused = true)]
async fn rests_grow_with_failures_and_end_with_an_answer() {
    let pace = pace(1_000, 2);
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        pace.failed(None, String::new());
        let until = pace.state().rest_until;
        longest = longest.max(until.saturating_duration_since(Instant::now()));
        sleep_until(until).await;
    }
    assert!((LONGEST_REST / 2..=LONGEST_REST).contains(&longest));
    pace.answered();
    pace.failed(None, String::new());
    let rest = pace
        .state()
        .rest_until
        .saturating_duration_since(Instant::now());
    assert!(rest <= FIRST_REST, "{rest:?}");
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_under_way_than_allowed() {
    let pace = pace(1_000, 2);
    let first = pace.enter(1).await.unwrap();
    let _second = pace.enter(1).await.unwrap();
    let third = tokio::time::timeout(Duration::from_secs(5), pace.enter(1)).await;
    assert!(third.is_err());
    drop(first);
    drop(pace.enter(1).await.unwrap());
}
