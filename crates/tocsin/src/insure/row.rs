//! A row: one policy, as somebody wrote it.

use core::fmt;

use serde::{Deserialize, Serialize};

/// A policy in words. Files of policies have these columns.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The number that the consumer gave it.
    pub number: String,
    /// The cover's name.
    pub cover: String,
    /// The hash of the terms that it was sold under.
    pub terms_hash: String,
    /// Who pays, by CAIP-10.
    pub consumer: String,
    /// Who is paid.
    pub holder: String,
    /// In the smallest unit of the consumer's token.
    pub sum_insured: String,
    /// When it begins: RFC 3339 or unix seconds.
    pub inception: String,
    /// When it ends.
    pub expiry: String,
    /// What is insured, where the cover's inputs name no subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// A part of a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Column {
    /// `number`
    Number,
    /// `cover`
    Cover,
    /// `terms_hash`
    TermsHash,
    /// `consumer`
    Consumer,
    /// `holder`
    Holder,
    /// `sum_insured`
    SumInsured,
    /// `inception`
    Inception,
    /// `expiry`
    Expiry,
    /// `subject`
    Subject,
}

impl Column {
    /// As files name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Cover => "cover",
            Self::TermsHash => "terms_hash",
            Self::Consumer => "consumer",
            Self::Holder => "holder",
            Self::SumInsured => "sum_insured",
            Self::Inception => "inception",
            Self::Expiry => "expiry",
            Self::Subject => "subject",
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is wrong with a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Where; `None` where it is the row as a whole.
    pub column: Option<Column>,
    /// What.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

impl Problem {
    pub(super) fn of(column: Column, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            column: Some(column),
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(column) = self.column {
            write!(f, "{column}: ")?;
        }
        write!(f, "{}; {}", self.reason, self.remedy)
    }
}
