//! The envelope of a message between attestors: who sent it, to whom, when, and that these bytes are what was sent.
//!
//! It travels in headers of HTTP, and names the hash of the body, so that a stranger's message is refused before its body
//! is read. Nothing is done for a message whose envelope does not hold.

use alloy_primitives::{Address, B256, hex, keccak256};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tocsin_domain::attestation::{QuorumSignature, Scope};
use tocsin_domain::ids::MessageId;
use tocsin_domain::quorum::PeerMessage;
use tocsin_domain::time::{Seconds, Timestamp};

use crate::refusal::{Reason, Refusal};

const SENDER: HeaderName = HeaderName::from_static("tocsin-sender");
const RECIPIENT: HeaderName = HeaderName::from_static("tocsin-recipient");
const SENT_AT: HeaderName = HeaderName::from_static("tocsin-sent-at");
const IN_REPLY_TO: HeaderName = HeaderName::from_static("tocsin-in-reply-to");
const BODY_HASH: HeaderName = HeaderName::from_static("tocsin-body-hash");
const SIGNATURE: HeaderName = HeaderName::from_static("tocsin-signature");

/// A message's envelope.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Envelope {
    /// What is signed.
    pub message: PeerMessage,
    /// By the sender.
    pub signature: QuorumSignature,
}

/// What an envelope must say to be opened.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// For whom the attestors sign.
    pub domain: &'a dyn Scope,
    /// Who opens it.
    pub recipient: Address,
    /// What time it is.
    pub now: Timestamp,
    /// How far the sender's clock may be off, and how long a message may have been on its way.
    pub tolerance: Seconds,
    /// The request that it answers; zero for a request.
    pub in_reply_to: B256,
}

/// The unsigned message with this body.
pub fn message(
    path: &str,
    body: &[u8],
    sender: Address,
    recipient: Address,
    now: Timestamp,
    in_reply_to: B256,
) -> PeerMessage {
    PeerMessage {
        path: path.to_owned(),
        bodyHash: keccak256(body),
        sender,
        recipient,
        // Before 1970 nobody is answered.
        sentAt: now.to_u64().unwrap_or(0),
        inReplyTo: in_reply_to,
    }
}

impl Envelope {
    /// As headers.
    pub fn to_headers(&self) -> HeaderMap {
        let message = &self.message;
        let written = [
            (SENDER, format!("{:#x}", message.sender)),
            (RECIPIENT, format!("{:#x}", message.recipient)),
            (SENT_AT, message.sentAt.to_string()),
            (IN_REPLY_TO, format!("{:#x}", message.inReplyTo)),
            (BODY_HASH, format!("{:#x}", message.bodyHash)),
            (SIGNATURE, hex::encode_prefixed(self.signature.to_bytes())),
        ];
        let valid = written
            .into_iter()
            // Digits and hex: every one is a valid value.
            .filter_map(|(name, text)| Some((name, HeaderValue::from_str(&text).ok()?)));
        valid.collect()
    }

    /// From headers; the path is the request's.
    pub fn from_headers(path: &str, headers: &HeaderMap) -> Result<Self, Refusal> {
        let signature: [u8; 65] = hex::decode_to_array(text(headers, &SIGNATURE)?)
            .map_err(|_not_hex| unsigned("the signature is not 65 bytes in hex"))?;
        Ok(Self {
            message: PeerMessage {
                path: path.to_owned(),
                bodyHash: parsed(headers, &BODY_HASH)?,
                sender: parsed(headers, &SENDER)?,
                recipient: parsed(headers, &RECIPIENT)?,
                sentAt: parsed(headers, &SENT_AT)?,
                inReplyTo: parsed(headers, &IN_REPLY_TO)?,
            },
            signature: QuorumSignature::from_bytes(&signature)
                .map_err(|error| unsigned(&error.to_string()))?,
        })
    }

    /// That it is from who it says, to whom it is read by, of now, and unchanged. Its digest, which an answer refers to.
    pub fn check(&self, expected: Expected<'_>) -> Result<MessageId, Refusal> {
        let message = &self.message;
        if message.recipient != expected.recipient {
            return Err(Refusal::new(
                Reason::Misaddressed,
                format!(
                    "it is to {}, this is {}",
                    message.recipient, expected.recipient
                ),
            ));
        }
        if message.inReplyTo != expected.in_reply_to {
            return Err(Refusal::new(
                Reason::Misaddressed,
                format!(
                    "it answers {}, not {}",
                    message.inReplyTo, expected.in_reply_to
                ),
            ));
        }
        let sent_at = i64::try_from(message.sentAt).map_or(Timestamp(i64::MAX), Timestamp);
        let (earliest, latest) = (
            expected.now - expected.tolerance,
            expected.now + expected.tolerance,
        );
        if sent_at < earliest || sent_at > latest {
            return Err(Refusal::new(
                Reason::Stale,
                format!("it was sent at {sent_at}, and here it is {}", expected.now),
            ));
        }
        let id = message.id(expected.domain);
        if self.signature.signer(id) == Some(message.sender) {
            Ok(id)
        } else {
            Err(Refusal::new(
                Reason::Forged,
                format!("{} has not signed it", message.sender),
            ))
        }
    }

    /// That these bytes are what was sent.
    pub fn check_body(&self, body: &[u8]) -> Result<(), Refusal> {
        if keccak256(body) == self.message.bodyHash {
            Ok(())
        } else {
            Err(Refusal::new(
                Reason::Forged,
                "the body is not the one that was signed",
            ))
        }
    }
}

fn unsigned(detail: &str) -> Refusal {
    Refusal::new(Reason::Unsigned, detail)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, Refusal> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(unsigned(&format!("the header {name} must be there once")));
    };
    value
        .to_str()
        .map_err(|_not_ascii| unsigned(&format!("the header {name} is not text")))
}

fn parsed<T: core::str::FromStr>(headers: &HeaderMap, name: &HeaderName) -> Result<T, Refusal> {
    text(headers, name)?
        .parse()
        .map_err(|_not_one: T::Err| unsigned(&format!("the header {name} cannot be read")))
}
