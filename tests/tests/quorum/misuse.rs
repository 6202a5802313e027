//! An attestor that asks for what it may ask for, and too much of it; and keys that are not guarded any more.

use std::sync::Arc;
use std::time::Duration;

use alloy::signers::local::PrivateKeySigner;
use axum::http::HeaderMap;
use secrecy::SecretString;
use serde_json::{Value, json};
use tocsin_attest::{Attestor, KeySettings, Signer};
use tocsin_domain::attestation::{ClaimAttestation, Epoch};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_quorum::message::{Answer, SignResponse, Signed, WantedRequest, WantedResponse, path};
use tocsin_quorum::{MOST_BYTES, Node, Reason, Settings};
use tocsin_store_sqlite::SqliteStore;
use tocsin_tests::member::{Member, four, signers};
use tocsin_tests::mortal::Death;
use tocsin_tests::spot::Spot;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::hostile::{DOMAIN, post, sealed};
use super::quartet::Quartet;

async fn ask<T: serde::de::DeserializeOwned>(
    key: &PrivateKeySigner,
    of: &Member,
    path: &str,
    body: &impl serde::Serialize,
    spot: &Spot,
) -> Answer<T> {
    let body = serde_json::to_vec(body).unwrap();
    let envelope = sealed(key, of.address(), path, &body, spot);
    let (status, answer) = post(of, path, envelope.to_headers(), body).await;
    assert_eq!(status, 200, "{answer}");
    serde_json::from_value(answer).unwrap()
}

async fn payload(spot: &Spot, id: &str) -> ClaimAttestation {
    let shown = spot.get(&format!("v1/attestations/{id}")).await.unwrap();
    serde_json::from_value(shown["attestation"].clone()).unwrap()
}

/// Whoever asks for one statement of a claim after the other gets one a minute; who keeps requests open keeps nobody else
/// out; what is asked twice is answered alike.
#[tokio::test(flavor = "multi_thread")]
async fn an_attestor_that_asks_too_much_gets_its_share() {
    let mut quartet = Quartet::set(&[(1, "AAA")], "").await;
    for index in [0, 1, 2] {
        quartet.start(index, &Death::NEVER);
    }
    for index in [0, 1, 2] {
        quartet.spots[index].until_seen("AAA").await;
        quartet.spots[index].set_price("AAA", "0.8");
    }
    let attested = quartet.until_attested(&[0, 1, 2], 1).await;
    let (spot, to) = (&quartet.spots[0], &quartet.members[0]);
    let greedy = &quartet.members[3].key;
    let first = payload(spot, &attested[0]).await;
    let request = WantedRequest {
        claims: vec![first.claim_key()],
    };
    let told: Answer<WantedResponse> = ask(greedy, to, path::WANTED, &request, spot).await;
    let told: Signed = told.result().unwrap().signed.remove(0);

    let issue_at = |later: u64| {
        let mut issue = told.issue.clone();
        let mut payload = first.clone();
        for time in [
            &mut payload.issuedAt,
            &mut payload.validAfter,
            &mut payload.validUntil,
        ] {
            *time += later;
        }
        issue.issued_at = issue.issued_at + Seconds(i64::try_from(later).unwrap());
        issue.claims[0].id = DOMAIN.digest(&payload);
        issue
    };
    let asked = async |later: u64| {
        let issue = issue_at(later);
        let answer = ask::<SignResponse>(greedy, to, path::SIGN, &issue, spot);
        answer.await.result().unwrap().claims.remove(0)
    };
    // The one that is signed already, as often as it likes; another one right after it, never.
    let same = asked(0).await;
    assert!(matches!(same, Answer::Yes(Some(_))), "{same:?}");
    assert_eq!(asked(0).await, same);
    for later in [1, 30, 59] {
        let refused = asked(later).await.result().unwrap_err();
        assert_eq!(refused.reason, Reason::SaidBefore, "{refused}");
    }
    let next = asked(61).await;
    assert!(matches!(next, Answer::Yes(Some(_))), "{next:?}");

    // Two requests whose bodies never come, then a third.
    let body = br#"{"claims":[]}"#.to_vec();
    let mut open = Vec::new();
    for _ in 0..2 {
        let headers = sealed(greedy, to.address(), path::WANTED, &body, spot).to_headers();
        open.push(half_a_request(to, &headers, body.len()).await);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let other = &quartet.members[1].key;
    let request = WantedRequest { claims: Vec::new() };
    let answered = ask::<WantedResponse>(other, to, path::WANTED, &request, spot);
    let answered = tokio::time::timeout(Duration::from_secs(1), answered).await;
    assert!(answered.unwrap().result().is_ok());
    let third = sealed(greedy, to.address(), path::WANTED, &body, spot).to_headers();
    let (status, refused): (u16, Value) = post(to, path::WANTED, third, body).await;
    // It waits for as long as the first two are waited for: it is the next one, or too much.
    assert!(
        status == 200 || (status == 429 && refused["reason"] == json!("busy")),
        "{refused}"
    );
    quartet.assert_one_content().await;
}

async fn half_a_request(to: &Member, headers: &HeaderMap, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", to.port)).await.unwrap();
    let mut head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n",
        path::WANTED
    );
    for (name, value) in headers {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    stream.write_all((head + "\r\n").as_bytes()).await.unwrap();
    stream
}

/// Keys of an epoch whose signatures no contract accepts any more may lie around anywhere: they say nothing new to anybody.
#[tokio::test]
async fn keys_of_an_epoch_that_is_over_bind_nobody() {
    const NOW: i64 = 1_800_000_000;
    let members = four();
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("tocsin.db"))
        .await
        .unwrap();
    let epoch = |number: u32, accept_until: u64| Epoch {
        accept_until,
        ..Epoch::unbounded(signers(&members, number))
    };
    let secret = SecretString::from(members[0].secret());
    let key = Signer::open(&KeySettings::Raw { key: secret }).unwrap();
    let over = u64::try_from(NOW).unwrap() - 1;
    let epochs = vec![epoch(1, over), epoch(2, u64::MAX)];
    let settings = Settings {
        peers: std::collections::BTreeMap::new(),
        hold: Seconds(0),
        valid_for: Seconds(86_400),
        request_timeout: Duration::from_secs(1),
        patience: Duration::from_secs(1),
        takeover: Duration::from_secs(1),
        clock_tolerance: Seconds(30),
        most_bytes: MOST_BYTES,
    };
    let node = Node::new(
        Arc::new(store),
        Arc::new(Attestor::with_keys(DOMAIN, vec![key], epochs)),
        settings,
        Arc::new(|| Timestamp(NOW)),
        Arc::new(|| {}),
    )
    .unwrap();
    let signed = |epoch: u32| -> Signed {
        let issue =
            json!({"epoch": epoch, "issued_at": NOW, "batched": true, "events": [], "claims": []});
        serde_json::from_value(json!({"issue": issue, "signatures": []})).unwrap()
    };
    let refused = node.verify(&signed(1)).await.unwrap_err();
    assert_eq!(refused.reason, Reason::OtherEpoch, "{refused}");
    // The other one is not refused for its epoch.
    let refused = node.verify(&signed(2)).await.unwrap_err();
    assert_eq!(refused.reason, Reason::BadSignature, "{refused}");
}
