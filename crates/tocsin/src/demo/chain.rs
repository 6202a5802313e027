//! The demonstration's chain: an anvil process, the contracts on it, and the hands that post rounds and mine blocks.
//!
//! Blocks are mined on request only, at the recorded times, so that the service's own transactions land in a block of
//! the story like everybody else's.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use alloy::network::EthereumWallet;
use alloy::primitives::{Address, B256, I256, U256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::signers::local::PrivateKeySigner;
use tocsin_domain::cover::Cover;
use tocsin_domain::ids::{PolicyId, TermsHash};
use tocsin_domain::time::{Seconds, Timestamp};
use url::Url;

use super::DemoError;
use super::SUM_INSURED;
use super::contracts::{DemoAggregator, DemoToken, ParametricCover, TocsinVerifier};
use super::files::{Layout, Secrets, write_cover};
use super::rounds::Round;

/// anvil's chain id.
pub(super) const CHAIN_ID: u64 = 31_337;

/// Waiting period of the demonstration's terms.
pub(super) const WAITING: Seconds = Seconds(72 * 3_600);

/// The policy's period.
const TERM: Seconds = Seconds(30 * 86_400);

/// anvil's well-known development accounts; worthless everywhere else.
pub(super) const OWNER: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
pub(super) const UNDERWRITER: &str =
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
const HOLDER: &str = "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a";

/// A running chain.
pub struct Chain {
    process: Child,
    url: Url,
    owner: DynProvider,
    underwriter: DynProvider,
    holder: DynProvider,
}

/// What was deployed.
#[derive(Clone, Debug)]
pub struct Deployed {
    /// The money.
    pub token: Address,
    /// The feed.
    pub aggregator: Address,
    /// The verifier.
    pub verifier: Address,
    /// The product.
    pub product: Address,
    /// The terms that it sells.
    pub terms_hash: TermsHash,
    /// The only signer of epoch 1.
    pub attestor: Address,
    /// Who is insured.
    pub holder: Address,
}

/// What was bought.
#[derive(Clone, Debug)]
pub struct Bought {
    /// Its number in the contract.
    pub number: U256,
    /// What attestations call it.
    pub id: PolicyId,
    /// Cover begins.
    pub inception: Timestamp,
    /// Cover ends.
    pub expiry: Timestamp,
}

impl Drop for Chain {
    fn drop(&mut self) {
        // Best effort: a demonstration that ends must not leave a node behind, and an error has nobody to go to.
        let _killed = self.process.kill();
        let _reaped = self.process.wait();
    }
}

impl Chain {
    /// Starts anvil on a free port; its first block is at `genesis`.
    pub async fn start(anvil: &Path, genesis: Timestamp) -> Result<Self, DemoError> {
        let mut process = Command::new(anvil)
            .args(["--port", "0", "--slots-in-an-epoch", "1", "--order", "fifo"])
            .args(["--timestamp", &genesis.0.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| DemoError::Anvil {
                path: anvil.to_owned(),
                source,
            })?;
        let url = listening(&mut process)?;
        let connect = |key: &str| -> Result<DynProvider, DemoError> {
            let signer: PrivateKeySigner = key.parse().map_err(failed("read a development key"))?;
            let provider = ProviderBuilder::new()
                .with_cached_nonce_management()
                .wallet(EthereumWallet::from(signer))
                .connect_http(url.clone());
            Ok(provider.erased())
        };
        let chain = Self {
            owner: connect(OWNER)?,
            underwriter: connect(UNDERWRITER)?,
            holder: connect(HOLDER)?,
            process,
            url: url.clone(),
        };
        chain
            .owner
            .client()
            .set_poll_interval(Duration::from_millis(20));
        chain
            .underwriter
            .client()
            .set_poll_interval(Duration::from_millis(20));
        chain
            .holder
            .client()
            .set_poll_interval(Duration::from_millis(20));
        Ok(chain)
    }

    /// Who deploys and announces.
    pub(super) fn owner(&self) -> &DynProvider {
        &self.owner
    }

    /// Who gives the capital.
    pub(super) fn underwriter(&self) -> &DynProvider {
        &self.underwriter
    }

    /// Where it answers.
    pub fn url(&self) -> Url {
        self.url.clone()
    }

    /// Deploys token, feed, verifier and product, announces epoch 1 with the attestor as its only signer, and gives the
    /// product its capital. Writes the cover, which names the feed and the product.
    pub async fn deploy(&self, layout: &Layout, secrets: &Secrets) -> Result<Deployed, DemoError> {
        let owner = address_of(OWNER)?;
        let underwriter = address_of(UNDERWRITER)?;
        let holder = address_of(HOLDER)?;
        let token = DemoToken::deploy(&self.owner)
            .await
            .map_err(failed("deploy the token"))?;
        let aggregator = DemoAggregator::deploy(&self.owner, "USDC / USD".to_owned())
            .await
            .map_err(failed("deploy the feed"))?;
        let verifier = TocsinVerifier::deploy(&self.owner, owner, owner, 0)
            .await
            .map_err(failed("deploy the verifier"))?;
        let sign_until = u64::MAX;
        confirm(
            verifier
                .announceEpoch(
                    0,
                    sign_until,
                    sign_until,
                    1,
                    vec![secrets.attestor],
                    U256::ZERO,
                )
                .send()
                .await,
            "announce the epoch",
        )
        .await?;
        // The terms name the contract that pays, and the contract stores the hash of the terms: its address is known
        // before it is there.
        let nonce = self
            .owner
            .get_transaction_count(owner)
            .await
            .map_err(failed("read a nonce"))?;
        let product = owner.create(nonce);
        let cover: Cover = write_cover(layout, *aggregator.address(), product)?;
        let config = ParametricCover::Config {
            verifier: *verifier.address(),
            token: *token.address(),
            underwriter,
            termsHash: cover.terms_hash.0,
            premiumBps: 150,
            waitingSeconds: unsigned(WAITING),
            claimDeadlineSeconds: 7 * 86_400,
            settlementSeconds: 14 * 86_400,
            vetoSeconds: 0,
            maxTermSeconds: 366 * 86_400,
            policyCap: 50_000_000_000,
            dailyCap: 500_000_000_000,
        };
        let deployed = ParametricCover::deploy(&self.owner, config)
            .await
            .map_err(failed("deploy the product"))?;
        if *deployed.address() != product {
            return Err(failed("deploy the product where the terms say")(
                "another address",
            ));
        }
        let capital = U256::from(10 * SUM_INSURED);
        confirm(
            token.mint(underwriter, capital).send().await,
            "mint the capital",
        )
        .await?;
        confirm(
            token.mint(holder, U256::from(SUM_INSURED)).send().await,
            "mint for the holder",
        )
        .await?;
        let underwriters = DemoToken::new(*token.address(), &self.underwriter);
        confirm(
            underwriters.approve(product, capital).send().await,
            "approve the capital",
        )
        .await?;
        let funding = ParametricCover::new(product, &self.underwriter);
        confirm(funding.fund(capital).send().await, "fund the product").await?;
        self.give_gas(secrets.submitter).await?;
        Ok(Deployed {
            token: *token.address(),
            aggregator: *aggregator.address(),
            verifier: *verifier.address(),
            product,
            terms_hash: cover.terms_hash,
            attestor: secrets.attestor,
            holder,
        })
    }

    /// Buys the policy, and from then on mines on request only.
    pub async fn buy(&self, deployed: &Deployed) -> Result<Bought, DemoError> {
        let product = ParametricCover::new(deployed.product, &self.holder);
        let sum = U256::from(SUM_INSURED);
        let premium = product
            .premiumFor(sum)
            .call()
            .await
            .map_err(failed("ask for the premium"))?;
        let token = DemoToken::new(deployed.token, &self.holder);
        confirm(
            token.approve(deployed.product, premium).send().await,
            "approve the premium",
        )
        .await?;
        let now = self.head_time().await?;
        let inception = now + Seconds(3_600);
        let expiry = inception + TERM;
        let seconds = |at: Timestamp| at.to_u64().unwrap_or_default();
        confirm(
            product
                .buy(sum, seconds(inception), seconds(expiry))
                .send()
                .await,
            "buy the policy",
        )
        .await?;
        let number = U256::from(
            product
                .policyCount()
                .call()
                .await
                .map_err(failed("read the policy"))?,
        );
        self.stop_mining().await?;
        let id = PolicyId::derive(CHAIN_ID, deployed.product, number);
        Ok(Bought {
            number,
            id,
            inception,
            expiry,
        })
    }

    /// From now on blocks are mined on request only.
    pub(super) async fn stop_mining(&self) -> Result<(), DemoError> {
        self.owner
            .raw_request("evm_setAutomine".into(), [false])
            .await
            .map_err(failed("stop mining by itself"))
    }

    /// Posts a recorded round, in a block at its own time.
    pub async fn post(&self, deployed: &Deployed, round: &Round) -> Result<(), DemoError> {
        let feed = DemoAggregator::new(deployed.aggregator, &self.owner);
        let answer = I256::try_from(round.answer).map_err(failed("write an answer"))?;
        let id = alloy::primitives::Uint::<80, 2>::from(round.id);
        let at = U256::from(round.updated_at().to_u64().unwrap_or_default());
        let _hash: B256 = *feed
            .post(answer, id, at)
            .gas(200_000)
            .send()
            .await
            .map_err(failed("post a round"))?
            .tx_hash();
        self.mine(round.updated_at()).await
    }

    /// Mines one block at `time` with everything that is pending.
    pub async fn mine(&self, time: Timestamp) -> Result<(), DemoError> {
        let _zero: serde_json::Value = self
            .owner
            .raw_request("evm_mine".into(), [time.0])
            .await
            .map_err(failed("mine a block"))?;
        Ok(())
    }

    /// Every payment of the product, in order.
    pub async fn payments(&self, deployed: &Deployed) -> Result<Vec<U256>, DemoError> {
        let product = ParametricCover::new(deployed.product, &self.holder);
        let paid = product
            .Paid_filter()
            .from_block(0)
            .query()
            .await
            .map_err(failed("look for the payout"))?;
        Ok(paid.iter().map(|(event, _)| event.amount).collect())
    }

    /// What the product has paid.
    pub async fn holder_received(&self, deployed: &Deployed) -> Result<U256, DemoError> {
        Ok(self.payments(deployed).await?.into_iter().sum())
    }

    /// Remembers the chain as it is.
    pub async fn snapshot(&self) -> Result<U256, DemoError> {
        self.owner
            .raw_request("evm_snapshot".into(), ())
            .await
            .map_err(failed("take a snapshot"))
    }

    /// Goes back to a snapshot.
    pub async fn revert(&self, snapshot: U256) -> Result<(), DemoError> {
        let back: bool = self
            .owner
            .raw_request("evm_revert".into(), [snapshot])
            .await
            .map_err(failed("go back to a snapshot"))?;
        if back {
            Ok(())
        } else {
            Err(failed("go back to a snapshot")("it is not known"))
        }
    }

    /// The number of the newest block.
    pub async fn head_number(&self) -> Result<u64, DemoError> {
        self.owner
            .get_block_number()
            .await
            .map_err(failed("read the newest block's number"))
    }

    /// The time of the newest block.
    pub async fn head_time(&self) -> Result<Timestamp, DemoError> {
        let block = self
            .owner
            .get_block(alloy::eips::BlockId::latest())
            .await
            .map_err(failed("read the newest block"))?
            .ok_or_else(|| failed("read the newest block")("there is none"))?;
        i64::try_from(block.header.timestamp)
            .map(Timestamp)
            .map_err(failed("read the newest block's time"))
    }

    /// Gives an account enough for all its transactions.
    pub(super) async fn give_gas(&self, account: Address) -> Result<(), DemoError> {
        let ether = U256::from(10).pow(U256::from(18));
        let () = self
            .owner
            .raw_request("anvil_setBalance".into(), (account, ether))
            .await
            .map_err(failed("give the submitter gas"))?;
        Ok(())
    }
}

/// Reads anvil's own words until it says where it listens.
fn listening(process: &mut Child) -> Result<Url, DemoError> {
    let silent = |reason: &str| DemoError::AnvilSilent(reason.to_owned());
    let output = process
        .stdout
        .take()
        .ok_or_else(|| silent("its output is not there"))?;
    let mut lines = BufReader::new(output).lines();
    for line in &mut lines {
        let line = line?;
        if let Some(address) = line.strip_prefix("Listening on ") {
            // What it says from now on is read and dropped, or it would stop when the pipe is full.
            std::thread::spawn(move || lines.for_each(drop));
            return format!("http://{}", address.trim())
                .parse()
                .map_err(|error| silent(&format!("{error}: {line}")));
        }
    }
    Err(silent("it ended before it listened"))
}

/// An error of the chain's.
pub(super) fn failed<E: ToString>(attempt: &'static str) -> impl Fn(E) -> DemoError {
    move |reason| DemoError::Chain {
        attempt,
        reason: reason.to_string(),
    }
}

pub(super) fn address_of(key: &str) -> Result<Address, DemoError> {
    let signer: PrivateKeySigner = key.parse().map_err(failed("read a development key"))?;
    Ok(signer.address())
}

fn unsigned(span: Seconds) -> u64 {
    u64::try_from(span.0).unwrap_or_default()
}

/// Waits until a transaction is mined and has not failed.
pub(super) async fn confirm<N: alloy::network::Network>(
    sent: Result<alloy::providers::PendingTransactionBuilder<N>, alloy::contract::Error>,
    attempt: &'static str,
) -> Result<(), DemoError> {
    use alloy::network::ReceiptResponse;
    let receipt = sent
        .map_err(failed(attempt))?
        .with_timeout(Some(Duration::from_secs(20)))
        .get_receipt()
        .await
        .map_err(failed(attempt))?;
    if receipt.status() {
        Ok(())
    } else {
        Err(failed(attempt)("it was reverted"))
    }
}
