//! Who takes covers and policies from clients: what is asked of it, and how its answers reach a client.
//!
//! The API reads what was sent and the key of the write; whoever has the books says what it means and stores it. An answer is
//! stored with its effect, so that the same write again has the same answer and no second effect.

use std::sync::Arc;

use async_trait::async_trait;
use axum::response::Response;
use tocsin_store::StoreError;
use tocsin_store::answer::Answer;

pub use crate::covers::check::NewCover;
pub use crate::covers::declare::CoverDeclared;
pub use crate::idempotency::Asked;
pub use crate::policies::take::{NewPolicy, PoliciesTaken};
pub use crate::problem::Flaw;

use crate::Api;
use crate::idempotency::written;
use crate::problem::{Kind, Problem};

/// What is wrong is said of so many places at the most.
pub(crate) const FLAWS_MAX: usize = 100;

/// Why something was not taken. Nothing was stored.
#[derive(Debug)]
pub enum Untaken {
    /// Some of it is not valid.
    Flawed(Vec<Flaw>),
    /// It contradicts what is in force; in which way, and what to do.
    Differs(String),
    /// The store failed, or the key has an answer already.
    Store(StoreError),
    /// Something else inside failed.
    Failed(String),
}

/// Whoever has the books.
#[async_trait]
pub trait Books: Send + Sync {
    /// Whether a cover fits what it is to be evaluated with: what of it is probably not what was meant, or else what is wrong with
    /// it. Nothing is stored.
    fn check(&self, cover: &NewCover) -> Result<Vec<Flaw>, Vec<Flaw>>;

    /// Brings a cover into force, together with the answer that is returned. What is in force already has the same answer
    /// if it is asked for in the same way.
    async fn declare(self: Arc<Self>, cover: NewCover, asked: Asked) -> Result<Answer, Untaken>;

    /// Takes policies, all or none, together with the answer that is returned. What is there already is fine if it is the same.
    async fn take(&self, policies: Vec<NewPolicy>, asked: Asked) -> Result<Answer, Untaken>;
}

/// The books of a service that has some.
pub(crate) fn of(api: &Api) -> Result<&Arc<dyn Books>, Problem> {
    api.books.as_ref().ok_or_else(|| match api.beside {
        true => Problem::elsewhere("covers and policies are taken"),
        false => Problem::Said {
            kind: Kind::Forbidden,
            detail: "this service takes nothing from clients".to_owned(),
        },
    })
}

/// What a client is told of what became of its write; `flawed` says how much of it is wrong.
pub(crate) async fn told(
    api: &Api,
    asked: &Asked,
    outcome: Result<Answer, Untaken>,
    flawed: impl FnOnce(usize) -> String + Send,
) -> Result<Response, Problem> {
    match outcome {
        Ok(answer) => written(answer),
        Err(Untaken::Flawed(mut errors)) => {
            let detail = flawed(errors.len());
            errors.truncate(FLAWS_MAX);
            Err(Problem::Flawed { detail, errors })
        }
        Err(Untaken::Differs(detail)) => {
            let kind = Kind::Conflict;
            Err(Problem::Said { kind, detail })
        }
        // Somebody sent the same at the same time, and came first.
        Err(Untaken::Store(StoreError::Conflict { noun: "answer", .. })) => {
            let answered = asked.answered(&*api.store).await?;
            answered.ok_or_else(|| Problem::Later {
                kind: Kind::InProgress,
                detail: "the same request is being worked on".to_owned(),
                seconds: 1,
            })
        }
        Err(Untaken::Store(error @ StoreError::Conflict { .. })) => Err(Problem::Said {
            kind: Kind::Conflict,
            detail: error.to_string(),
        }),
        Err(Untaken::Store(error)) => Err(error.into()),
        Err(Untaken::Failed(reason)) => Err(Problem::Failed(reason)),
    }
}
