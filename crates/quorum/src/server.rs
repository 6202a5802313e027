//! Where other attestors ask. Nothing is read beyond the headers before the envelope holds, and nothing is done before the
//! body is the one that was signed.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tocsin_attest::Seat;
use tocsin_domain::ids::MessageId;

use crate::attestor::write;
use crate::envelope::{self, Envelope, Expected};
use crate::message::{SignedResponse, path};
use crate::node::Node;
use crate::refusal::{Reason, Refusal};

/// What can be asked.
pub fn router(node: Arc<Node>) -> Router {
    let paths = [
        path::REPORT,
        path::VOTE,
        path::LOCK,
        path::SIGN,
        path::SIGNED,
        path::WANTED,
    ];
    paths
        .into_iter()
        .fold(Router::new(), |router, path| {
            router.route(path, post(answer))
        })
        .with_state(node)
}

async fn answer(State(node): State<Arc<Node>>, request: Request) -> Response {
    let named = request.headers().get("tocsin-sender").cloned();
    match opened(&node, request).await {
        Ok(response) => response,
        Err(refusal) => refused(&node, named.as_ref(), &refusal).await,
    }
}

/// Who is not let in is told why, unsigned: it is nobody that a signature would be for. It is recorded under nobody's
/// name, since anybody can name a sender.
async fn refused(node: &Node, named: Option<&HeaderValue>, refusal: &Refusal) -> Response {
    let named = named
        .and_then(|named| named.to_str().ok())
        .unwrap_or("nobody");
    let noted = Refusal::new(
        refusal.reason,
        format!(
            "a message that names {named:.64} as its sender: {}",
            refusal.detail
        ),
    );
    node.note(None, None, &noted).await;
    let status = match refusal.reason {
        Reason::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::Unreadable => StatusCode::BAD_REQUEST,
        Reason::Busy => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::FORBIDDEN,
    };
    (status, axum::Json(refusal)).into_response()
}

async fn opened(node: &Arc<Node>, request: Request) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let envelope = Envelope::from_headers(path, &head.headers)?;
    let sender = envelope.message.sender;
    let (now, recipient) = (node.now(), envelope.message.recipient);
    if !node.attestor.addresses().any(|own| own == recipient) {
        return Err(Refusal::new(
            Reason::Misaddressed,
            format!("it is to {recipient}, which is no key of this node"),
        ));
    }
    let beside = node.attestor.seat_beside(sender, recipient, now);
    let seat = beside
        .filter(|seat| seat.address() != sender)
        .ok_or_else(|| {
            let stranger =
                format!("{sender} is no other attestor of an epoch that {recipient} signs for");
            Refusal::new(Reason::Stranger, stranger)
        })?;
    let id = envelope.check(Expected {
        domain: &seat.domain(),
        recipient,
        now,
        tolerance: node.settings.clock_tolerance,
        in_reply_to: alloy_primitives::B256::ZERO,
    })?;
    // From here on it costs something.
    let patience = node.settings.request_timeout;
    let pass = node.gate.enter(sender, patience).await?;
    let body = read(node, body).await?;
    envelope.check_body(&body)?;
    node.standing.asked(sender, node.now());
    let answer = match envelope.message.path.as_str() {
        path::SIGN => {
            let hash = envelope.message.bodyHash;
            let (here, envelope) = (Arc::clone(node), envelope.clone());
            let work = async move {
                let answer = done(&here, &envelope, &body).await;
                // Also where nobody waits any more, it has taken its asker's place until now.
                drop(pass);
                answer
            };
            Arc::unwrap_or_clone(node.works.once(sender, hash, work).await?)
        }
        _ => done(node, &envelope, &body).await?,
    };
    sealed(node, &seat, &envelope, id, answer).await
}

async fn read(node: &Node, body: Body) -> Result<axum::body::Bytes, Refusal> {
    let body = to_bytes(body, node.settings.most_bytes);
    match tokio::time::timeout(node.settings.request_timeout, body).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) => Err(Refusal::new(Reason::TooLarge, error.to_string())),
        Err(_elapsed) => Err(Refusal::new(
            Reason::Unreachable,
            "the body came too slowly",
        )),
    }
}

/// Does what is asked. A refusal of the whole is an answer as well, and signed.
async fn done(node: &Node, envelope: &Envelope, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let sender = envelope.message.sender;
    match envelope.message.path.as_str() {
        path::REPORT => written(node.reports(&parsed(body)?).await),
        path::VOTE => written(node.vote(sender, &parsed(body)?).await),
        path::LOCK => written(node.lock(sender, &parsed(body)?).await),
        path::SIGN => written(node.sign(sender, &parsed(body)?).await),
        path::WANTED => written(node.wanted(&parsed(body)?).await),
        path::SIGNED => {
            let signed = parsed(body)?;
            let kept = match node.verify(&signed).await {
                Ok(verified) => node.keep(&signed, &verified).await.map(|()| true),
                Err(refusal) => Err(refusal),
            };
            match &kept {
                Ok(_) => (node.ring)(),
                // It was not there when the loss happened, and asks when it has caught up.
                Err(refusal) if refusal.reason == Reason::NotDetermined => {}
                Err(refusal) => node.note(Some(sender), None, refusal).await,
            }
            written(Ok(SignedResponse { kept: kept.into() }))
        }
        other => Err(Refusal::new(
            Reason::Unreadable,
            format!("nothing can be asked at {other}"),
        )),
    }
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::new(Reason::Unreadable, error.to_string()))
}

fn written<T: Serialize>(answer: Result<T, Refusal>) -> Result<Vec<u8>, Refusal> {
    write(&crate::message::Answer::from(answer))
}

async fn sealed(
    node: &Node,
    seat: &Seat<'_>,
    asked: &Envelope,
    id: MessageId,
    body: Vec<u8>,
) -> Result<Response, Refusal> {
    let (path, sender) = (&asked.message.path, asked.message.sender);
    let message = envelope::message(path, &body, seat.address(), sender, node.now(), id.0);
    let signature = seat.seal(&message).await?;
    let mut response = Response::new(Body::from(body));
    *response.headers_mut() = Envelope { message, signature }.to_headers();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Ok(response)
}
