//! Why a node gave no usable answer.

use alloy::primitives::Bytes;
use alloy::transports::{RpcError, TransportError, TransportErrorKind};
use url::Url;

use super::node::Node;
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

impl From<TransportError> for RpcFailure {
    fn from(error: TransportError) -> Self {
        match error {
            RpcError::ErrorResp(payload) => Self::Answered {
                code: payload.code,
                message: excerpt(&payload.message),
                data: payload.data.as_ref().and_then(|raw| revert_data(raw.get())),
            },
            RpcError::NullResp => Self::Malformed {
                detail: "null".to_owned(),
            },
            RpcError::DeserError { err, text } => Self::Malformed {
                detail: format!("{err}: {:?}", excerpt(&text)),
            },
            // What the transport below says.
            RpcError::Transport(TransportErrorKind::Custom(cause)) => match cause.downcast() {
                Ok(failure) => *failure,
                Err(other) => Self::Unreachable {
                    detail: excerpt(&other.to_string()),
                },
            },
            other @ (RpcError::UnsupportedFeature(_)
            | RpcError::LocalUsageError(_)
            | RpcError::SerError(_)
            | RpcError::Transport(_)) => Self::Unreachable {
                detail: excerpt(&other.to_string()),
            },
        }
    }
}

/// Host and port: the part of a node's URL that may be shown, since paths and queries often hold access keys.
pub(super) fn endpoint(url: &Url) -> String {
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => url.scheme().to_owned(),
    }
}

/// The beginning of a text.
pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The first hex string in the error's data, wherever a node puts it.
fn revert_data(json: &str) -> Option<Bytes> {
    let (_, hex) = json.split_once("0x")?;
    let end = hex
        .find(|c: char| !c.is_ascii_hexdigit())
        .unwrap_or(hex.len());
    // Not an error: other errors have other data.
    hex[..end].parse().ok()
}

impl Node {
    pub(super) fn rpc_error(&self, attempted: &'static str, source: RpcFailure) -> DeliveryError {
        DeliveryError::Rpc {
            attempted,
            endpoint: self.endpoint(),
            source,
        }
    }

    /// Names what was asked in the error of a call.
    pub(super) fn asked<T>(
        &self,
        attempted: &'static str,
        answer: Result<T, TransportError>,
    ) -> Result<T, DeliveryError> {
        answer.map_err(|error| self.rpc_error(attempted, error.into()))
    }

    pub(super) fn malformed(&self, attempted: &'static str, detail: String) -> DeliveryError {
        self.rpc_error(attempted, RpcFailure::Malformed { detail })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
