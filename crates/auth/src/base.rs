//! What is signed: the covered components, in the one order that the profile allows, and the signature base of RFC 9421,
//! section 2.5.

use crate::failure::Failure;
use crate::request::{Header, Request};

/// Most bases are no longer, in bytes.
const USUAL_LENGTH: usize = 768;

/// A covered component.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Component {
    /// `@method`
    Method,
    /// `@authority`
    Authority,
    /// `@path`
    Path,
    /// `@query`
    Query,
    /// `content-type`
    ContentType,
    /// `content-digest`
    ContentDigest,
    /// `idempotency-key`
    IdempotencyKey,
}

impl Component {
    /// Its name, as it is covered.
    pub fn name(self) -> &'static str {
        match self {
            Self::Method => "@method",
            Self::Authority => "@authority",
            Self::Path => "@path",
            Self::Query => "@query",
            Self::ContentType => "content-type",
            Self::ContentDigest => "content-digest",
            Self::IdempotencyKey => "idempotency-key",
        }
    }

    fn write_value(self, request: &Request<'_>, base: &mut String) -> Result<(), Failure> {
        match self {
            Self::Method => base.push_str(request.method.as_str()),
            Self::Authority => base.extend(request.normal_authority()),
            Self::Path if request.path.is_empty() => base.push('/'),
            Self::Path => base.push_str(request.path),
            Self::Query => {
                base.push('?');
                base.push_str(request.query.unwrap_or_default());
            }
            Self::ContentType | Self::ContentDigest | Self::IdempotencyKey => {
                match request.header(self.name()) {
                    Header::Once(value) => base.push_str(value),
                    Header::Absent | Header::Unclear => return Err(Failure::Malformed),
                }
            }
        }
        Ok(())
    }
}

/// What has to be covered in this request, in this order: a header that means something is never left out.
pub fn components(request: &Request<'_>) -> Vec<Component> {
    let mut covered = vec![
        Component::Method,
        Component::Authority,
        Component::Path,
        Component::Query,
    ];
    let there = |component: &Component| request.header(component.name()) != Header::Absent;
    if there(&Component::ContentType) || there(&Component::ContentDigest) {
        covered.extend([Component::ContentType, Component::ContentDigest]);
    }
    if request.is_write() || there(&Component::IdempotencyKey) {
        covered.push(Component::IdempotencyKey);
    }
    covered
}

/// The bytes that are signed. `parameters` is the value of the label in `Signature-Input`.
pub fn signature_base(
    request: &Request<'_>,
    covered: &[Component],
    parameters: &str,
) -> Result<Vec<u8>, Failure> {
    let mut base = String::with_capacity(USUAL_LENGTH);
    for component in covered {
        base.push('"');
        base.push_str(component.name());
        base.push_str("\": ");
        let before = base.len();
        component.write_value(request, &mut base)?;
        // Nothing that comes over HTTP has one; a second line in a value would be another component's.
        let mut value = base.bytes().skip(before);
        if !value.all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(Failure::Malformed);
        }
        base.push('\n');
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(parameters);
    Ok(base.into_bytes())
}
