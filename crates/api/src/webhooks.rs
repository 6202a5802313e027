//! `/v1/webhooks`: who is told of events, where, with which secrets; what came of it, and telling it once more.
//!
//! A client sees and changes the endpoints that it registered, and no others. A secret is shown in the answer that makes it
//! and never again: who repeats the request hears what was made, without the secret. What is done to an endpoint is said in
//! the log, without its URL, which may be a secret itself.

pub(crate) mod endpoints;
mod entry;
mod once;
pub(crate) mod secrets;
pub(crate) mod told;

use std::sync::Arc;

use async_trait::async_trait;
use axum::Extension;
use secrecy::SecretString;
use serde_json::Value;
use tocsin_auth::Algorithm;
use tocsin_domain::time::Timestamp;
use tocsin_store::credential::Credential;
use tocsin_store::log::AuditEntry;
use tocsin_store::webhook::{Endpoint, EndpointId};

use crate::Api;
use crate::auth::Caller;
use crate::problem::Problem;

/// What only those can say who send.
#[async_trait]
pub trait Desk: Send + Sync {
    /// How many endpoints there may be.
    fn most_endpoints(&self) -> u32;

    /// What time it is.
    fn now(&self) -> Timestamp;

    /// A name for a new endpoint.
    fn new_id(&self) -> EndpointId;

    /// Whether messages may be sent to an address; why not.
    fn check(&self, url: &str) -> Result<(), String>;

    /// A new secret of an endpoint, pending, and what the receiver needs to verify; or why there is none.
    fn make_secret(
        &self,
        id: EndpointId,
        algorithm: Algorithm,
    ) -> Result<(Credential, SecretString), String>;

    /// Sends a test message now, once: the status of the answer, or why it was not taken; or what failed here.
    async fn ping(&self, endpoint: &Endpoint) -> Result<Result<u16, String>, String>;

    /// Wakes who sends.
    fn ring(&self);
}

/// Who asks, where keys are asked for.
pub(crate) type Asker = Option<Extension<Caller>>;

fn desk(api: &Api) -> Result<&Arc<dyn Desk>, Problem> {
    let off = || match api.beside {
        true => Problem::elsewhere("webhooks are sent and looked after"),
        false => Problem::NotFound(
            "this service sends no webhooks: its operator has to configure [webhooks]".to_owned(),
        ),
    };
    api.webhooks.as_ref().ok_or_else(off)
}

/// The name of the client that asks.
fn client(asker: &Asker) -> Option<String> {
    let caller = asker.as_ref();
    caller.map(|Extension(caller)| caller.client.as_str().to_owned())
}

/// That whoever asks does something to an endpoint.
fn said(at: Timestamp, asker: &Asker, id: EndpointId, action: &str, detail: Value) -> AuditEntry {
    let actor = asker.as_ref();
    AuditEntry {
        at,
        action: action.to_owned(),
        actor: actor.map(|Extension(caller)| format!("{} ({})", caller.client, caller.key)),
        subject: id.to_string(),
        detail,
    }
}

/// An endpoint of the client that asks.
async fn own(api: &Api, asker: &Asker, id: &str) -> Result<Endpoint, Problem> {
    desk(api)?;
    let missing = || Problem::NotFound(format!("there is no webhook endpoint `{id}`"));
    let parsed: EndpointId = id
        .parse()
        .map_err(|wrong| Problem::BadRequest(format!("{wrong}")))?;
    let endpoint = api.store.endpoint(parsed).await?.ok_or_else(missing)?;
    if is_own(&endpoint, asker) {
        Ok(endpoint)
    } else {
        // Whether a stranger's is there is nobody's business.
        Err(missing())
    }
}

fn is_own(endpoint: &Endpoint, asker: &Asker) -> bool {
    match client(asker) {
        Some(client) => endpoint.endpoint.client.as_deref() == Some(client.as_str()),
        // Nobody is asked for a key here.
        None => true,
    }
}
