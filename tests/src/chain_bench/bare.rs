//! The bound of a backfill: the requests that a reader makes, and their answers parsed, and nothing else.

use std::time::{Duration, Instant};

use alloy::rpc::types::{Header, Log, TransactionReceipt};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::backfill::{Backfill, Kind, Progress};

/// Requests under way at once, as a reader has by default.
const IN_FLIGHT: usize = 8;

/// Calls in a request, as a reader has by default.
const CALLS: u64 = 100;

/// Blocks whose logs are asked for at once: as many as the server's limit allows.
const RANGE: u64 = 1_000;

#[derive(Deserialize)]
struct Answer<T> {
    result: T,
}

/// Reads the blocks up to `last` with a bare client.
pub async fn read(url: &Url, kind: Kind, last: u64) -> Backfill {
    let client = Client {
        url: url.clone(),
        http: reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .no_proxy()
            .build()
            .unwrap(),
    };
    let begun = Instant::now();
    let mut progress = Progress::new(last);
    // Headers first, then logs or receipts, a step of the range after another, as a reader has to.
    let mut first = 1;
    while first <= last {
        let end = last.min(first + RANGE - 1);
        let headers = client.headers(first, end).await;
        let blocks = u64::try_from(headers.len()).unwrap();
        assert_eq!(blocks, end - first + 1);
        let logs = match kind {
            Kind::Bloom => client.logs(first, end).await,
            Kind::Receipts => client.receipts(&headers).await,
        };
        progress.add(end, logs);
        first = end + 1;
    }
    progress.done(begun.elapsed())
}

struct Client {
    url: Url,
    http: reqwest::Client,
}

impl Client {
    async fn ask<T: DeserializeOwned>(&self, request: Value) -> Result<T, reqwest::Error> {
        let sent = self.http.post(self.url.clone()).json(&request).send();
        let body = sent.await?.bytes().await?;
        Ok(serde_json::from_slice(&body).unwrap())
    }

    /// The answers to one call for each parameter, in batches.
    async fn ask_all<T: DeserializeOwned>(&self, method: &str, params: Vec<Value>) -> Vec<T> {
        let batches = params
            .chunks(usize::try_from(CALLS).unwrap())
            .map(|params| {
                let calls = params.iter().zip(1..);
                self.ask::<Vec<Answer<T>>>(
                    calls.map(|(params, id)| call(id, method, params)).collect(),
                )
            });
        let batches: Vec<_> = batches.collect();
        let answers: Vec<Vec<Answer<T>>> = stream::iter(batches)
            .buffered(IN_FLIGHT)
            .try_collect()
            .await
            .unwrap();
        answers
            .into_iter()
            .flatten()
            .map(|answer| answer.result)
            .collect()
    }

    async fn headers(&self, first: u64, last: u64) -> Vec<Header> {
        let params = (first..=last).map(|number| json!([format!("{number:#x}"), false]));
        self.ask_all("eth_getBlockByNumber", params.collect()).await
    }

    async fn receipts(&self, headers: &[Header]) -> usize {
        let params = headers.iter().map(|header| json!([header.hash]));
        let answers: Vec<Vec<TransactionReceipt>> =
            self.ask_all("eth_getBlockReceipts", params.collect()).await;
        let receipts = answers.iter().flatten();
        receipts.map(|receipt| receipt.logs().len()).sum()
    }

    async fn logs(&self, first: u64, last: u64) -> usize {
        let range = json!([{"fromBlock": format!("{first:#x}"), "toBlock": format!("{last:#x}")}]);
        let answer: Answer<Vec<Log>> = self.ask(call(1, "eth_getLogs", &range)).await.unwrap();
        answer.result.len()
    }
}

fn call(id: u64, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}
