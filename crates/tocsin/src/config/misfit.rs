//! Why a cover does not fit what is configured, and where in its file that is written.

use core::fmt;

use tocsin_domain::cover::{Cover, Input};
use tocsin_domain::diagnostic::{Diagnostic, Severity};

/// What does not fit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Misfit {
    /// What of the cover it is about, by its keys.
    path: Vec<String>,
    problem: String,
    /// What to do about it; `None` where the problem says so itself.
    remedy: Option<String>,
}

impl Misfit {
    /// What is wrong with `key` of an input.
    pub(super) fn of_input(input: &Input, key: &str, problem: impl Into<String>) -> Self {
        Self::at(&["inputs", &input.name, key], problem)
    }

    /// What is wrong with something of a cover, by its keys.
    pub(super) fn at(path: &[&str], problem: impl Into<String>) -> Self {
        Self {
            path: path.iter().map(|key| (*key).to_owned()).collect(),
            problem: problem.into(),
            remedy: None,
        }
    }

    /// The same with advice.
    #[must_use]
    pub(super) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same at its place in the cover's file.
    pub fn in_text(&self, text: &str, severity: Severity) -> Diagnostic {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        // What is written nowhere is of the file as a whole.
        let span = Cover::place(text, &path).unwrap_or_default();
        Diagnostic {
            severity,
            help: self.remedy.clone(),
            ..Diagnostic::error(
                span,
                self.problem.clone(),
                "does not fit what is configured",
            )
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)?;
        match &self.remedy {
            Some(remedy) => write!(f, ": {remedy}"),
            None => Ok(()),
        }
    }
}
