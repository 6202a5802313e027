//! A request as it came, before anything is believed of it.

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

impl Request<'_> {
    /// Whether it changes something: whatever is not known to be a read.
    pub fn is_write(&self) -> bool {
        !matches!(*self.method, Method::GET | Method::HEAD)
    }

    /// The host in lower case, without the port that the scheme implies (RFC 9421, 2.2.3).
    pub(crate) fn normal_authority(&self) -> impl Iterator<Item = char> + '_ {
        let whole = self.authority;
        let short = whole
            .strip_suffix(":443")
            .or_else(|| whole.strip_suffix(":80"));
        let letters = short.unwrap_or(whole).chars();
        letters.map(|letter| letter.to_ascii_lowercase())
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
