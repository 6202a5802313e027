//! Who may ask what: every route says it once, where it is added ([`crate::route::Routes`]).

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::Api;
use crate::auth::Auth;
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

impl Access {
    /// What a key must allow, where anything is asked of callers: so it is described.
    pub(crate) fn described(self) -> Option<Scope> {
        match self {
            Self::Public => None,
            Self::Operational => Some(Scope::Read),
            Self::Needs(scope) => Some(scope),
        }
    }

    /// The same as the operator has it.
    pub(crate) fn scope(self, api: &Api) -> Option<Scope> {
        let is_open = match self {
            Self::Public => true,
            Self::Operational => api.open_reads,
            // Whoever lets anybody write gives nobody the keys; and to be told who one is, one has to be somebody.
            Self::Needs(scope) => {
                api.open_writes && !matches!(scope, Scope::KeysManage | Scope::Read)
            }
        };
        self.described().filter(|_| !is_open)
    }
}

/// Lets a request through that a key with the scope has signed, or answers why not. Runs inside of the limits and before the
/// handler, for every route of which [`Access::scope`] says so.
pub(crate) async fn gate(
    State((auth, scope)): State<(Auth, Scope)>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let admitted = auth.admit(scope, request).await?;
    Ok(next.run(admitted).await)
}
