//! From the number on a policy to its id.

use alloy_primitives::{Address, U256};
use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tocsin_domain::cover::Consumer;
use tocsin_domain::ids::PolicyId;

use crate::Api;
use crate::problem::Problem;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// CAIP-10: `eip155:1:0x…`.
    consumer: String,
    /// Decimal.
    number: String,
}

/// The policy with this number at this contract.
pub(crate) async fn find(
    State(api): State<Api>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Problem> {
    let consumer = account(&asked.consumer).ok_or_else(|| {
        Problem::BadRequest(format!(
            "`{}` is not an EVM account: write its CAIP-10 name, as in eip155:1:0x8fff…",
            asked.consumer
        ))
    })?;
    let decimal = asked.number.bytes().all(|digit| digit.is_ascii_digit());
    let number = decimal
        .then(|| U256::from_str_radix(&asked.number, 10))
        .and_then(Result::ok)
        .filter(|_| !asked.number.is_empty())
        .ok_or_else(|| {
            Problem::BadRequest(format!(
                "`{}` is no policy number: write it in decimal digits",
                asked.number
            ))
        })?;
    let id = PolicyId::derive(consumer.chain_id, consumer.address, number);
    let policy = api.store.policy(id).await?.ok_or_else(|| {
        Problem::NotFound(format!(
            "there is no policy {number} with {}",
            asked.consumer
        ))
    })?;
    Ok(Json(json!({
        "id": id,
        "policy": policy,
        "eligibility": format!("/v1/policies/{id}/eligibility"),
    })))
}

fn account(text: &str) -> Option<Consumer> {
    let (chain, address) = text.strip_prefix("eip155:")?.split_once(':')?;
    // A text that is no number, or no address, is no account.
    let chain_id = chain.parse().ok()?;
    let address: Address = address.parse().ok()?;
    Some(Consumer { chain_id, address })
}
