//! A receiver on real HTTP, with moods.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// How a receiver behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mood {
    /// It takes everything.
    Taking,
    /// It takes what it can verify with the secret that is installed.
    Verifying,
    /// It takes everything, late.
    Slow,
    /// It never answers.
    Silent,
    /// Its refusal never ends.
    Endless,
    /// It sends senders elsewhere.
    Redirecting,
    /// It speaks no HTTP.
    Garbage,
    /// It refuses everything with this status.
    Failing(u16),
    /// It refuses every other message.
    Flapping,
    /// It refuses this event.
    Choking(u64),
}

/// A message as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) id: String,
    pub(crate) seq: u64,
    pub(crate) timestamp: i64,
    signature: String,
    body: Bytes,
    taken: bool,
}

impl Seen {
    /// What it says.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// What the reference library says.
    pub(crate) fn is_signed_with(&self, secret: &SecretString) -> bool {
        let webhook = standardwebhooks::Webhook::new(secret.expose_secret()).unwrap();
        let signed = webhook.sign(&self.id, self.timestamp, &self.body).unwrap();
        self.signature.split(' ').any(|one| one == signed)
    }
}

#[derive(Clone)]
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<(Mood, Vec<Seen>)>>,
    installed: Arc<Mutex<Option<SecretString>>>,
}

impl Sink {
    pub(crate) async fn open(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sink = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::new(Mutex::new((mood, Vec::new()))),
            installed: Arc::default(),
        };
        if mood == Mood::Garbage {
            #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
            tokio::spawn(talk_nonsense(listener));
            return sink;
        }
        let router = Router::new().fallback(take).with_state(sink.clone());
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        sink
    }

    pub(crate) fn set(&self, mood: Mood) {
        self.state.lock().unwrap().0 = mood;
    }

    /// From now on it verifies with this secret, and no other.
    pub(crate) fn install(&self, secret: &SecretString) {
        *self.installed.lock().unwrap() = Some(secret.clone());
    }

    /// Every message that came.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().1.clone()
    }

    /// Those that were taken.
    pub(crate) fn taken(&self) -> Vec<Seen> {
        let seen = self.seen().into_iter();
        seen.filter(|seen| seen.taken).collect()
    }
}

async fn take(State(sink): State<Sink>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let seq = json["seq"].as_u64().unwrap();
    let (mood, nth) = {
        let state = sink.state.lock().unwrap();
        (state.0, state.1.len())
    };
    if mood == Mood::Slow {
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    let mut seen = Seen {
        id: text("webhook-id"),
        seq,
        timestamp: text("webhook-timestamp").parse().unwrap(),
        signature: text("webhook-signature"),
        body,
        taken: false,
    };
    seen.taken = match mood {
        Mood::Taking | Mood::Slow => true,
        Mood::Verifying => {
            let installed = sink.installed.lock().unwrap();
            installed
                .as_ref()
                .is_some_and(|secret| seen.is_signed_with(secret))
        }
        Mood::Flapping => nth % 2 == 1,
        Mood::Choking(event) => event != seq,
        _ => false,
    };
    let taken = seen.taken;
    sink.state.lock().unwrap().1.push(seen);
    match mood {
        _ if taken => StatusCode::OK.into_response(),
        Mood::Silent => std::future::pending().await,
        Mood::Redirecting => Redirect::temporary("http://127.0.0.1:1/").into_response(),
        Mood::Failing(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Mood::Endless => {
            let chunks = || Ok::<_, std::io::Error>(vec![b'x'; 16_384]);
            let body = Body::from_stream(futures_util::stream::repeat_with(chunks));
            (StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
        }
        _ => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
    }
}

async fn talk_nonsense(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut some = [0; 64];
        let _read = stream.read(&mut some).await;
        let _written = stream.write_all(&[0xff; 300]).await;
    }
}
