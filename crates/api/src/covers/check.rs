//! Checking a cover before anybody relies on it: the diagnostics of `tocsin check`, over HTTP.

use axum::Json;
use axum::http::HeaderMap;
use serde::Serialize;
use tocsin_domain::cover::Cover;
use tocsin_domain::diagnostic::Diagnostic;
use tocsin_domain::ids::TermsHash;
use utoipa::ToSchema;

use crate::extract::{Whole, media_type};
use crate::problem::{Flaw, Kind, Problem, ProblemDetails};

/// Bytes of a cover.
const COVER_MAX: usize = 256 << 10;

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

/// Reads a cover file (TOML) and says what is wrong with it, each with its line, its column and a remedy. Nothing is stored.
#[utoipa::path(post, path = "/v1/covers/check", operation_id = "check_cover", tag = "covers", request_body(content = String, content_type = "application/toml"), responses((status = 200, description = "It can be used", body = CheckedCover), (status = 422, description = "It cannot", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn check(
    headers: HeaderMap,
    Whole(text): Whole,
) -> Result<Json<CheckedCover>, Problem> {
    let (cover, warnings) = read(&headers, &text)?;
    Ok(Json(CheckedCover {
        name: cover.name,
        version: cover.version,
        terms_hash: cover.terms_hash,
        warnings,
    }))
}

/// The cover that was sent, with what is probably not what was meant.
pub(super) fn read(headers: &HeaderMap, text: &[u8]) -> Result<(Cover, Vec<Flaw>), Problem> {
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
    let flaws = |found: &[Diagnostic]| found.iter().map(|one| flaw(text, one)).collect();
    match Cover::parse(text) {
        Ok((cover, warnings)) => Ok((cover, flaws(&warnings))),
        Err(found) => Err(Problem::Flawed {
            detail: format!("the cover has {} error(s)", found.len()),
            errors: flaws(&found),
        }),
    }
}

fn flaw(text: &str, found: &Diagnostic) -> Flaw {
    let before = text.get(..found.span.start).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let begun = before
        .rfind('\n')
        .map_or(0, |newline| newline.saturating_add(1));
    let column = before.get(begun..).map_or(0, |part| part.chars().count());
    Flaw {
        pointer: None,
        line: u64::try_from(line).ok(),
        column: u64::try_from(column.saturating_add(1)).ok(),
        detail: found.message.clone(),
        help: found.help.clone(),
    }
}
