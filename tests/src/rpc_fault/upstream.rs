//! The honest node behind the proxy.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

/// An honest node.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    url: Url,
    client: reqwest::Client,
}

impl Upstream {
    pub(super) fn new(url: Url) -> Self {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .no_proxy()
            .build()
            .unwrap();
        Self { url, client }
    }

    /// The same with another node.
    pub(super) fn at(&self, url: Url) -> Self {
        Self {
            url,
            client: self.client.clone(),
        }
    }

    /// Where its WebSocket is: at the same address, as with most nodes.
    pub(super) fn websocket(&self) -> Url {
        let mut url = self.url.clone();
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        url.set_scheme(scheme).expect("one web scheme for another");
        url
    }

    /// Its answer to a request or a batch. A node that is gone is an error of its own kind.
    pub(super) async fn ask(&self, request: &Value) -> Value {
        match self.exchange(request).await {
            Ok(answer) => answer,
            Err(problem) => {
                let message = format!("the node behind the proxy: {problem}");
                let error = json!({"code": -32_099, "message": message});
                json!({"jsonrpc": "2.0", "id": request["id"], "error": error})
            }
        }
    }

    async fn exchange(&self, request: &Value) -> Result<Value, reqwest::Error> {
        let sent = self.client.post(self.url.clone()).json(request).send();
        sent.await?.json().await
    }

    /// The result of one request; null where there is none.
    pub(super) async fn result(&self, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.ask(&request).await["result"].take()
    }
}
