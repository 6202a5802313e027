//! Whatever is changed in a signed request, it is not accepted any more.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// One change.
#[derive(Clone, Debug)]
enum Change {
    Method(&'static str),
    Authority(&'static str),
    Path(String),
    Query(Option<String>),
    Body(Index, u8),
    BodyMore(Vec<u8>),
    BodyLess(Index),
    /// A byte of a signed header or of the signature's.
    Byte(&'static str, Index, char),
    Drop(&'static str),
    Double(&'static str),
    Replace(&'static str, String),
    /// In `Signature-Input`: take out or exchange components, or parameters.
    Component(Index, Index),
    Without(Index),
    Parameter(&'static str, String),
    NoParameter(&'static str),
    More(String),
    /// Another key's id, with the same signature.
    OtherKey,
}

const SIGNED: [&str; 5] = [
    "signature-input",
    "signature",
    "content-type",
    "content-digest",
    "idempotency-key",
];
const PARAMETERS: [&str; 6] = ["created", "expires", "nonce", "alg", "keyid", "tag"];

fn changes() -> impl Strategy<Value = Change> {
    let header = || select(&SIGNED[..]);
    let parameter = || select(&PARAMETERS[..]);
    let visible = || "[ -~]{0,40}";
    prop_oneof![
        select(vec![
            "GET", "HEAD", "PUT", "DELETE", "POST", "PATCH", "post", "QUERY"
        ])
        .prop_map(Change::Method),
        select(vec![
            "tocsin.test",
            "api.tocsin.test:8080",
            "evil.test",
            "",
            "api.tocsin.test."
        ])
        .prop_map(Change::Authority),
        "/[a-z0-9/%.]{0,12}".prop_map(Change::Path),
        proptest::option::of("[a-z0-9=&%]{0,12}").prop_map(Change::Query),
        (any::<Index>(), 1..=u8::MAX).prop_map(|(at, bits)| Change::Body(at, bits)),
        proptest::collection::vec(any::<u8>(), 1..8).prop_map(Change::BodyMore),
        any::<Index>().prop_map(Change::BodyLess),
        (header(), any::<Index>(), proptest::char::range(' ', '~'))
            .prop_map(|(name, at, to)| Change::Byte(name, at, to)),
        header().prop_map(Change::Drop),
        header().prop_map(Change::Double),
        (header(), visible()).prop_map(|(name, value)| Change::Replace(name, value)),
        (any::<Index>(), any::<Index>()).prop_map(|(one, other)| Change::Component(one, other)),
        any::<Index>().prop_map(Change::Without),
        (parameter(), visible()).prop_map(|(name, value)| Change::Parameter(name, value)),
        parameter().prop_map(Change::NoParameter),
        select(vec![
            ", b=()",
            ";x",
            ";tag=\"tocsin-api-v1\"",
            ";created=1800000000",
            " ",
            ";req",
            ",",
            ", tocsin=()",
        ])
        .prop_map(|text| Change::More(text.to_owned())),
        Just(Change::OtherKey),
    ]
}

fn rewrite(sent: &mut Sent, name: &str, edit: impl Fn(&str) -> String) {
    for (there, value) in &mut sent.headers {
        if there == name {
            *value = edit(value);
        }
    }
}

/// Edits the list of components.
fn relisted(input: &str, edit: impl Fn(&mut Vec<&str>)) -> String {
    let parts = input.split_once('(');
    let parts = parts.and_then(|(before, rest)| Some((before, rest.split_once(')')?)));
    // An earlier change may have left no list.
    let Some((before, (inside, after))) = parts else {
        return input.to_owned();
    };
    let mut names = inside.split(' ').collect();
    edit(&mut names);
    format!("{before}({}){after}", names.join(" "))
}

impl Change {
    fn apply(&self, sent: &mut Sent) {
        match self {
            Self::Method(method) => sent.method = method.parse().unwrap(),
            Self::Authority(authority) => (*authority).clone_into(&mut sent.authority),
            Self::Path(path) => sent.path.clone_from(path),
            Self::Query(query) => sent.query.clone_from(query),
            Self::Body(at, bits) if !sent.body.is_empty() => {
                let at = at.index(sent.body.len());
                sent.body[at] ^= bits;
            }
            Self::Body(..) => {}
            Self::BodyMore(bytes) => sent.body.extend(bytes),
            Self::BodyLess(at) if !sent.body.is_empty() => {
                let at = at.index(sent.body.len());
                sent.body.truncate(at);
            }
            Self::BodyLess(_) => {}
            Self::Byte(name, at, to) => rewrite(sent, name, |value| {
                let mut value: Vec<char> = value.chars().collect();
                if value.is_empty() {
                    return String::new();
                }
                let at = at.index(value.len());
                value[at] = *to;
                value.into_iter().collect()
            }),
            Self::Drop(name) => sent.headers.retain(|(there, _)| there != name),
            Self::Double(name) => {
                let found = sent.headers.iter().find(|(there, _)| there == name);
                if let Some(found) = found.cloned() {
                    sent.headers.push(found);
                }
            }
            Self::Replace(name, value) => rewrite(sent, name, |_old| value.clone()),
            Self::Component(one, other) => rewrite(sent, "signature-input", |input| {
                relisted(input, |names| {
                    let (one, other) = (one.index(names.len()), other.index(names.len()));
                    names.swap(one, other);
                })
            }),
            Self::Without(at) => rewrite(sent, "signature-input", |input| {
                relisted(input, |names| {
                    let at = at.index(names.len());
                    names.remove(at);
                })
            }),
            Self::Parameter(name, value) => rewrite(sent, "signature-input", |input| {
                edit_parameter(input, name, Some(value))
            }),
            Self::NoParameter(name) => rewrite(sent, "signature-input", |input| {
                edit_parameter(input, name, None)
            }),
            Self::More(text) => {
                rewrite(sent, "signature-input", |input| format!("{input}{text}"));
            }
            Self::OtherKey => rewrite(sent, "signature-input", |input| {
                input.replace("01010101", "02020202")
            }),
        }
    }
}

fn edit_parameter(input: &str, name: &str, value: Option<&str>) -> String {
    let parts = input.split(';').filter_map(|part| {
        if !part.starts_with(&format!("{name}=")) {
            return Some(part.to_owned());
        }
        value.map(|value| format!("{name}={value}"))
    });
    parts.collect::<Vec<_>>().join(";")
}

/// Means the same to HTTP: a label is not part of what is signed, and an empty query is no query.
fn means_the_same(one: &Sent, other: &Sent) -> bool {
    let plain = |sent: &Sent| {
        let mut sent = sent.clone();
        sent.query = Some(sent.query.unwrap_or_default());
        sent
    };
    plain(one) == plain(other)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_changed_request_is_not_accepted(
        kind in 0..4_usize,
        own in any::<bool>(),
        changes in proptest::collection::vec(changes(), 1..4),
    ) {
        let [shared, pair] = Holder::both(&[Scope::Read]);
        let holder = if own { pair } else { shared };
        let sent = match kind {
            0 => Sent::get("/v1/keys", None),
            1 => Sent::get("/v1/policies", Some("limit=3")),
            2 => Sent::post("/v1/policies", b"{\"number\":\"7\"}"),
            _ => Sent::post("/v1/policies", b""),
        };
        let sent = sent.signed(&holder, 1);
        let mut changed = sent.clone();
        for change in &changes {
            change.apply(&mut changed);
        }
        prop_assume!(!means_the_same(&changed, &sent));
        let result = changed.check(&holder, NOW, Scope::Read);
        prop_assert!(result.is_err(), "{changed:#?}");
    }

    /// Junk of any kind in the headers of a signature is refused, and nothing panics.
    #[test]
    fn junk_is_not_accepted(input in "\\PC{0,200}", signature in "\\PC{0,200}") {
        let [holder, _] = Holder::both(&[Scope::Read]);
        let mut sent = Sent::get("/v1/keys", None);
        sent.add("signature-input", &input);
        sent.add("signature", &signature);
        prop_assert!(sent.check(&holder, NOW, Scope::Read).is_err());
    }
}

#[test]
fn headers_of_any_length_are_refused() {
    let [holder, _] = Holder::both(&[Scope::Read]);
    let mut sent = Sent::get("/v1/keys", None).signed(&holder, 1);
    rewrite(&mut sent, "signature", |value| {
        value.replace('=', &"=".repeat(100_000))
    });
    sent.check(&holder, NOW, Scope::Read).unwrap_err();
}
