//! Routes: a path, what it does, who may use it and how it is described, in one place.
//!
//! The description is made from the same declaration that serves requests, so that `openapi.json` cannot lag behind. Answers
//! that any route can give (limits, keys, a busy store) are added here and nowhere else.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder, Schema};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::access::{self, Access, Scope};
use crate::limits;
use crate::problem::Kind;
use crate::served::Served;

/// The name of the one security scheme.
pub(crate) const SIGNED: &str = "signed_request";

/// The type of problems.
const PROBLEM: &str = "application/problem+json";

/// Routes and their description.
pub(crate) struct Routes {
    served: Served,
    router: Router<Served>,
    document: OpenApi,
}

impl Routes {
    /// None yet; `document` has what is not a path.
    pub(crate) fn new(served: Served, document: OpenApi) -> Self {
        Self {
            served,
            router: Router::new(),
            document,
        }
    }

    /// Adds what `utoipa_axum::routes!` collects: one path, with one or more methods.
    pub(crate) fn add(mut self, access: Access, routes: UtoipaMethodRouter<Served>) -> Self {
        let (schemas, paths, mut methods) = routes;
        self.describe(schemas);
        if let Some(scope) = access.scope(&self.served) {
            let state = (self.served.auth.clone(), scope);
            methods = methods.route_layer(from_fn_with_state(state, access::gate));
        }
        let (mut place, mut takes_bodies) = (None, false);
        for (path, mut item) in paths.paths {
            let writes = [
                &mut item.put,
                &mut item.post,
                &mut item.delete,
                &mut item.patch,
            ];
            for operation in writes.into_iter().flatten() {
                takes_bodies = true;
                complete(operation, access, &[Kind::Conflict, Kind::Invalid]);
            }
            if let Some(operation) = &mut item.get {
                complete(operation, access, &[]);
            }
            place.get_or_insert_with(|| axum_path(&path));
            let known = self.document.paths.paths.entry(path).or_default();
            known.merge_operations(item);
        }
        if takes_bodies {
            methods = methods.layer(DefaultBodyLimit::max(limits::BODY_MAX));
        }
        if let Some(place) = place {
            self.router = self.router.route(&place, methods);
        }
        self
    }

    /// The router, which still needs its state, and the description.
    pub(crate) fn finish(self) -> (Router<Served>, OpenApi) {
        (self.router, self.document)
    }

    fn describe(&mut self, schemas: Vec<(String, RefOr<Schema>)>) {
        let components = self.document.components.get_or_insert_default();
        components.schemas.extend(schemas);
    }
}

/// The rest of a path (`{*subject}`) has no notation in OpenAPI: there, it is an ordinary parameter.
fn axum_path(path: &str) -> String {
    for (begins, rest) in [("/v1/feeds/", "subject"), ("/v1/log/tile/", "path")] {
        if let Some(before) = path.strip_suffix(&format!("{{{rest}}}"))
            && before.starts_with(begins)
        {
            return format!("{before}{{*{rest}}}");
        }
    }
    path.to_owned()
}

/// What any route may answer, and these kinds; and what the problems look like that it says it may answer.
fn complete(operation: &mut Operation, access: Access, more: &[Kind]) {
    let mut kinds = vec![
        Kind::BadRequest,
        Kind::TooLong,
        Kind::TooMany,
        Kind::Internal,
        Kind::Busy,
    ];
    if operation.request_body.is_some() {
        kinds.extend([Kind::TooLarge, Kind::MediaType]);
    }
    if let Some(scope) = access.described() {
        kinds.extend([Kind::Unauthenticated, Kind::Forbidden]);
        if matches!(
            scope,
            Scope::CoversWrite | Scope::PoliciesWrite | Scope::WebhooksManage
        ) {
            kinds.push(Kind::Elsewhere);
        }
        let requirement = SecurityRequirement::new(SIGNED, [scope.name()]);
        operation.security = Some(vec![requirement]);
    }
    kinds.extend(more);
    let problem = || {
        ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("ProblemDetails")))
            .build()
    };
    let known = &mut operation.responses.responses;
    for (status, response) in known.iter_mut() {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
            && response.content.is_empty()
        {
            let content = RefOr::T(problem());
            response.content.insert(PROBLEM.to_owned(), content);
            if response.description.is_empty() {
                let kind = Kind::ALL
                    .into_iter()
                    .find(|kind| kind.status().as_str() == status);
                response.description = kind.map_or("", Kind::title).to_owned();
            }
        }
    }
    for kind in kinds {
        let status = kind.status().as_u16().to_string();
        known.entry(status).or_insert_with(|| {
            let response = ResponseBuilder::new()
                .description(kind.title())
                .content(PROBLEM, problem())
                .build();
            RefOr::T(response)
        });
    }
}
