//! Somebody who speaks the protocol and means harm: strangers, copied and changed messages, and an attestor whose key is
//! good and whose words are not.

use std::net::SocketAddr;
use std::sync::Arc;

use alloy::primitives::{Address, B256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tocsin_domain::attestation::{AttestationDomain, QuorumSignature};
use tocsin_domain::ids::{EventKey, ReportsHash};
use tocsin_domain::quorum::{Event, EvidenceVote, SignedReport, Step};
use tocsin_quorum::envelope::{self, Envelope};
use tocsin_quorum::message::{
    Answer, Heard, Proposal, ReportRequest, ReportResponse, Signature, VoteRequest, VoteResponse,
    path,
};
use tocsin_quorum::{next_turn, rank};
use tocsin_tests::http::client;
use tocsin_tests::member::Member;
use tocsin_tests::mortal::Death;
use tocsin_tests::spot::Spot;
use tokio_util::task::AbortOnDropHandle;

use super::deaths::proposer;
use super::quartet::Quartet;

pub(crate) const DOMAIN: AttestationDomain = AttestationDomain {
    chain_id: 31_337,
    verifier: Address::with_last_byte(1),
};

fn signed(key: &PrivateKeySigner, digest: B256) -> QuorumSignature {
    QuorumSignature::new(key.sign_hash_sync(&digest).unwrap()).unwrap()
}

/// A message as an honest client would send it.
pub(crate) fn sealed(
    key: &PrivateKeySigner,
    to: Address,
    path: &str,
    body: &[u8],
    spot: &Spot,
) -> Envelope {
    let message = envelope::message(path, body, key.address(), to, spot.now(), B256::ZERO);
    Envelope {
        signature: signed(key, message.id(&DOMAIN).0),
        message,
    }
}

pub(crate) async fn post(
    to: &Member,
    path: &str,
    headers: HeaderMap,
    body: Vec<u8>,
) -> (u16, Value) {
    let url = format!("http://127.0.0.1:{}{path}", to.port);
    let answer = client()
        .post(url)
        .headers(headers)
        .body(body)
        .send()
        .await
        .unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap())
}

/// Who sends what its key does not vouch for, or what was for another ear or another time, is refused for that reason, and
/// the refusal is on record.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_for_here_and_now_is_refused_and_recorded() {
    let mut quartet = Quartet::set(&[(1, "AAA")], "").await;
    quartet.start(0, &Death::NEVER);
    quartet.spots[0].until_seen("AAA").await;
    let spot = &quartet.spots[0];
    let (to, other) = (&quartet.members[0], &quartet.members[1]);
    let key = &quartet.members[3].key;
    let body = br#"{"claims":[]}"#.to_vec();
    let ask = async |envelope: &Envelope, body: &[u8]| {
        post(to, path::WANTED, envelope.to_headers(), body.to_vec()).await
    };
    let good = sealed(key, to.address(), path::WANTED, &body, spot);
    let (status, answer) = ask(&good, &body).await;
    assert_eq!((status, &answer), (200, &json!({"yes": {"signed": []}})));
    // Asked again, it is answered again: there is nothing that a copy could do.
    assert_eq!(ask(&good, &body).await.0, 200);

    let stranger = PrivateKeySigner::random();
    let mut forged = good.clone();
    forged.signature = signed(&stranger, good.message.id(&DOMAIN).0);
    let mut old = good.clone();
    old.message.sentAt -= 4 * 3_600;
    old.signature = signed(key, old.message.id(&DOMAIN).0);
    let elsewhere = sealed(key, to.address(), path::VOTE, &body, spot);
    let for_other = sealed(key, other.address(), path::WANTED, &body, spot);
    let unknown = br#"{"claims":[],"more":1}"#.to_vec();
    let strict = sealed(key, to.address(), path::WANTED, &unknown, spot);
    let by_stranger = sealed(&stranger, to.address(), path::WANTED, &body, spot);
    let cases = [
        ("stranger", &by_stranger, &body),
        ("misaddressed", &for_other, &body),
        ("stale", &old, &body),
        ("forged", &forged, &body),
        // Signed for another question.
        ("forged", &elsewhere, &body),
        // Changed on the way.
        ("forged", &good, &unknown),
        ("unreadable", &strict, &unknown),
    ];
    for (reason, envelope, body) in cases {
        let (status, refused) = ask(envelope, body).await;
        assert!(status == 403 || status == 400, "{reason}: {status}");
        assert_eq!(refused["reason"], reason, "{refused}");
    }
    let (status, refused) = post(to, path::WANTED, HeaderMap::new(), body.clone()).await;
    assert_eq!((status, &refused["reason"]), (403, &json!("unsigned")));
    quartet
        .pass_until("the refusals are on record", async |all| {
            let Some(shown) = all.quorum(0).await else {
                return false;
            };
            let noted = shown["disagreements"].as_array().unwrap();
            [
                "stranger",
                "misaddressed",
                "stale",
                "forged",
                "unreadable",
                "unsigned",
            ]
            .iter()
            .all(|kind| noted.iter().any(|one| one["kind"] == *kind))
        })
        .await;
}

/// An attestor that exaggerates in its report, votes for other things than it is asked to, and proposes one thing to one
/// and another to the next.
pub(crate) struct Liar {
    pub(crate) key: PrivateKeySigner,
    /// Whose reports it exaggerates.
    pub(crate) honest: Member,
    pub(crate) spot: Arc<Spot>,
}

impl Liar {
    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        of: &Member,
        path: &str,
        body: &impl serde::Serialize,
    ) -> Answer<T> {
        let body = serde_json::to_vec(body).unwrap();
        let envelope = sealed(&self.key, of.address(), path, &body, &self.spot);
        let (_, answer) = post(of, path, envelope.to_headers(), body).await;
        serde_json::from_value(answer).unwrap()
    }

    /// What an honest one has seen, with a loss of everything.
    fn exaggerated(&self, report: &SignedReport) -> SignedReport {
        let mut report = report.clone();
        report.statement.payoutFraction = 1_000_000_000_000_000_000;
        report.signature = signed(&self.key, report.statement.id(&DOMAIN).0);
        report
    }

    async fn answer(&self, path: &str, body: &[u8]) -> Value {
        match path {
            path::REPORT => {
                let request: ReportRequest = serde_json::from_slice(body).unwrap();
                let Answer::Yes(mut response) = self
                    .ask::<ReportResponse>(&self.honest, path::REPORT, &request)
                    .await
                else {
                    return json!({"yes": {"heard": []}});
                };
                for heard in &mut response.heard {
                    // Nobody could go on from there.
                    heard.round = u32::MAX;
                    if let Answer::Yes(report) = &heard.report {
                        heard.report = Answer::Yes(self.exaggerated(report));
                    }
                }
                json!({ "yes": response })
            }
            path::VOTE => {
                let request: VoteRequest = serde_json::from_slice(body).unwrap();
                let votes = request.proposals.iter().map(|proposal| {
                    let other = ReportsHash(B256::repeat_byte(7));
                    self.vote(proposal.event.key(), proposal.round, other, request.epoch)
                });
                json!({ "yes": VoteResponse { votes: votes.map(Answer::Yes).collect() } })
            }
            _ => json!({"yes": {"nonsense": true}}),
        }
    }

    fn vote(&self, event: EventKey, round: u32, reports: ReportsHash, epoch: u32) -> Signature {
        let vote = EvidenceVote::new(event, round, Step::Evidence, reports, epoch);
        Signature(signed(&self.key, vote.id(&DOMAIN).0))
    }

    /// Proposes different reports to each, also in rounds that are not its own, or far away; how many votes it got.
    async fn equivocate(&self, to: &[Member], event: &Event) -> usize {
        let mut voted = 0;
        let request = ReportRequest {
            epoch: 1,
            events: vec![event.clone()],
        };
        let mut heard: Vec<Heard> = Vec::new();
        for member in to {
            let answer = self.ask::<ReportResponse>(member, path::REPORT, &request);
            if let Answer::Yes(mut response) = answer.await {
                heard.append(&mut response.heard);
            }
        }
        let reports: Vec<SignedReport> = heard
            .iter()
            .filter_map(|heard| heard.report.clone().result().ok())
            .collect();
        let reached = heard.iter().map(|heard| heard.round).max().unwrap_or(0);
        let rank = rank(3, event.key(), 4);
        let own = next_turn(reached, rank, 4).unwrap();
        let last = next_turn(u32::MAX - 8, rank, 4).unwrap();
        for (member, left_out) in to.iter().zip(0..) {
            for round in [own, own + 1, own + 8, last] {
                let mut given = reports.clone();
                // Each gets its own report and one of the liar's, and not that of the next one.
                if let [first, _, _] = &reports[..] {
                    let mut own = first.clone();
                    own.signature = signed(&self.key, own.statement.id(&DOMAIN).0);
                    given.remove((left_out + 1) % 3);
                    given.push(own);
                }
                let proposal = Proposal {
                    event: event.clone(),
                    round,
                    reports: given,
                    certificate: None,
                };
                let request = VoteRequest {
                    epoch: 1,
                    proposals: vec![proposal],
                };
                let answer = self.ask::<VoteResponse>(member, path::VOTE, &request).await;
                let given = answer.result().ok().and_then(|mut given| given.votes.pop());
                voted += usize::from(matches!(given, Some(Answer::Yes(_))));
            }
        }
        voted
    }
}

async fn answer(
    State(liar): State<Arc<Liar>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asked = Envelope::from_headers(uri.path(), &headers).unwrap();
    let answer = serde_json::to_vec(&liar.answer(uri.path(), &body).await).unwrap();
    let message = envelope::message(
        uri.path(),
        &answer,
        liar.key.address(),
        asked.message.sender,
        liar.spot.now(),
        asked.message.id(&DOMAIN).0,
    );
    let signature = signed(&liar.key, message.id(&DOMAIN).0);
    (Envelope { message, signature }.to_headers(), answer).into_response()
}

/// Lets a liar answer the others, as long as the handle is kept.
pub(crate) async fn listen(liar: &Arc<Liar>, port: u16) -> AbortOnDropHandle<()> {
    let address: SocketAddr = format!("127.0.0.1:{port}").parse().unwrap();
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let router = axum::Router::new()
        .fallback(answer)
        .with_state(Arc::clone(liar));
    #[expect(clippy::disallowed_methods, reason = "it ends with its handle")]
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    AbortOnDropHandle::new(server)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attestor_that_lies_under_its_own_key_delays_nothing_for_long_and_is_seen() {
    let assets = [
        "AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH", "III", "JJJ",
    ];
    let policies: Vec<(u32, &str)> = (1..).zip(assets).collect();
    let mut quartet = Quartet::set(&policies, "").await;
    let cover = quartet.spots[0].folder().join("cover.toml");
    let terms = tocsin::config::load_cover(&cover).unwrap().terms_hash;
    // One of which it is the liar's turn to propose first, so that the others leave it the time.
    let mut assets = assets.into_iter();
    let asset = assets.find(|asset| proposer(terms, asset) == 3).unwrap();
    for index in [0, 1, 2] {
        // Long enough for it to be heard on a busy machine.
        quartet.set_takeover(index, "4s");
        quartet.start(index, &Death::NEVER);
    }
    let liar = Arc::new(Liar {
        key: quartet.members[3].key.clone(),
        honest: quartet.members[0].clone(),
        spot: Arc::new(quartet.spots.pop().unwrap()),
    });
    let _server = listen(&liar, quartet.members[3].port).await;
    for index in [0, 1, 2] {
        quartet.spots[index].until_seen(asset).await;
        quartet.spots[index].set_price(asset, "0.8");
    }
    let event = Event {
        terms_hash: terms,
        subject: format!("price:{asset}-USD"),
        inception: None,
        ordinal: 1,
    };
    let honest: Vec<Member> = quartet.members[..3].to_vec();
    let (mut harassed, mut voted) = (0, 0);
    quartet
        .pass_until("three attest", async |all| {
            liar.spot.pass(10);
            if harassed < 60 {
                harassed += 1;
                voted += liar.equivocate(&honest, &event).await;
            }
            for spot in &all.spots {
                if spot.attested().await.is_empty() {
                    return false;
                }
            }
            true
        })
        .await;
    assert!(voted > 0, "nobody has voted for anything of the liar's");
    let mut kinds = Vec::new();
    for index in [0, 1, 2] {
        kinds.extend(quartet.disagreements(index, 3).await);
    }
    for kind in ["bad-reports", "out-of-turn"] {
        assert!(kinds.iter().any(|one| one == kind), "{kind}: {kinds:?}");
    }
    quartet.assert_one_content().await;
}
