//! Checking a cover before anybody relies on it: the diagnostics of `tocsin check`, over HTTP.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use tocsin_domain::cover::Cover;
use tocsin_domain::diagnostic::Diagnostic;
use tocsin_domain::ids::TermsHash;
use tocsin_domain::time::Timestamp;
use utoipa::ToSchema;

use crate::extract::{Whole, media_type};
use crate::problem::{Flaw, Kind, Problem, ProblemDetails};
use crate::served::Served;

/// Bytes of a cover.
const COVER_MAX: usize = 256 << 10;

/// A cover that somebody wants to be in force.
#[derive(Clone, PartialEq, Debug)]
pub struct NewCover {
    /// The cover.
    pub cover: Cover,
    /// The file that it was read from: what is wrong with it has a place there.
    pub text: String,
    /// What is legal, but probably not what was meant.
    pub warnings: Vec<Flaw>,
    /// From when on it is to be evaluated, where that was said.
    pub evaluate_from: Option<Timestamp>,
}

/// A cover that can be used.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckedCover {
    name: String,
    version: u64,
    /// The hash that its terms would have.
    #[schema(value_type = String)]
    terms_hash: TermsHash,
    /// What is legal, but probably not what was meant.
    warnings: Vec<Flaw>,
}

/// Reads a cover file (TOML) and says what is wrong with it, also with the sources that it names, each with its line, its column
/// and a remedy. Nothing is stored.
#[utoipa::path(post, path = "/v1/covers/check", operation_id = "check_cover", tag = "covers", request_body(content = String, content_type = "application/toml"), responses((status = 200, description = "It can be used", body = CheckedCover), (status = 422, description = "It cannot", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn check(
    State(api): State<Served>,
    headers: HeaderMap,
    Whole(text): Whole,
) -> Result<Json<CheckedCover>, Problem> {
    let mut new = read(&headers, &text)?;
    // Who takes no covers has no sources for them either.
    if let Some(books) = &api.books {
        let found = books.check(&new).map_err(|errors| Problem::Flawed {
            detail: flawed(errors.len()),
            errors,
        })?;
        new.warnings.extend(found);
    }
    let NewCover {
        cover, warnings, ..
    } = new;
    Ok(Json(CheckedCover {
        name: cover.name,
        version: cover.version,
        terms_hash: cover.terms_hash,
        warnings,
    }))
}

/// How much is wrong.
pub(super) fn flawed(count: usize) -> String {
    format!("the cover has {count} error(s)")
}

/// The cover that was sent, with what is probably not what was meant.
pub(super) fn read(headers: &HeaderMap, text: &[u8]) -> Result<NewCover, Problem> {
    if media_type(headers) != "application/toml" {
        return Err(Problem::Said {
            kind: Kind::MediaType,
            detail: "send the cover as application/toml".to_owned(),
        });
    }
    if text.len() > COVER_MAX {
        return Err(Problem::Said {
            kind: Kind::TooLarge,
            detail: format!("a cover has {COVER_MAX} bytes at the most"),
        });
    }
    let text = core::str::from_utf8(text)
        .map_err(|error| Problem::BadRequest(format!("the cover is no text: {error}")))?;
    let flaws = |found: &[Diagnostic]| found.iter().map(|one| Flaw::in_text(text, one)).collect();
    match Cover::parse(text) {
        Ok((cover, warnings)) => Ok(NewCover {
            cover,
            text: text.to_owned(),
            warnings: flaws(&warnings),
            evaluate_from: None,
        }),
        Err(found) => Err(Problem::Flawed {
            detail: flawed(found.len()),
            errors: flaws(&found),
        }),
    }
}

impl Flaw {
    /// A diagnostic of a text, at its line and column.
    pub fn in_text(text: &str, found: &Diagnostic) -> Self {
        let (line, column) = place(text, found.span.start);
        Self {
            pointer: None,
            line,
            column,
            detail: found.message.clone(),
            help: found.help.clone(),
        }
    }
}

/// Line and column of a byte, both counted from 1.
fn place(text: &str, at: usize) -> (Option<u64>, Option<u64>) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let begun = before
        .rfind('\n')
        .map_or(0, |newline| newline.saturating_add(1));
    let column = before.get(begun..).map_or(0, |part| part.chars().count());
    (
        u64::try_from(line).ok(),
        u64::try_from(column.saturating_add(1)).ok(),
    )
}
