//! Who may ask what: every route says it once, where it is added ([`crate::route::Routes`]).

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::Api;
use crate::problem::{Kind, Problem};

/// Who may use a route.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// Anybody.
    Public,
    /// Whoever has a key with this scope.
    Needs(Scope),
}

/// What a key is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scope {
    /// Read what is not public.
    Read,
    /// Take policies into the books.
    PoliciesWrite,
    /// Create covers: the terms that decide about payouts.
    CoversWrite,
}

impl Scope {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::PoliciesWrite => "policies:write",
            Self::CoversWrite => "covers:write",
        }
    }
}

/// Lets a request through, or answers why not. Runs for every route, inside of the limits and before its handler.
pub(crate) async fn gate(
    State((api, access)): State<(Api, Access)>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    match access {
        Access::Public | Access::Needs(Scope::Read) => {}
        Access::Needs(_) if api.open_writes => {}
        Access::Needs(scope) => {
            return Err(Problem::Said {
                kind: Kind::Forbidden,
                detail: format!(
                    "this needs a key with the scope `{}`, and this service takes nothing from clients",
                    scope.name()
                ),
            });
        }
    }
    Ok(next.run(request).await)
}
