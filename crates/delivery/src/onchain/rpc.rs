//! Why a node gave no usable answer, without the secrets that its URL may hold.

use alloy::primitives::Bytes;
use alloy::transports::{RpcError, TransportError, TransportErrorKind};
use url::Url;

use super::connect::Submitter;
use crate::DeliveryError;

/// How much of an unexpected answer is repeated in a message.
const EXCERPT_CHARS: usize = 300;

/// Why a call to a node failed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RpcFailure {
    /// The node answered with an error.
    #[error("the node says: {message} (code {code})")]
    Answered {
        /// JSON-RPC error code.
        code: i64,
        /// The node's words.
        message: String,
        /// What a contract gave as it reverted.
        data: Option<Bytes>,
    },
    /// No answer came.
    #[error("no answer: {detail}")]
    Unreachable {
        /// What the transport says.
        detail: String,
    },
    /// An answer came that is not what was asked for.
    #[error("an answer that cannot be right: {detail}")]
    Malformed {
        /// What is wrong with it.
        detail: String,
    },
}

/// Host and port: the part of a node's URL that may be shown, since paths and queries often hold access keys.
pub(super) fn endpoint(url: &Url) -> String {
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => url.scheme().to_owned(),
    }
}

/// What went wrong, with every part of the URL but its host removed from the words.
pub(super) fn failure(error: TransportError, url: &Url) -> RpcFailure {
    let clean = |text: String| redact(&text, url);
    match error {
        RpcError::ErrorResp(payload) => {
            let data = payload.data.as_ref().and_then(|raw| revert_data(raw.get()));
            RpcFailure::Answered {
                code: payload.code,
                message: clean(excerpt(&payload.message)),
                data,
            }
        }
        RpcError::NullResp => RpcFailure::Malformed {
            detail: "null".to_owned(),
        },
        RpcError::DeserError { err, text } => RpcFailure::Malformed {
            detail: clean(format!("{err}: {:?}", excerpt(&text))),
        },
        RpcError::Transport(TransportErrorKind::Custom(cause)) => RpcFailure::Unreachable {
            detail: clean(chain(cause.as_ref())),
        },
        other @ (RpcError::UnsupportedFeature(_)
        | RpcError::LocalUsageError(_)
        | RpcError::SerError(_)
        | RpcError::Transport(_)) => RpcFailure::Unreachable {
            detail: clean(excerpt(&other.to_string())),
        },
    }
}

/// The first hex string in the error's data, wherever a node puts it.
fn revert_data(json: &str) -> Option<Bytes> {
    let start = json.find("0x")?;
    let hex: &str = json.get(start + 2..)?;
    let end = hex
        .find(|c: char| !c.is_ascii_hexdigit())
        .unwrap_or(hex.len());
    hex.get(..end)?.parse().ok()
}

fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(EXCERPT_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// An error and its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn redact(text: &str, url: &Url) -> String {
    let mut clean = text.replace(url.as_str(), &endpoint(url));
    let secrets = [url.password(), url.query(), Some(url.path())];
    for secret in secrets
        .into_iter()
        .flatten()
        .filter(|secret| secret.len() > 1)
    {
        clean = clean.replace(secret, "…");
    }
    clean
}

impl Submitter {
    pub(super) fn failure(&self, error: TransportError) -> RpcFailure {
        failure(error, &self.settings().url)
    }

    pub(super) fn rpc_error(&self, attempted: &'static str, source: RpcFailure) -> DeliveryError {
        DeliveryError::Rpc {
            attempted,
            endpoint: endpoint(&self.settings().url),
            source,
        }
    }

    /// Names what was asked in the error of a call.
    pub(super) fn asked<T>(
        &self,
        attempted: &'static str,
        answer: Result<T, TransportError>,
    ) -> Result<T, DeliveryError> {
        answer.map_err(|error| self.rpc_error(attempted, self.failure(error)))
    }

    pub(super) fn malformed(&self, attempted: &'static str, detail: String) -> DeliveryError {
        self.rpc_error(attempted, RpcFailure::Malformed { detail })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_keys_in_a_url_never_reach_a_message() {
        let url: Url = "https://user:hunter2@node.example/v3/0a1b2c3d?token=s3cret"
            .parse()
            .unwrap();
        let text =
            format!("error sending request for url ({url}): /v3/0a1b2c3d, s3cret: token=s3cret");
        let clean = redact(&text, &url);
        for secret in ["hunter2", "0a1b2c3d", "token=s3cret"] {
            assert!(!clean.contains(secret), "{clean}");
        }
        assert!(clean.contains("node.example:443"), "{clean}");
    }

    #[test]
    fn revert_data_is_found_wherever_nodes_put_it() {
        for json in [
            r#""0x1234""#,
            r#""Reverted 0x1234""#,
            r#"{"data":"0x1234","program_counter":9}"#,
        ] {
            assert_eq!(
                revert_data(json),
                Some(Bytes::from_static(&[0x12, 0x34])),
                "{json}"
            );
        }
        assert_eq!(revert_data("null"), None);
    }
}
