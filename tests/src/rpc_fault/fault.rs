//! What can be wrong with an answer.

use alloy::primitives::B256;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use url::Url;

/// A JSON pointer. (By this name, because serde would borrow a `&str` from what it reads.)
pub type Pointer = &'static str;

/// What is wrong with an answer, or with a notice of a subscription.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    // ── The exchange: of a batch, one such fault spoils the whole.
    /// This HTTP status, with a JSON-RPC answer as its body. Over WebSocket, the end of the connection.
    Status(u16),
    /// HTTP status 429, with this `Retry-After` (seconds, or a date) if any. Over WebSocket, the end of the connection.
    TooManyRequests(Option<String>),
    /// 200 and no body.
    EmptyBody,
    /// The first half of the body, as if it were the whole.
    HalfBody,
    /// The first half of the body, and then the connection ends. A notice: the connection ends before it.
    CutConnection,
    /// No answer. A notice: it is not passed on.
    Hang,
    /// A body without end.
    EndlessBody,
    /// The body, with blanks before it up to this many bytes.
    Padded(usize),
    /// The body, one byte in so many milliseconds.
    Drip(u64),
    /// The answer, or the notice, this many milliseconds late.
    Delay(u64),
    /// An error instead of any batch of more requests than this.
    BatchLimit(usize),

    // ── The answer to one request.
    /// A JSON-RPC error.
    ErrorReply,
    /// A JSON-RPC error with this code and message.
    Error(i64, String),
    /// An error for `eth_getLogs` over more blocks than this.
    RangeLimit(u64),
    /// An error for `eth_getLogs` with more results than this.
    ResultLimit(usize),
    /// The answer to another request.
    OtherId,
    /// `null`.
    Null,
    /// This result.
    Result(Value),
    /// The result (of a notice, `params`) with the value at a JSON pointer replaced.
    Replace(#[serde(deserialize_with = "kept")] Pointer, Value),
    /// A block whose parent is another one, in a header that hashes right.
    OtherParent,
    /// A list without its last element.
    ShortByOne,
    /// The logs of this block.
    LogsOfBlock(B256),
    /// Logs or receipts without the first log of the rule's blocks.
    OmitLog,
    /// Logs or receipts without any log of the rule's blocks.
    OmitLogs,
    /// Logs or receipts with another value in the first log of the rule's blocks.
    AlterLog,
    /// Logs or receipts whose logs, in the rule's blocks, name another block hash.
    OtherBlockHash,
    /// For block tags and `eth_blockNumber`, the block with this number. Newer blocks can still be had.
    HeadAt(u64),
    /// A node that does not know the newest so many blocks.
    Lag(u64),
    /// What the node at this address answers.
    From(Url),
    /// The hash of the transaction that was sent, which the node never sees.
    Swallow,

    // ── Notices only.
    /// The notice twice.
    Duplicate,
}

/// Text of a rule that came over the control path. Rules live about as long as the program.
fn kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static str, D::Error> {
    Ok(String::deserialize(deserializer)?.leak())
}

impl Fault {
    /// Whether it is about how an answer is sent, and not about what it says.
    pub(super) fn is_of_the_exchange(&self) -> bool {
        matches!(
            self,
            Self::Status(_)
                | Self::TooManyRequests(_)
                | Self::EmptyBody
                | Self::HalfBody
                | Self::CutConnection
                | Self::Hang
                | Self::EndlessBody
                | Self::Padded(_)
                | Self::Drip(_)
                | Self::Delay(_)
                | Self::BatchLimit(_)
        )
    }

    /// Whether it can be done to this request; where not, the next rule is tried.
    pub(super) fn fits(&self, call: &Value, batch: Option<usize>) -> bool {
        let logs = call["method"] == "eth_getLogs";
        match self {
            Self::HeadAt(_) => {
                let block = &call["params"][0];
                let tag = block.as_str().is_some_and(|block| !block.starts_with("0x"));
                tag || call["method"] == "eth_blockNumber"
            }
            Self::BatchLimit(most) => batch.is_some_and(|batch| batch > *most),
            Self::RangeLimit(_) | Self::ResultLimit(_) => logs,
            Self::Duplicate => call["method"] == super::NOTICE,
            _ => true,
        }
    }
}
