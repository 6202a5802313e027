//! A node's address as it may be shown.

use core::fmt;

use url::Url;

/// Scheme, host and port of a node. Providers put keys into paths and queries, so neither is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint(String);

impl From<&Url> for Endpoint {
    fn from(url: &Url) -> Self {
        let host = url.host_str().unwrap_or("(no host)");
        Self(match url.port() {
            Some(port) => format!("{}://{host}:{port}", url.scheme()),
            None => format!("{}://{host}", url.scheme()),
        })
    }
}

impl Endpoint {
    /// Tells the endpoint apart from others of the same host: another key, or another path.
    pub(crate) fn numbered(self, number: usize) -> Self {
        Self(format!("{} (no. {number})", self.0))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_user_nor_password_nor_path_nor_query_is_shown() {
        let url: Url = "https://user:secret@node.example:8545/v3/key?token=abc"
            .parse()
            .unwrap();
        assert_eq!(
            Endpoint::from(&url).to_string(),
            "https://node.example:8545"
        );
        let url: Url = "https://node.example/v3/key".parse().unwrap();
        assert_eq!(Endpoint::from(&url).to_string(), "https://node.example");
    }
}
