//! More than one message takes.

use std::time::Duration;

use tocsin_domain::time::Seconds;
use tocsin_tests::mortal::Death;

use super::nodes::{Manner, Nodes};
use super::quartet::Quartet;

/// Small, so that a storm need not be large.
const MOST_BYTES: usize = 20 << 10;

const ASSETS: [&str; 16] = [
    "AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH", "III", "JJJ", "KKK", "LLL", "MMM",
    "NNN", "OOO", "PPP",
];

/// A storm of which neither the reports nor the proposals nor the decisions fit into one message: it is divided, attested in one
/// turn, and recorded whole by who hears of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_for_one_message_is_attested_in_parts() {
    let policies: Vec<(u32, &str)> = (1..).zip(ASSETS).collect();
    let mut quartet = Quartet::set(&policies, "").await;
    quartet.start(0, &Death::NEVER);
    for asset in ASSETS {
        quartet.spots[0].until_seen(asset).await;
    }
    for asset in ASSETS {
        quartet.spots[0].set_price(asset, "0.8");
    }
    let spot = &quartet.spots[0];
    let determined = async || {
        let listed = spot.get("v1/determinations").await;
        let listed = listed.unwrap()["determinations"].as_array().unwrap().len();
        listed == ASSETS.len()
    };
    spot.pass_until("all are determined", determined).await;
    let ready = async || {
        let ready = spot.ask("health/ready").await;
        ready.text().await.unwrap().contains("no quorum yet")
    };
    spot.pass_until("their claims wait", ready).await;
    let now = spot.now() + Seconds(60);
    quartet.kill(0);
    let books = quartet.spots[0].folder().join("tocsin.db");
    let manner = Manner {
        patience: Duration::from_secs(10),
        most_bytes: MOST_BYTES,
        ..Manner::default()
    };
    let all = Nodes::open_as(&quartet.members, [books.as_path(); 4], [now; 4], &manner).await;
    let wishes = all.peers[0].wishes().await;
    assert_eq!(wishes.len(), ASSETS.len());
    let outcome = all.peers[0].node.attest(&wishes, false).await.unwrap();
    assert_eq!(outcome.troubles, []);
    let events = outcome
        .signed
        .iter()
        .map(|signed| signed.issue.events.len());
    assert_eq!(events.sum::<usize>(), ASSETS.len());
    for signed in &outcome.signed {
        all.peers[1].node.tell(signed).await.unwrap();
    }
    // The reports alone are more than one message has.
    let evidence: usize = outcome
        .signed
        .iter()
        .map(|signed| {
            let reports = signed
                .issue
                .events
                .iter()
                .flat_map(|one| &one.backed.reports);
            reports
                .map(|report| report.to_json().unwrap().len())
                .sum::<usize>()
        })
        .sum();
    assert!(evidence > 2 * MOST_BYTES, "{evidence}");

    let other = &all.peers[3];
    all.work_until(3, async |peer| {
        peer.store.unattested(20).await.unwrap().is_empty()
    })
    .await;
    assert_eq!(other.store.unattested(20).await.unwrap(), []);
}
