//! Three that are needed, of which one takes its time, and a fourth that answers at once and gives nothing.

use std::sync::Arc;
use std::time::Duration;

use tocsin_domain::time::Seconds;
use tocsin_tests::member::four;
use tocsin_tests::mortal::Death;

use super::hostile::{Liar, listen};
use super::nodes::{Manner, Nodes, begin_and_determine};
use super::quartet::Quartet;

/// Longer than anybody is waited for who is not needed.
const LATE: Duration = Duration::from_millis(700);

fn one_is_late() -> Manner {
    Manner {
        patience: Duration::from_millis(100),
        late: [Duration::ZERO, Duration::ZERO, LATE, Duration::ZERO],
        ..Manner::default()
    }
}

/// Who refuses, or lies, is no voice of a quorum: however fast it is, the proposer waits for the voice that it needs, in each
/// step, and the claim is attested in the first turn.
#[tokio::test(flavor = "multi_thread")]
async fn a_fast_refusal_cuts_off_no_slow_voice() {
    let mut quartet = Quartet::set(&[(1, "CCC"), (2, "CCC")], "").await;
    // It has seen no loss.
    quartet.start(3, &Death::NEVER);
    quartet.spots[3].until_seen("CCC").await;
    quartet.kill(3);
    let ignorant = quartet.spots[3].folder().join("tocsin.db");
    let books = begin_and_determine(&mut quartet, 0, "CCC").await;
    let now = quartet.spots[0].now() + Seconds(60);
    let own = [&books, &books, &books, &ignorant].map(|books| books.as_path());
    let all = Nodes::open_as(&quartet.members, own, [now; 4], &one_is_late()).await;
    let (event, policies) = all.peers[0].waiting().await;
    let [first, second] = policies[..] else {
        panic!("{policies:?}")
    };
    let signed = all.peers[0].attest(&event, &[first], false).await;
    assert_eq!(signed.signatures.len(), 1);
    // Whose claims are decided already, and a batch.
    let signed = all.peers[0].attest(&event, &[first, second], true).await;
    assert!(signed.issue.batched);

    // The same keys at other ports; the fourth has good words for everything, and none of them is true.
    let members = four();
    let manner = Manner {
        present: 3,
        ..one_is_late()
    };
    let all = Nodes::open_as(&members, own, [now; 4], &manner).await;
    let liar = Arc::new(Liar {
        key: members[3].key.clone(),
        honest: members[0].clone(),
        spot: Arc::new(quartet.spots.remove(0)),
    });
    let _server = listen(&liar, members[3].port).await;
    let signed = all.peers[0].attest(&event, &[first], false).await;
    assert_eq!(signed.signatures.len(), 1);
}
