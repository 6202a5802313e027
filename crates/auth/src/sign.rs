//! Signing, for clients.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::base::{components, signature_base};
use crate::failure::Failure;
use crate::key::{KeyError, KeyId, SigningKey};
use crate::nonce::Nonce;
use crate::request::Request;
use crate::{TAG, UnixTime};

/// Why nothing was signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignError {
    /// The request lacks a header that has to be covered, or has one twice.
    #[error(
        "the request cannot be signed: a body needs Content-Type and Content-Digest, a write an Idempotency-Key, each once and in visible ASCII"
    )]
    Incomplete(Failure),
    /// The key is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// When, how long and as what a request is signed.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// When.
    pub created: UnixTime,
    /// Until when it is good: at most 60 seconds later.
    pub expires: UnixTime,
    /// Random, and never used before.
    pub nonce: Nonce,
}

/// The two headers that make a request a signed one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signature {
    /// `Signature-Input`
    pub input: String,
    /// `Signature`
    pub signature: String,
}

/// Signs a request that has all its other headers.
pub fn sign(
    request: &Request<'_>,
    id: &KeyId,
    key: &SigningKey,
    stamp: &Stamp,
) -> Result<Signature, SignError> {
    let covered = components(request);
    let names: Vec<String> = covered
        .iter()
        .map(|component| format!("\"{}\"", component.name()))
        .collect();
    let parameters = format!(
        "({});created={};expires={};nonce=\"{}\";alg=\"{}\";keyid=\"{id}\";tag=\"{TAG}\"",
        names.join(" "),
        stamp.created.0,
        stamp.expires.0,
        stamp.nonce.as_str(),
        key.algorithm(),
    );
    let base = signature_base(request, &covered, &parameters).map_err(SignError::Incomplete)?;
    let signature = STANDARD.encode(key.sign(&base)?);
    Ok(Signature {
        input: format!("tocsin={parameters}"),
        signature: format!("tocsin=:{signature}:"),
    })
}
