//! JSON-RPC over HTTP, under alloy's provider.
//!
//! alloy's own HTTP transport reads answers of any length and takes an answer with another request's id. Here both are
//! errors, and no error shows more of the node's address than its host: paths and queries hold access keys.

use std::task::{Context, Poll};
use std::time::Duration;

use alloy::rpc::json_rpc::{RequestPacket, Response, ResponsePacket, SerializedRequest};
use alloy::transports::{TransportError, TransportErrorKind, TransportFut};
use tower_service::Service;
use url::Url;

use super::rpc::{RpcFailure, excerpt};

/// The receipts and blocks that are asked for have kilobytes; logs come in bounded ranges.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// A connection alone must not use up the time of a whole request.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// One node.
#[derive(Clone)]
pub(super) struct BoundedHttp {
    client: reqwest::Client,
    url: Url,
}

impl BoundedHttp {
    /// `timeout` is for the whole of a request.
    pub(super) fn new(url: Url, timeout: Duration) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(timeout)
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            // Signed bytes go where they were configured to go.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { client, url })
    }

    async fn ask(self, request: SerializedRequest) -> Result<ResponsePacket, RpcFailure> {
        let id = request.id().clone();
        let mut response = self
            .client
            .post(self.url)
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(request.take_request().get().to_owned())
            .send()
            .await
            .map_err(unreachable)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                let detail = format!("it is longer than {ANSWER_BYTES_MAX} bytes");
                return Err(RpcFailure::Malformed { detail });
            }
            body.extend_from_slice(&chunk);
        }
        let status = response.status();
        let answer: Result<Response, serde_json::Error> = serde_json::from_slice(&body);
        let shown = || excerpt(&String::from_utf8_lossy(&body));
        match answer {
            // Some nodes send their errors with an error status; only an error is believed then.
            Ok(answer) if !status.is_success() && answer.is_success() => {
                Err(RpcFailure::Unreachable {
                    detail: format!("HTTP status {status}: {}", shown()),
                })
            }
            Ok(answer) if answer.id != id => Err(RpcFailure::Malformed {
                detail: format!("it answers request {}, not {id}", answer.id),
            }),
            Ok(answer) => Ok(ResponsePacket::Single(answer)),
            Err(_no_answer) if !status.is_success() => Err(RpcFailure::Unreachable {
                detail: format!("HTTP status {status}: {}", shown()),
            }),
            Err(error) => Err(RpcFailure::Malformed {
                detail: format!("{error}: {:?}", shown()),
            }),
        }
    }
}

impl Service<RequestPacket> for BoundedHttp {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        let node = self.clone();
        Box::pin(async move {
            let RequestPacket::Single(request) = request else {
                return Err(TransportError::UnsupportedFeature(
                    "several requests in one",
                ));
            };
            node.ask(request).await.map_err(TransportErrorKind::custom)
        })
    }
}

fn unreachable(error: reqwest::Error) -> RpcFailure {
    let error = error.without_url();
    let mut detail = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        detail.push_str(": ");
        detail.push_str(&error.to_string());
        cause = error.source();
    }
    RpcFailure::Unreachable { detail }
}
