//! Events, and the endpoints that are told of them.

use super::{Flaw, require, text};
use crate::event::NewEvent;
use crate::webhook::{Filter, NewEndpoint, Profile};

/// The largest event. Receivers are advised to expect small ones, and the largest decision has a few thousand bytes.
const MOST_BYTES: usize = 1_048_576;

/// Longer texts of an endpoint are refused.
const MOST_TEXT: usize = 2_048;

/// More in a list of a filter are refused.
const MOST_WANTED: usize = 256;

/// A kind that can be written into a header or a filter, and a JSON object of a bounded size.
pub fn event(event: &NewEvent) -> Result<(), Flaw> {
    require(is_kind(&event.kind), || {
        format!(
            "`{}` is no kind of event: names of small letters, digits and `_`, separated by full stops",
            event.kind
        )
    })?;
    text("body", &event.body)?;
    require(event.body.len() <= MOST_BYTES, || {
        format!(
            "its body has {} bytes, and {MOST_BYTES} are allowed",
            event.body.len()
        )
    })?;
    let body: Result<serde_json::Map<String, serde_json::Value>, _> =
        serde_json::from_str(&event.body);
    body.map(|_object| ())
        .map_err(|error| Flaw(format!("its body is not a JSON object: {error}")))
}

/// Names separated by full stops.
fn is_kind(kind: &str) -> bool {
    let is_name = |name: &str| {
        let of_it = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        !name.is_empty() && name.bytes().all(of_it)
    };
    kind.len() <= 64 && kind.split('.').all(is_name)
}

/// An address that can be parsed, and bounded texts.
pub fn endpoint(endpoint: &NewEndpoint) -> Result<(), Flaw> {
    if let Some(client) = &endpoint.client {
        text("client", client)?;
        bounded("client", client)?;
    }
    profile(&endpoint.profile)
}

/// Bounded texts, and a filter that something can pass.
pub fn profile(profile: &Profile) -> Result<(), Flaw> {
    text("url", &profile.url)?;
    bounded("url", &profile.url)?;
    require(!profile.url.is_empty(), || "it has no url".to_owned())?;
    text("description", &profile.description)?;
    bounded("description", &profile.description)?;
    filter(&profile.filter)
}

fn filter(filter: &Filter) -> Result<(), Flaw> {
    for (what, count) in [
        ("kinds", filter.kinds.len()),
        ("terms", filter.terms.len()),
        ("holders", filter.holders.len()),
    ] {
        require(count <= MOST_WANTED, || {
            format!("its filter has {count} {what}, and {MOST_WANTED} are allowed")
        })?;
    }
    for kind in &filter.kinds {
        require(is_kind(kind.strip_suffix(".*").unwrap_or(kind)), || {
            format!(
                "`{kind}` in its filter is no kind of event; write one, or the beginning of some with `.*`"
            )
        })?;
    }
    Ok(())
}

fn bounded(what: &str, text: &str) -> Result<(), Flaw> {
    require(text.len() <= MOST_TEXT, || {
        format!(
            "its {what} has {} bytes, and {MOST_TEXT} are allowed",
            text.len()
        )
    })
}
