//! What the API asks of webhooks: whether a URL will do, a new secret, and a message as a test.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use tocsin_api::webhooks::Desk;
use tocsin_auth::Algorithm;
use tocsin_delivery::webhook::Message;
use tocsin_store::credential::Credential;
use tocsin_store::webhook::{Endpoint, EndpointId};

use super::Teller;
use crate::pipeline::Stage;
use crate::pipeline::bell::Bell;

/// The teller's, with the bell that wakes it.
pub struct TellersDesk {
    teller: Arc<Teller>,
    stage: Stage,
    bell: Bell,
    most: u32,
}

impl TellersDesk {
    /// At most `most` endpoints may be registered.
    pub fn new(teller: Arc<Teller>, stage: Stage, bell: Bell, most: u32) -> Self {
        Self {
            teller,
            stage,
            bell,
            most,
        }
    }
}

#[async_trait]
impl Desk for TellersDesk {
    fn most_endpoints(&self) -> u32 {
        self.most
    }

    fn now(&self) -> tocsin_domain::time::Timestamp {
        self.stage.clock.now()
    }

    fn new_id(&self) -> EndpointId {
        EndpointId(rand::random::<[u8; 16]>().into())
    }

    fn check(&self, url: &str) -> Result<(), String> {
        let checked = self.teller.sender.check(url);
        checked
            .map(|_url| ())
            .map_err(|refusal| refusal.to_string())
    }

    fn make_secret(
        &self,
        id: EndpointId,
        algorithm: Algorithm,
    ) -> Result<(Credential, SecretString), String> {
        let made = self.teller.keys.make(id, algorithm, self.now());
        made.map_err(|error| crate::report::chain(&error))
    }

    async fn ping(&self, endpoint: &Endpoint) -> Result<Result<u16, String>, String> {
        let id = endpoint.endpoint.id;
        let now = self.stage.clock.now();
        let secrets = self.teller.keys.signing(&*self.stage.store, id, now).await;
        let secrets = secrets.map_err(|error| crate::report::chain(&error))?;
        if secrets.is_empty() {
            return Ok(Err(super::lane::NO_SECRET.to_owned()));
        }
        let body = format!(
            r#"{{"type":"webhook.test","timestamp":"{now}","data":{{"endpoint":"{id}"}}}}"#
        );
        let message = Message {
            id: format!("{id}_test_{:032x}", rand::random::<u128>()),
            body: body.into_bytes(),
        };
        let url = &endpoint.endpoint.profile.url;
        let sent = self
            .teller
            .sender
            .send(url, &message, &secrets, now.0)
            .await;
        Ok(sent
            .map(|answer| answer.status)
            .map_err(|failure| failure.reason))
    }

    fn ring(&self) {
        self.bell.ring();
    }
}
