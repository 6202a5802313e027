//! One whose own part fails.

use tocsin_domain::time::Seconds;

use super::nodes::{Nodes, begin_and_determine};
use super::quartet::Quartet;

/// Whose books cannot be read says so to whoever asks, of itself and nobody else, and nothing of what is inside. The others go
/// on; and where it is this node's own books, it says that too.
#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_read_its_books_says_that_it_is_its_own_fault() {
    let mut quartet = Quartet::set(&[(1, "CCC")], "").await;
    let books = begin_and_determine(&mut quartet, 0, "CCC").await;
    let now = quartet.spots[0].now() + Seconds(60);
    let all = Nodes::open(&quartet.members, [books.as_path(); 4], [now; 4]).await;
    let (event, policies) = all.peers[0].waiting().await;
    // When it was alone, nobody was there.
    let before = all.peers[0].store.disagreements(10).await.unwrap();
    all.peers[3].damage().await;
    let signed = all.peers[0].attest(&event, &policies, false).await;
    let mut noted = all.peers[0].store.disagreements(10).await.unwrap();
    noted.retain(|one| !before.contains(one));
    let broken = quartet.members[3].address();
    let of_it: Vec<_> = noted
        .iter()
        .filter(|one| one.peer == Some(broken))
        .collect();
    assert!(!of_it.is_empty(), "{noted:?}");
    for noted in of_it {
        assert_eq!(noted.kind, "failed");
        assert_eq!(
            noted.detail,
            "its books could not be read or written; its operator finds the reason in the log"
        );
    }
    let others = noted.iter().filter(|one| one.peer != Some(broken));
    assert_eq!(others.count(), 0, "{noted:?}");

    all.peers[1].damage().await;
    let refused = all.peers[1].node.verify(&signed).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "failed: its books could not be read or written; its operator finds the reason in the log"
    );
}
