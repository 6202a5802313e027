//! Plain pages for people: rendered here, readable without scripts, and small.
//!
//! Everything that is shown goes through the template engine, which escapes it; the policy of each page forbids scripts and
//! whatever comes from elsewhere.

mod determination;
mod eligibility;
mod log;
mod overview;
mod signed;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{DOCTYPE, Markup, html};

use crate::served::Served;

/// Nothing but the page itself and its one style sheet.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = include_str!("pages/style.css");

/// The pages.
pub(crate) fn routes() -> Router<Served> {
    Router::new()
        .route("/", get(overview::page))
        .route("/eligibility", get(eligibility::page))
        .route("/log", get(log::page))
        .route("/determinations/{determination}", get(determination::page))
        .route(
            "/style.css",
            get(async || ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)),
        )
}

/// A page as it is answered.
pub(crate) struct Page(Markup);

/// A page with this title.
pub(crate) fn layout(title: &str, body: &Markup) -> Page {
    Page(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Tocsin" }
                link rel="stylesheet" href="/style.css";
            }
            body {
                header {
                    nav aria-label="Pages" {
                        a href="/" { "Tocsin" }
                        a href="/eligibility" { "Am I eligible?" }
                        a href="/log" { "Log" }
                        a href="/docs" { "API" }
                    }
                }
                main { h1 { (title) } (body) }
            }
        }
    })
}

impl Page {
    /// Its bytes, for a page that does not change.
    pub(crate) fn into_text(self) -> String {
        self.0.into_string()
    }
}

/// Text of a page, with the headers that every page has.
pub(crate) fn answered(text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    let mut response = (headers, text).into_response();
    response.headers_mut().insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    response
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        answered(self.into_text())
    }
}
