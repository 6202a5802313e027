//! The settlement side of the storm: the contracts, their capital, and the policies that are sold on the chain.

use alloy::primitives::{Address, U256};
use tocsin_domain::cover::Cover;

use super::policies::{INCEPTION, Plan};
use crate::demo::chain::{OWNER, UNDERWRITER, address_of, confirm, failed};
use crate::demo::contracts::{DemoToken, ParametricCover, TocsinVerifier};
use crate::demo::{Chain, DemoError};

const DAY: u64 = 86_400;

/// What was deployed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Market {
    /// Accepts attestations.
    pub(super) verifier: Address,
    /// Holds the sampled policies, and pays.
    pub(super) contract: Address,
}

/// Deploys token, verifier and cover contract, announces epoch 1 with the attestor as its only signer, and funds what the
/// plans can cost.
pub(super) async fn deploy(
    chain: &Chain,
    cover: &Cover,
    attestor: Address,
    plans: &[Plan],
) -> Result<Market, DemoError> {
    let (owner, underwriter) = (address_of(OWNER)?, address_of(UNDERWRITER)?);
    let token = DemoToken::deploy(chain.owner())
        .await
        .map_err(failed("deploy the token"))?;
    let verifier = TocsinVerifier::deploy(chain.owner(), owner, owner, 0)
        .await
        .map_err(failed("deploy the verifier"))?;
    let for_ever = u64::MAX;
    let announced = verifier
        .announceEpoch(0, for_ever, for_ever, 1, vec![attestor], U256::ZERO)
        .send()
        .await;
    confirm(announced, "announce the epoch").await?;
    let sums = plans.iter().filter(|plan| plan.sampled);
    let capital: u64 = sums.map(|plan| plan.sum_insured).sum();
    let config = ParametricCover::Config {
        verifier: *verifier.address(),
        token: *token.address(),
        underwriter,
        termsHash: cover.terms_hash.0,
        premiumBps: 500,
        waitingSeconds: 0,
        claimDeadlineSeconds: 7 * DAY,
        settlementSeconds: 14 * DAY,
        vetoSeconds: 0,
        maxTermSeconds: 366 * DAY,
        policyCap: u128::from(capital),
        dailyCap: u128::from(capital),
    };
    let contract = ParametricCover::deploy(chain.owner(), config)
        .await
        .map_err(failed("deploy the cover contract"))?;
    // The premiums come from the same purse.
    let purse = U256::from(capital) * U256::from(2);
    let minted = token.mint(underwriter, purse).send().await;
    confirm(minted, "mint the capital").await?;
    let tokens = DemoToken::new(*token.address(), chain.underwriter());
    let approved = tokens.approve(*contract.address(), purse).send().await;
    confirm(approved, "approve the capital").await?;
    let funding = ParametricCover::new(*contract.address(), chain.underwriter());
    let funded = funding.fund(U256::from(capital)).send().await;
    confirm(funded, "fund the cover contract").await?;
    Ok(Market {
        verifier: *verifier.address(),
        contract: *contract.address(),
    })
}

/// Sells the sampled policies; from then on blocks are mined on request only.
pub(super) async fn sell(chain: &Chain, market: Market, plans: &[Plan]) -> Result<(), DemoError> {
    let contract = ParametricCover::new(market.contract, chain.underwriter());
    let attempt = "sell a policy";
    let mut last = None;
    for plan in plans.iter().filter(|plan| plan.sampled) {
        let seconds = |at: tocsin_domain::time::Timestamp| at.to_u64().unwrap_or_default();
        let call = contract.buyFor(
            plan.holder,
            U256::from(plan.sum_insured),
            seconds(INCEPTION),
            seconds(plan.expiry),
        );
        last = Some(call.gas(400_000).send().await.map_err(failed(attempt))?);
    }
    if let Some(last) = last {
        confirm(Ok(last), attempt).await?;
    }
    let sold = contract
        .policyCount()
        .call()
        .await
        .map_err(failed("count the policies"))?;
    let wanted = plans.iter().filter(|plan| plan.sampled).count();
    if u64::try_from(wanted) != Ok(sold) {
        return Err(failed(attempt)(format!("{sold} of {wanted} were sold")));
    }
    chain.stop_mining().await
}

/// How many policies the contract has paid, and how much in all.
pub(super) async fn paid(chain: &Chain, market: Market) -> Result<(usize, U256), DemoError> {
    let contract = ParametricCover::new(market.contract, chain.owner());
    let events = contract
        .Paid_filter()
        .from_block(0)
        .query()
        .await
        .map_err(failed("look for payouts"))?;
    let amounts = events.iter().map(|(event, _)| event.amount);
    Ok((events.len(), amounts.sum()))
}
