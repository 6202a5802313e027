//! The headers `Signature-Input` and `Signature`, read strictly: one signature, the components and parameters of the
//! profile and no others, written in the one way that RFC 9651 would write them.

use sfv::{BareItem, Dictionary, FieldType as _, InnerList, ListEntry, Parser};

use crate::base::{Component, components};
use crate::digest::ContentDigest;
use crate::failure::Failure;
use crate::key::{Algorithm, KeyId};
use crate::nonce::Nonce;
use crate::request::{Header, Request};
use crate::{TAG, UnixTime};

/// No header of a signature that this profile makes is longer.
const LONGEST_HEADER: usize = 1_024;

/// The parameters that a signature has, in whatever order.
pub(crate) const PARAMETERS: [&str; 6] = ["created", "expires", "nonce", "alg", "keyid", "tag"];

/// What a request says of its signature. Nothing of it is believed yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// Whose it is said to be.
    pub key: KeyId,
    /// What it is said to be made by.
    pub algorithm: Algorithm,
    /// When.
    pub created: UnixTime,
    /// Until when it is good.
    pub expires: UnixTime,
    /// What makes it unlike others.
    pub nonce: Nonce,
    /// What it covers.
    pub(crate) covered: Vec<Component>,
    /// The digest of the body that it covers; `None`: there must be no body.
    pub(crate) digest: Option<ContentDigest>,
    /// The part of `Signature-Input` that is signed.
    pub(crate) parameters: String,
    pub(crate) signature: Vec<u8>,
}

/// Reads what `request` says of its signature.
pub fn said(request: &Request<'_>) -> Result<Said, Failure> {
    let (input, signature) = match (
        request.header("signature-input"),
        request.header("signature"),
    ) {
        (Header::Absent, Header::Absent) => return Err(Failure::Unsigned),
        (Header::Once(input), Header::Once(signature)) => (input, signature),
        _ => return Err(Failure::Malformed),
    };
    let (label, list) = sole(input)?;
    let (signed_label, value) = sole(signature)?;
    let ListEntry::InnerList(list) = list else {
        return Err(Failure::Malformed);
    };
    let ListEntry::Item(value) = value else {
        return Err(Failure::Malformed);
    };
    let BareItem::ByteSequence(bytes) = value.bare_item else {
        return Err(Failure::Malformed);
    };
    if label != signed_label || !value.params.is_empty() {
        return Err(Failure::Malformed);
    }
    // The dictionary is written as it came, so the rest of it is this label's value.
    let parameters = input
        .strip_prefix(label.as_str())
        .and_then(|rest| rest.strip_prefix('='))
        .ok_or(Failure::Malformed)?
        .to_owned();
    let covered = components(request);
    check_covered(&list, &covered)?;
    let digest = if covered.contains(&Component::ContentDigest) {
        let Header::Once(header) = request.header("content-digest") else {
            return Err(Failure::Malformed);
        };
        Some(ContentDigest::read(header).ok_or(Failure::Malformed)?)
    } else {
        None
    };
    let told = Parameters::read(&list)?;
    Ok(Said {
        key: told.key,
        algorithm: told.algorithm,
        created: told.created,
        expires: told.expires,
        nonce: told.nonce,
        covered,
        digest,
        parameters,
        signature: bytes,
    })
}

/// The only member of a dictionary that is written canonically: no doubled label or parameter survives that.
fn sole(header: &str) -> Result<(String, ListEntry), Failure> {
    if header.len() > LONGEST_HEADER {
        return Err(Failure::Malformed);
    }
    let parsed: Dictionary = Parser::new(header)
        .parse()
        .map_err(|_syntax| Failure::Malformed)?;
    if parsed.serialize().as_deref() != Some(header) {
        return Err(Failure::Malformed);
    }
    let mut members = parsed.into_iter();
    match (members.next(), members.next()) {
        (Some((label, member)), None) => Ok((label.as_str().to_owned(), member)),
        _ => Err(Failure::Malformed),
    }
}

fn check_covered(list: &InnerList, needed: &[Component]) -> Result<(), Failure> {
    let named = list.items.iter().map(|item| match &item.bare_item {
        BareItem::String(name) if item.params.is_empty() => Some(name.as_str()),
        _ => None,
    });
    if named.eq(needed.iter().map(|component| Some(component.name()))) {
        Ok(())
    } else {
        Err(Failure::Malformed)
    }
}

struct Parameters {
    key: KeyId,
    algorithm: Algorithm,
    created: UnixTime,
    expires: UnixTime,
    nonce: Nonce,
}

impl Parameters {
    fn read(list: &InnerList) -> Result<Self, Failure> {
        let known = |name: &str| PARAMETERS.contains(&name);
        if list.params.len() != PARAMETERS.len()
            || !list.params.keys().all(|key| known(key.as_str()))
        {
            return Err(Failure::Malformed);
        }
        let text = |name: &str| match list.params.get(name) {
            Some(BareItem::String(text)) => Ok(text.as_str()),
            _ => Err(Failure::Malformed),
        };
        let time = |name: &str| match list.params.get(name) {
            Some(BareItem::Integer(seconds)) => Ok(UnixTime(i64::from(*seconds))),
            _ => Err(Failure::Malformed),
        };
        if text("tag")? != TAG {
            return Err(Failure::Malformed);
        }
        Ok(Self {
            key: text("keyid")?
                .parse()
                .map_err(|_other| Failure::UnknownKey)?,
            algorithm: Algorithm::named(text("alg")?).ok_or(Failure::Malformed)?,
            created: time("created")?,
            expires: time("expires")?,
            nonce: Nonce::read(text("nonce")?).ok_or(Failure::Malformed)?,
        })
    }
}
