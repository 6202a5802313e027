//! What anybody can see to be wrong with how a request is signed, for whoever signed it: it needs no key and no secret, so that it tells
//! a forger nothing. Who is refused for another reason hears none.

use sfv::{BareItem, Dictionary, InnerList, ListEntry, Parser};

use crate::base::components;
use crate::check::Windows;
use crate::parse::PARAMETERS;
use crate::request::{Header, Request};
use crate::{TAG, UnixTime};

/// The first thing that is not as the profile has it, as a clause with its remedy; `None` where all of it is.
pub fn flaw(request: &Request<'_>, now: UnixTime, windows: Windows) -> Option<String> {
    let input = match once(request, "signature-input") {
        Ok(input) => input,
        Err(flaw) => return Some(flaw),
    };
    if let Err(flaw) = once(request, "signature") {
        return Some(flaw);
    }
    let parsed = Parser::new(input).parse::<Dictionary>().ok();
    let mut members = parsed.into_iter().flatten();
    let (Some((_, ListEntry::InnerList(list))), None) = (members.next(), members.next()) else {
        return Some(
            "the header Signature-Input is not one label with a list of components and its parameters".to_owned(),
        );
    };
    headers(request)
        .or_else(|| covered(request, &list))
        .or_else(|| parameters(&list))
        .or_else(|| times(&list, now, windows))
}

fn once<'a>(request: &'a Request<'_>, name: &str) -> Result<&'a str, String> {
    match request.header(name) {
        Header::Once(value) => Ok(value),
        Header::Absent => Err(format!("the header {name} is missing")),
        Header::Unclear => Err(format!(
            "the header {name} is there twice, or has spaces around it"
        )),
    }
}

/// The headers that have to be covered are there.
fn headers(request: &Request<'_>) -> Option<String> {
    components(request)
        .into_iter()
        .map(crate::base::Component::name)
        .filter(|name| !name.starts_with('@'))
        .find_map(|name| once(request, name).err())
}

fn covered(request: &Request<'_>, list: &InnerList) -> Option<String> {
    let needed: Vec<&str> = components(request)
        .into_iter()
        .map(crate::base::Component::name)
        .collect();
    let named = list.items.iter().map(|item| match &item.bare_item {
        BareItem::String(name) if item.params.is_empty() => Some(name.as_str()),
        _ => None,
    });
    let same = named.eq(needed.iter().copied().map(Some));
    (!same).then(|| {
        format!(
            "this request has to cover \"{}\", all of them and in this order",
            needed.join("\" \"")
        )
    })
}

fn parameters(list: &InnerList) -> Option<String> {
    let has = |name: &str| list.params.get(name);
    if let Some(name) = PARAMETERS.iter().find(|name| has(name).is_none()) {
        return Some(format!("the parameter {name} is missing"));
    }
    if list.params.len() != PARAMETERS.len() {
        return Some(format!(
            "there are other parameters than {}",
            PARAMETERS.join(", ")
        ));
    }
    match has("tag") {
        Some(BareItem::String(tag)) if tag.as_str() == TAG => None,
        _ => Some(format!("the parameter tag has to be \"{TAG}\"")),
    }
}

fn times(list: &InnerList, now: UnixTime, windows: Windows) -> Option<String> {
    let time = |name: &str| match list.params.get(name) {
        Some(BareItem::Integer(seconds)) => Ok(UnixTime(i64::from(*seconds))),
        _ => Err(format!("the parameter {name} has to be unix seconds")),
    };
    let (created, expires) = match (time("created"), time("expires")) {
        (Ok(created), Ok(expires)) => (created, expires),
        (Err(flaw), _) | (_, Err(flaw)) => return Some(flaw),
    };
    windows.flaw(created, expires, now)
}
