//! A request as it came, before anything is believed of it.

use core::str::FromStr;

use http::{HeaderMap, Method};

/// The parts of a request that a signature covers, but for its body.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// The host, with its port if that is not the scheme's own: what the client asked for.
    pub authority: &'a str,
    /// The path, as it was sent.
    pub path: &'a str,
    /// The query without its question mark, as it was sent.
    pub query: Option<&'a str>,
    /// The headers.
    pub headers: &'a HeaderMap,
}

/// A name under which clients reach a service: a host, with its port where that is not 443 or 80.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authority(String);

/// A text that names no host.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "write a host as clients do, with its port where that is not 443 or 80, as api.example.com or api.example.com:8443"
)]
pub struct NoAuthority;

impl FromStr for Authority {
    type Err = NoAuthority;

    fn from_str(text: &str) -> Result<Self, NoAuthority> {
        let parsed: http::uri::Authority = text.parse().map_err(|_syntax| NoAuthority)?;
        if parsed.host().is_empty() || text.contains('@') {
            return Err(NoAuthority);
        }
        Ok(Self(normal(text).collect()))
    }
}

/// In lower case, without the port that the scheme implies (RFC 9421, 2.2.3).
fn normal(authority: &str) -> impl Iterator<Item = char> + '_ {
    let short = authority
        .strip_suffix(":443")
        .or_else(|| authority.strip_suffix(":80"));
    let letters = short.unwrap_or(authority).chars();
    letters.map(|letter| letter.to_ascii_lowercase())
}

impl Request<'_> {
    /// Whether a client that asked for `name` has sent it.
    pub fn is_for(&self, name: &Authority) -> bool {
        self.normal_authority().eq(name.0.chars())
    }

    /// Whether it changes something: whatever is not known to be a read.
    pub fn is_write(&self) -> bool {
        !matches!(*self.method, Method::GET | Method::HEAD)
    }

    /// The host in lower case, without the port that the scheme implies (RFC 9421, 2.2.3).
    pub(crate) fn normal_authority(&self) -> impl Iterator<Item = char> + '_ {
        normal(self.authority)
    }

    /// The value of a header that is there once.
    pub(crate) fn header(&self, name: &str) -> Header<'_> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Header::Absent,
            (Some(_), Some(_)) => Header::Unclear,
            (Some(value), None) => match value.to_str() {
                // Whitespace around a value is not part of it, and HTTP libraries cut it; what is left of it is doubtful.
                Ok(text) if text.trim() == text && !text.is_empty() => Header::Once(text),
                Ok(_) | Err(_) => Header::Unclear,
            },
        }
    }
}

/// How often a header is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Header<'a> {
    /// Not at all.
    Absent,
    /// Once, as visible ASCII.
    Once(&'a str),
    /// More than once, or as something that can be understood in two ways.
    Unclear,
}
