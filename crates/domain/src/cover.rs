//! Covers: terms as a document with a hash.
//!
//! [`Cover::parse`] reads the TOML that an underwriter writes and points at everything that is wrong with it.
//! [`Cover::from_terms`] reads the canonical terms back, so that whoever holds an evidence bundle re-executes exactly
//! what was hashed. Both are total: any text gives a cover or diagnostics, in bounded time, without a panic.

mod build;
mod document;
mod identifier;
mod json;
pub mod model;
mod quoted;
mod reader;
mod schema;
mod terms;
mod toml_text;

pub use model::*;

use crate::diagnostic::{Diagnostic, Severity, Span};

/// The largest cover file, in bytes.
pub const MAX_COVER_BYTES: usize = 256 * 1024;

/// The largest canonical terms, in bytes. JSON's escapes may double what TOML wrote plainly.
pub const MAX_TERMS_BYTES: usize = 1024 * 1024;

/// The most inputs of a cover.
pub const MAX_INPUTS: usize = 64;

/// More findings than this help nobody; the rest is counted.
const MAX_FINDINGS: usize = 64;

impl Cover {
    /// Reads a cover file. Beside the cover come warnings; otherwise all findings, errors first among those at one
    /// place, in the order of the file. Spans are bytes of `text`.
    pub fn parse(text: &str) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        if text.len() > MAX_COVER_BYTES {
            return Err(vec![too_long("a cover file", text.len(), MAX_COVER_BYTES)]);
        }
        let mut found = Vec::new();
        let document = toml_text::read(text, &mut found);
        let cover = document.and_then(|document| build::cover(&document, &mut found));
        finish(cover, found)
    }

    /// As [`Cover::parse`], with other values for some of its parameters, which it must have.
    pub fn parse_with(
        text: &str,
        parameters: &[(&str, &str)],
    ) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        if text.len() > MAX_COVER_BYTES {
            return Err(vec![too_long("a cover file", text.len(), MAX_COVER_BYTES)]);
        }
        let mut found = Vec::new();
        let document = toml_text::read(text, &mut found).map(|mut document| {
            for (name, value) in parameters {
                if !document.replace_text("parameters", name, value) {
                    let span = Span::default();
                    let message = format!("the cover has no parameter `{name}`");
                    found.push(Diagnostic::error(span, message, "no such parameter"));
                }
            }
            document
        });
        let cover = document.and_then(|document| build::cover(&document, &mut found));
        finish(cover, found)
    }

    /// Reads canonical terms ([`Cover::canonical_terms`]). The cover equals the one that they were made of, apart from
    /// the spans of its expressions; so does its terms hash. Text that is not in canonical form is refused.
    pub fn from_terms(canonical_json: &str) -> Result<Self, Vec<Diagnostic>> {
        if canonical_json.len() > MAX_TERMS_BYTES {
            let length = canonical_json.len();
            return Err(vec![too_long("canonical terms", length, MAX_TERMS_BYTES)]);
        }
        let mut found = Vec::new();
        let document = json::read(canonical_json, &mut found);
        let cover = document.and_then(|document| build::cover(&document, &mut found));
        let (cover, _warnings) = finish(cover, found)?;
        if cover.canonical_terms != canonical_json {
            return Err(vec![
                Diagnostic::error(
                    Span::new(0, canonical_json.len()),
                    "these terms are not in canonical form",
                    "RFC 8785 would write them differently",
                )
                .with_help(
                    "use the terms as the bundle or `tocsin check` gives them, byte by byte",
                ),
            ]);
        }
        Ok(cover)
    }

    /// Where a cover file (TOML) writes what `path` names, such as `["inputs", "usdc", "source"]`; of what it does not write, the
    /// key of the innermost table around it that it does. `None` for a text that is no TOML, or has nothing of it.
    pub fn place(text: &str, path: &[&str]) -> Option<Span> {
        if text.len() > MAX_COVER_BYTES {
            return None;
        }
        toml_text::read(text, &mut Vec::new())?.place(path)
    }

    /// The names of its inputs, in the order of [`crate::lang::ir::InputIndex`].
    pub fn input_names(&self) -> Vec<&str> {
        self.inputs
            .iter()
            .map(|input| input.name.as_str())
            .collect()
    }
}

fn too_long(what: &str, length: usize, limit: usize) -> Diagnostic {
    Diagnostic::error(
        Span::new(0, 0),
        format!("{what} has at most {limit} bytes"),
        format!("this has {length}"),
    )
}

fn finish(
    cover: Option<Cover>,
    mut found: Vec<Diagnostic>,
) -> Result<(Cover, Vec<Diagnostic>), Vec<Diagnostic>> {
    found.sort_by_key(|finding| (finding.span.start, finding.severity == Severity::Warning));
    let failed = found
        .iter()
        .any(|finding| finding.severity == Severity::Error);
    if found.len() > MAX_FINDINGS {
        // Never lose the reason of the refusal to the limit.
        found.sort_by_key(|finding| finding.severity == Severity::Warning);
        let more = found.len() - MAX_FINDINGS;
        found.truncate(MAX_FINDINGS);
        let span = found.last().map_or(Span::default(), |last| last.span);
        let severity = if failed {
            Severity::Error
        } else {
            Severity::Warning
        };
        let message = format!("{more} more findings are not shown");
        found.push(Diagnostic {
            severity,
            ..Diagnostic::error(span, message, "the last one shown")
        });
    }
    match cover {
        Some(cover) if !failed => Ok((cover, found)),
        _ => Err(found),
    }
}
