//! What can be asked: the whole list, with who may ask it.

use axum::Router;
use axum::http::header;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::routes;

use crate::access::{Access, Scope};
use crate::auth::keys::proposals;
use crate::auth::{caller, keys};
use crate::openapi::Document;
use crate::problem::{Kind, Problem};
use crate::route::Routes;
use crate::served::Served;
use crate::way::Ways;
use crate::webhooks::{endpoints, secrets, told};
use crate::{
    attestations, attestors, claims, covers, deliveries, determinations, eligibility, epochs,
    events, feeds, health, log, metrics, mirrors, observations, openapi, pages, policies, quorum,
    responses, risks, sources, warnings,
};

/// Everything that is described.
pub(crate) fn described(served: &Served) -> Routes {
    let read = Access::Operational;
    Routes::new(served.clone(), Document::openapi())
        .add(Access::Public, routes!(health::live))
        .add(Access::Public, routes!(health::ready))
        .add(Access::Public, routes!(covers::list))
        .add(
            Access::Needs(Scope::CoversWrite),
            routes!(covers::declare::declare),
        )
        .add(
            Access::Needs(Scope::CoversWrite),
            routes!(covers::check::check),
        )
        .add(Access::Public, routes!(covers::one))
        .add(Access::Public, routes!(risks::list))
        .add(Access::Public, routes!(risks::one))
        .add(Access::Public, routes!(policies::list))
        .add(
            Access::Needs(Scope::PoliciesWrite),
            routes!(policies::take::take),
        )
        .add(Access::Public, routes!(policies::one))
        .add(Access::Public, routes!(eligibility::policy))
        .add(Access::Public, routes!(determinations::claims_of_policy))
        .add(Access::Public, routes!(observations::list))
        .add(Access::Public, routes!(responses::response))
        .add(Access::Public, routes!(responses::fetches))
        .add(Access::Public, routes!(determinations::list))
        .add(Access::Public, routes!(determinations::one))
        .add(Access::Public, routes!(determinations::claims))
        .add(Access::Public, routes!(claims::list))
        .add(Access::Public, routes!(claims::one))
        .add(Access::Public, routes!(attestations::list))
        .add(Access::Public, routes!(attestations::one))
        .add(Access::Public, routes!(attestations::bundle))
        .add(Access::Public, routes!(mirrors::mirror))
        .add(Access::Public, routes!(warnings::list))
        .add(Access::Public, routes!(epochs::epochs))
        .add(read, routes!(deliveries::list))
        .add(read, routes!(deliveries::one))
        .add(
            Access::Needs(Scope::AttestSign),
            routes!(deliveries::replay),
        )
        .add(read, routes!(sources::chains))
        .add(read, routes!(sources::list))
        .add(read, routes!(feeds::feeds))
        .add(read, routes!(feeds::subject))
        .add(read, routes!(quorum::quorum))
        .add(read, routes!(attestors::attestors))
        .add(Access::Public, routes!(eligibility::find::find))
        .add(Access::Public, routes!(log::checkpoint))
        .add(Access::Public, routes!(log::key))
        .add(Access::Public, routes!(log::tile))
        .add(Access::Public, routes!(log::entries))
        .add(Access::Public, routes!(log::inclusion))
        .add(Access::Public, routes!(log::consistency))
        .add(
            Access::Needs(Scope::Read),
            routes!(caller::caller, caller::try_write),
        )
        .add(
            Access::Needs(Scope::KeysManage),
            routes!(keys::list, keys::act),
        )
        .add(Access::Needs(Scope::KeysManage), routes!(proposals::list))
        .add(
            Access::Needs(Scope::KeysManage),
            routes!(proposals::approve),
        )
        .add(
            Access::Needs(Scope::WebhooksManage),
            routes!(endpoints::list, endpoints::register),
        )
        .add(
            Access::Needs(Scope::WebhooksManage),
            routes!(endpoints::show, endpoints::change, endpoints::remove),
        )
        .add(
            Access::Needs(Scope::WebhooksManage),
            routes!(endpoints::stand),
        )
        .add(
            Access::Needs(Scope::WebhooksManage),
            routes!(secrets::list, secrets::rotate),
        )
        .add(Access::Needs(Scope::WebhooksManage), routes!(secrets::act))
        .add(
            Access::Needs(Scope::WebhooksManage),
            routes!(endpoints::test),
        )
        .add(
            Access::Needs(Scope::WebhooksManage),
            routes!(told::deliveries),
        )
        .add(
            Access::Needs(Scope::WebhooksManage),
            routes!(told::dead_letters),
        )
        .add(
            Access::Needs(Scope::WebhooksManage),
            routes!(told::lanes, told::replay),
        )
        .add(Access::Operational, routes!(events::follow))
}

pub(crate) fn router(served: Served) -> Router {
    let (routes, document) = described(&served).finish();
    let json = openapi::written(&document);
    let docs = openapi::page(&document);
    routes
        .merge(pages::routes())
        .route("/metrics", get(metrics::metrics))
        .route(
            "/v1/openapi.json",
            get(async move || {
                (
                    [(header::CONTENT_TYPE, "application/json")],
                    json.to_string(),
                )
            }),
        )
        .route(
            "/docs",
            get(async move || pages::answered(docs.to_string())),
        )
        .route("/problems/{name}", get(openapi::problem))
        .fallback(async || Problem::NotFound("there is nothing at this path".to_owned()))
        .method_not_allowed_fallback(async || Problem::Said {
            kind: Kind::Method,
            detail: "this path is not used with that method".to_owned(),
        })
        .layer(Ways::default())
        .with_state(served)
}
