//! `Content-Digest` (RFC 9530) with `sha-256`, and nothing else.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sfv::{BareItem, Dictionary, ListEntry, Parser};

/// The digest that a header names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContentDigest([u8; 32]);

impl ContentDigest {
    /// Of a body.
    pub fn of(body: &[u8]) -> Self {
        let mut bytes = [0; 32];
        let hash = digest::digest(&digest::SHA256, body);
        for (to, from) in bytes.iter_mut().zip(hash.as_ref()) {
            *to = *from;
        }
        Self(bytes)
    }

    /// Reads a header that has `sha-256` and no other digest, as this library would write it.
    pub fn read(header: &str) -> Option<Self> {
        let members: Dictionary = Parser::new(header).parse().ok()?;
        let mut members = members.into_iter();
        let (name, member) = members.next()?;
        if name.as_str() != "sha-256" || members.next().is_some() {
            return None;
        }
        let ListEntry::Item(item) = member else {
            return None;
        };
        let BareItem::ByteSequence(bytes) = item.bare_item else {
            return None;
        };
        let digest = Self(bytes.try_into().ok()?);
        (digest.header() == header).then_some(digest)
    }

    /// The header's value.
    pub fn header(&self) -> String {
        format!("sha-256=:{}:", STANDARD.encode(self.0))
    }

    /// Whether it is the body's.
    pub fn fits(&self, body: &[u8]) -> bool {
        verify_slices_are_equal(&self.0, &Self::of(body).0).is_ok()
    }
}
