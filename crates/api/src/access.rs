//! Who may ask what: every route says it once, where it is added ([`crate::route::Routes`]).

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::Api;
use crate::problem::Problem;

pub(crate) use tocsin_auth::Scope;

/// Who may use a route.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// Anybody.
    Public,
    /// Whoever has a key with the scope `read`; anybody, where the operator leaves that open.
    Operational,
    /// Whoever has a key with this scope.
    Needs(Scope),
}

/// Lets a request through, or answers why not. Runs for every route, inside of the limits and before its handler.
pub(crate) async fn gate(
    State((api, access)): State<(Api, Access)>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let request = match access {
        Access::Public => request,
        Access::Operational if api.open_reads => request,
        Access::Operational => api.auth.admit(Scope::Read, request).await?,
        // Whoever lets anybody write gives nobody the keys; and to be told who one is, one has to be somebody.
        Access::Needs(scope)
            if api.open_writes && !matches!(scope, Scope::KeysManage | Scope::Read) =>
        {
            request
        }
        Access::Needs(scope) => api.auth.admit(scope, request).await?,
    };
    Ok(next.run(request).await)
}
