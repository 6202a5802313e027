//! What a key may do, and where.

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What a key may do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Scope {
    /// Read what is not public.
    #[serde(rename = "read")]
    Read,
    /// Take policies into the books.
    #[serde(rename = "policies:write")]
    PoliciesWrite,
    /// Create covers: the terms that decide about payouts.
    #[serde(rename = "covers:write")]
    CoversWrite,
    /// Manage webhooks.
    #[serde(rename = "webhooks:manage")]
    WebhooksManage,
    /// Manage clients and keys.
    #[serde(rename = "keys:manage")]
    KeysManage,
    /// Ask for signatures of attestations, and for their delivery once more.
    #[serde(rename = "attest:sign")]
    AttestSign,
}

/// A text that names no scope or environment.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{text}` is no {noun}: write one of {known}")]
pub struct UnknownName {
    noun: &'static str,
    text: String,
    known: String,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Read,
        Self::PoliciesWrite,
        Self::CoversWrite,
        Self::WebhooksManage,
        Self::KeysManage,
        Self::AttestSign,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::PoliciesWrite => "policies:write",
            Self::CoversWrite => "covers:write",
            Self::WebhooksManage => "webhooks:manage",
            Self::KeysManage => "keys:manage",
            Self::AttestSign => "attest:sign",
        }
    }

    /// Whether only a key will do that nobody but its holder has: a shared secret cannot show later who used it.
    pub fn needs_ed25519(self) -> bool {
        matches!(self, Self::KeysManage | Self::CoversWrite)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let named = Self::ALL.into_iter().find(|scope| scope.name() == text);
        named.ok_or_else(|| UnknownName {
            noun: "scope",
            text: text.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

/// Several scopes, each once. A copy costs nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(Arc<BTreeSet<Scope>>);

impl Scopes {
    /// Whether `scope` is one of them.
    pub fn allow(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Whether these are no more than `others`.
    pub fn within(&self, others: &Self) -> bool {
        self.0.is_subset(&others.0)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(Arc::new(scopes.into_iter().collect()))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, scope) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.name())?;
        }
        Ok(())
    }
}

impl FromStr for Scopes {
    type Err = UnknownName;

    /// Names with blanks between them.
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        text.split_whitespace().map(str::parse).collect()
    }
}

/// Where a key is good. A service takes only those of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Development.
    Dev,
    /// Tests and staging.
    Test,
    /// Real money.
    Prod,
}

impl Environment {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Dev, Self::Test, Self::Prod];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Test => "test",
            Self::Prod => "prod",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Environment {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let named = Self::ALL.into_iter().find(|found| found.name() == text);
        named.ok_or_else(|| UnknownName {
            noun: "environment",
            text: text.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}
