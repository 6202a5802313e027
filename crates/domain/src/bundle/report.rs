//! What a verification found, in sentences.

use core::fmt;

/// One thing that was checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Check {
    name: &'static str,
    outcome: Result<String, String>,
}

/// Everything that was checked, and what was not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    checks: Vec<Check>,
    not_checked: Vec<String>,
}

impl Check {
    /// A short name that stays the same.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it holds.
    pub fn is_ok(&self) -> bool {
        self.outcome.is_ok()
    }

    /// What was found, in one plain sentence.
    pub fn sentence(&self) -> &str {
        match &self.outcome {
            Ok(sentence) | Err(sentence) => sentence,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.sentence())
    }
}

impl Report {
    /// Whether every check holds, and there were any.
    pub fn is_valid(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(Check::is_ok)
    }

    /// What was checked, in the order of the reasoning.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// What this verification cannot know, in plain sentences.
    pub fn not_checked(&self) -> &[String] {
        &self.not_checked
    }

    pub(super) fn add(&mut self, name: &'static str, outcome: Result<String, String>) {
        self.checks.push(Check { name, outcome });
    }

    pub(super) fn leave_open(&mut self, gap: impl Into<String>) {
        self.not_checked.push(gap.into());
    }
}
