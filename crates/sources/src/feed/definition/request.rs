//! What is asked: an address with places for the subject's fields and the provider's key, and headers.

use url::{Host, Url};

use crate::feed::section::{Section, Wrong};
use crate::feed::template::{Fields, HIDDEN, KEYS, Template};

/// The template of a request.
#[derive(Clone, Debug)]
pub(crate) struct RequestTemplate {
    /// Scheme, host and port.
    pub(crate) origin: Url,
    /// Path and query, from the first `/` on.
    target: Template,
    query: Vec<(String, Template)>,
    /// Names in lower case.
    headers: Vec<(String, Template)>,
    /// Whether 204 without a body says that there are no records.
    pub(crate) no_content_is_none: bool,
}

/// A request with its fields filled in.
pub(crate) struct Filled {
    /// Where it goes.
    pub(crate) url: Url,
    /// The same as it may be shown.
    pub(crate) shown: String,
    /// Names and values; the values may be secret.
    pub(crate) headers: Vec<(String, String)>,
}

impl RequestTemplate {
    pub(crate) const KEYS: [&str; 4] = ["url", "query", "headers", "no_content_is_none"];

    pub(crate) fn read(section: &Section<'_>) -> Result<Self, Wrong> {
        let written = section.needed("url", "https://api.example.com/prices/{base}-{quote}")?;
        let wrong = |reason: String| section.wrong("url", reason);
        let after_scheme = written.find("://").map_or(0, |at| at + 3);
        let path_at = written
            .get(after_scheme..)
            .and_then(|rest| rest.find('/'))
            .map(|at| at + after_scheme);
        let (origin, target) = written.split_at(path_at.unwrap_or(written.len()));
        if origin.contains(['{', '?', '@', '#']) {
            return Err(wrong(
                "has something other than a host before its first /: fields belong behind it"
                    .to_owned(),
            ));
        }
        let origin: Url = origin
            .parse()
            .map_err(|error| wrong(format!("is no address: {error}")))?;
        check_origin(&origin).map_err(wrong)?;
        let target = if target.is_empty() { "/" } else { target };
        if target.contains('#') {
            return Err(wrong("has a fragment, #, which is never sent".to_owned()));
        }
        let target = Template::parse(target).map_err(wrong)?;
        let pairs = |key: &str| -> Result<Vec<(String, Template)>, Wrong> {
            let words = section.words(key)?.unwrap_or_default();
            let read = |(name, text): (&str, &str)| match Template::parse(text) {
                Ok(template) => Ok((name.to_owned(), template)),
                Err(reason) => Err(section.wrong(&format!("{key}.{name}"), reason)),
            };
            words.into_iter().map(read).collect()
        };
        let mut headers = pairs("headers")?;
        for (name, _) in &mut headers {
            let token = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            if name.is_empty() || !name.bytes().all(token) {
                return Err(section.wrong(&format!("headers.{name}"), "is no name of a header"));
            }
            name.make_ascii_lowercase();
        }
        Ok(Self {
            origin,
            target,
            query: pairs("query")?,
            headers,
            no_content_is_none: section.flag("no_content_is_none")?.unwrap_or(false),
        })
    }

    /// The fields of the subject that it asks with.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.templates()
            .flat_map(Template::names)
            .filter(|name| !KEYS.contains(name))
    }

    pub(crate) fn uses_key(&self) -> bool {
        self.templates()
            .flat_map(Template::names)
            .any(|name| KEYS.contains(&name))
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        let pairs = self.query.iter().chain(&self.headers);
        core::iter::once(&self.target).chain(pairs.map(|(_, template)| template))
    }

    /// A link to a next page as it may be shown: without what stands where this request has a key.
    pub(crate) fn shown_link(&self, link: &Url) -> String {
        let is_key = |name: &str| {
            let template = self.query.iter().find(|(own, _)| own == name);
            template.is_some_and(|(_, template)| template.names().any(|name| KEYS.contains(&name)))
        };
        let Some(query) = link.query() else {
            return link.to_string();
        };
        let parts = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_key(name) => format!("{name}={HIDDEN}"),
            _ => pair.to_owned(),
        });
        let query = parts.collect::<Vec<_>>().join("&");
        let address = link.as_str().split('?').next().unwrap_or_default();
        format!("{address}?{query}")
    }

    /// The request for a subject. `more` are parameters of the query that paging adds. `None` where a field is missing, or
    /// what comes of them is no address.
    pub(crate) fn fill(
        &self,
        base: &Url,
        subject: &[(String, String)],
        key: Option<&str>,
        more: &[(String, String)],
    ) -> Option<Filled> {
        let url = self.address(base, Fields { subject, key }, more)?;
        let hidden = Fields {
            subject,
            key: key.map(|_| HIDDEN),
        };
        let shown = self.address(base, hidden, more)?;
        let shown = shown.as_str().replace("%2A%2A%2A", HIDDEN);
        let headers = self.headers(subject, key)?;
        Some(Filled {
            url,
            shown,
            headers,
        })
    }

    pub(crate) fn headers(
        &self,
        subject: &[(String, String)],
        key: Option<&str>,
    ) -> Option<Vec<(String, String)>> {
        let fields = Fields { subject, key };
        self.headers
            .iter()
            .map(|(name, template)| Some((name.clone(), template.plain(fields)?)))
            .collect()
    }

    fn address(&self, base: &Url, fields: Fields<'_>, more: &[(String, String)]) -> Option<Url> {
        let mut text = base.as_str().trim_end_matches('/').to_owned();
        text.push_str(&self.target.encoded(fields)?);
        let mut mark = if text.contains('?') { '&' } else { '?' };
        for (name, template) in &self.query {
            text.push(mark);
            text.push_str(&format!("{name}={}", template.encoded(fields)?));
            mark = '&';
        }
        let mut url: Url = match text.parse() {
            Ok(url) => url,
            Err(_no_address) => return None,
        };
        if !more.is_empty() {
            url.query_pairs_mut().extend_pairs(more);
        }
        // A field that could move the request elsewhere would be a hole in the encoding.
        (url.origin() == base.origin()).then_some(url)
    }
}

/// Whether requests may go there: over TLS, or to this machine.
pub(crate) fn check_origin(origin: &Url) -> Result<(), String> {
    let loopback = match origin.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return Err("names no host".to_owned()),
    };
    match origin.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        "http" => {
            Err("is without TLS: write https:// (http is for loopback addresses only)".to_owned())
        }
        other => Err(format!("is of the kind `{other}`: write https://")),
    }
}
