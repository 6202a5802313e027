//! The description of the API: OpenAPI 3.1, made from the routes, and as pages for people.

mod examples;
pub(crate) mod published;

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::extract::Path;
use crate::pages::layout;
use crate::problem::{Kind, Problem, ProblemDetails};
use crate::route::SIGNED;

/// What is not a path: the title, the schemes, and the schemas that every route uses.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tocsin",
        description = "What was observed, determined, attested and paid, and why. Amounts and other large numbers are decimal text. Errors are RFC 9457 problem details.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    components(schemas(ProblemDetails)),
    modifiers(&Schemes)
)]
pub(crate) struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let described = "An HTTP message signature (RFC 9421) with the tag `tocsin-api-v1`.";
        let scheme = ApiKey::Header(ApiKeyValue::with_description("Signature", described));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(SIGNED, SecurityScheme::ApiKey(scheme));
    }
}

/// The description as `openapi.json` has it.
pub(crate) fn written(document: &utoipa::openapi::OpenApi) -> Arc<str> {
    // It holds nothing that JSON cannot say; a test compares it with the file that is checked in.
    let written = || {
        let mut document = serde_json::to_value(document)?;
        published::add_to(&mut document)?;
        examples::add_to(&mut document);
        serde_json::to_string_pretty(&document)
    };
    written()
        .map_or_else(
            |error: serde_json::Error| error.to_string(),
            |json| json + "\n",
        )
        .into()
}

/// The description for people: every operation with its parameters and answers.
pub(crate) fn page(document: &utoipa::openapi::OpenApi) -> Arc<str> {
    let operations = |path: &str, item: &utoipa::openapi::PathItem| {
        html! {
            @for (method, operation) in [("GET", &item.get), ("POST", &item.post), ("PUT", &item.put), ("DELETE", &item.delete), ("PATCH", &item.patch)] {
                @if let Some(operation) = operation { (one(method, path, operation)) }
            }
        }
    };
    let body = html! {
        p { "Answers are JSON. Errors are " a href="#problems" { "problem details" } ". The whole description is " a href="/v1/openapi.json" { "openapi.json" } "." }
        @for (path, item) in &document.paths.paths { (operations(path, item)) }
        h2 id="problems" { "Problems" }
        ul {
            @for kind in Kind::ALL {
                li { a href={ "/problems/" (kind.name()) } { (kind.name()) } " (" (kind.status().as_u16()) "): " (kind.title()) }
            }
        }
    };
    layout("The API", &body).into_text().into()
}

fn one(method: &str, path: &str, operation: &Operation) -> Markup {
    html! {
        section {
            h3 { code { (method) " " (path) } }
            @if let Some(summary) = &operation.summary { p { (summary) } }
            @if operation.security.is_some() { p { small { "Needs a key." } } }
            @if let Some(parameters) = &operation.parameters {
                ul {
                    @for parameter in parameters.iter().filter_map(written_out) {
                        li { code { (parameter.name) } @if let Some(described) = &parameter.description { ": " (described) } }
                    }
                }
            }
        }
    }
}

/// A parameter; ours are never references.
fn written_out(parameter: &RefOr<Parameter>) -> Option<&Parameter> {
    match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    }
}

/// What a type of problem means, and what to do about it.
pub(crate) async fn problem(Path(name): Path<String>) -> Result<Response, Problem> {
    let found = Kind::ALL.into_iter().find(|kind| kind.name() == name);
    let kind = found.ok_or_else(|| Problem::NotFound("there is no such problem".to_owned()))?;
    let body = html! {
        p { "Status " (kind.status().as_u16()) ", type " code { "/problems/" (kind.name()) } "." }
        p { (kind.remedy()) }
        p { a href="/docs" { "All routes and problems" } }
    };
    Ok(layout(kind.title(), &body).into_response())
}
