//! `tocsin demo --flights`: the blizzard of February 2013, from the departure board to the payouts.
//!
//! Everything in it is real but the provider and the time: an anvil node, the contracts, a normal service with its database,
//! its keys and the provider's definition as everybody uses it. A local server stands in for the provider and shows the
//! recorded flights as they would have been seen, and both live by a clock that runs through four days in a minute.

mod answer;
pub mod board;
mod market;
pub mod policies;
pub mod provider;
mod setting;
pub mod slice;
mod tally;
mod telling;

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy::primitives::{Address, U256};
use tocsin_domain::observation::SourceId;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_store::Store;
use tocsin_store_sqlite::SqliteStore;
use tokio::net::TcpListener;

use self::market::Market;
use self::policies::{Plan, Sellers};
use self::provider::Provider;
pub use self::setting::{COUNTS, POLICIES, RECORDED};
use self::setting::{FEED, Places};
use self::slice::Flight;
pub use self::tally::{Counts, Outcome, Payout, PolicyCounts, Sold, Tally};
use super::chain::CHAIN_ID;
use super::{Chain, DemoError, Layout, Secrets};
use crate::clock::SetClock;
use crate::command;
use crate::config::Config;
use crate::service;
use crate::supervisor::Shutdown;

/// The chain begins here: 2013-02-05T00:00:00Z.
const GENESIS: Timestamp = Timestamp(1_360_022_400);

/// Time begins to run here, 2013-02-07T22:00:00Z: an hour before anybody has to look at a flight.
const START: Timestamp = Timestamp(1_360_274_400);

/// Nothing is open any more at the latest here: 2013-02-11T00:00:00Z.
const END: Timestamp = Timestamp(1_360_540_800);

/// How far time goes at once.
const STRIDE: Seconds = Seconds(1_200);

/// How long the service may be busy with one stride.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is asked whether it still is.
const GLANCE: Duration = Duration::from_millis(2);

/// How many policies there are.
pub const POLICIES_SOLD: u64 = 5_000;

/// The storm before it breaks.
pub struct Storm {
    /// The settlement chain.
    pub chain: Chain,
    /// What stands in for AeroAPI.
    pub provider: Provider,
    /// The time.
    pub clock: SetClock,
    /// The files.
    pub layout: Layout,
    /// The recorded flights.
    pub flights: Vec<Flight>,
    /// Who is insured.
    pub plans: Vec<Plan>,
    /// With whom.
    pub sellers: Sellers,
    /// Where the service's API will be.
    pub api: SocketAddr,
    market: Market,
    attestor: Address,
}

/// The storm when it is over; the service still runs.
pub struct Aftermath {
    /// What was counted.
    pub tally: Tally,
    /// Every policy.
    pub sold: Vec<Sold>,
    /// Policies that the contract has paid, and how much in all.
    pub paid_on_chain: (usize, U256),
    /// How often the provider was asked.
    pub requests: u64,
    /// How long it took.
    pub took: Duration,
}

/// Runs the demonstration and tells its story on `out`. Its files are left in `folder`.
pub async fn run(
    anvil: &Path,
    folder: &Path,
    out: &mut (dyn Write + Send),
) -> Result<(), DemoError> {
    let mut telling = telling::Telling::new(out);
    telling.chapter("A chain, a contract, and policies")?;
    let flights = slice::flights()?;
    let storm = Storm::prepare(anvil, folder, flights, POLICIES_SOLD, telling.out()).await?;
    telling.prepared(&storm)?;
    telling.chapter("8 and 9 February 2013, as a departure board showed them")?;
    storm
        .with_service(async |store| {
            let aftermath = storm.pass(&*store, STRIDE, &mut telling).await?;
            storm.write_counts(&aftermath)?;
            telling.counted(&storm, &aftermath)?;
            telling.reasons(&storm, &aftermath).await?;
            telling.evidence(&storm, &aftermath, &*store).await
        })
        .await
}

impl Storm {
    /// Starts chain and provider, deploys, sells `count` policies on `flights`, and takes them into the service's books.
    pub async fn prepare(
        anvil: &Path,
        folder: &Path,
        flights: Vec<Flight>,
        count: u64,
        out: &mut (dyn Write + Send),
    ) -> Result<Self, DemoError> {
        let plans = policies::plans(count, flights.len());
        let layout = Layout::create(folder)?;
        let chain = Chain::start(anvil, GENESIS).await?;
        let secrets = Secrets::generate(&layout)?;
        let cover = setting::write_cover(&layout)?;
        let market = market::deploy(&chain, &cover, secrets.attestor, &plans).await?;
        market::sell(&chain, market, &plans).await?;
        chain.give_gas(secrets.submitter).await?;
        let sellers = Sellers {
            chain_id: CHAIN_ID,
            contract: market.contract,
            service: Address::repeat_byte(0x5e),
        };
        let clock = SetClock::new(START);
        let key = setting::write_key(&layout)?;
        let provider = Provider::new(flights.clone(), Arc::new(clock.clone()), &key);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let places = Places {
            chain: &chain.url(),
            provider: listener.local_addr()?,
            api: free_address().await?,
            market,
            service: sellers.service,
        };
        setting::write_service(&layout, &secrets, &places)?;
        let api = places.api;
        let router = provider.router();
        #[expect(
            clippy::disallowed_methods,
            reason = "the stand-in for somebody else's server ends with the process"
        )]
        tokio::spawn(async move { axum::serve(listener, router).await });
        let text = policies::csv(&plans, &flights, cover.terms_hash, sellers);
        layout.write(POLICIES, &text)?;
        let file = layout.file(POLICIES);
        command::policies::import(&file, &layout.config(), &clock, out)
            .await
            .map_err(DemoError::Policies)?;
        Ok(Self {
            chain,
            provider,
            clock,
            layout,
            flights,
            plans,
            sellers,
            api,
            market,
            attestor: secrets.attestor,
        })
    }

    /// Runs the service while `act` is under way.
    pub async fn with_service<T>(
        &self,
        act: impl AsyncFnOnce(Arc<SqliteStore>) -> Result<T, DemoError>,
    ) -> Result<T, DemoError> {
        let store = Arc::new(SqliteStore::open(&self.layout.database()).await?);
        let config = Config::load(&self.layout.config())?;
        let shutdown = Shutdown::default();
        let clock = Arc::new(self.clock.clone());
        let run = service::run_on(store.clone(), config, clock, shutdown.clone());
        let mut service = Box::pin(run);
        let done = tokio::select! {
            done = act(store) => done?,
            // Only ever by an error: nobody has asked it to end yet.
            ended = &mut service => return Err(ended.err().map_or(DemoError::ServiceEnded, DemoError::from)),
        };
        shutdown.request();
        service.await?;
        Ok(done)
    }

    /// Leaves what was counted beside what it can be counted from again.
    pub fn write_counts(&self, aftermath: &Aftermath) -> Result<(), DemoError> {
        let counted = serde_json::to_string_pretty(&aftermath.tally)
            .map_err(|error| DemoError::Print(error.into()))?;
        self.layout.write(COUNTS, &counted)
    }

    /// The only signer.
    pub fn attestor(&self) -> Address {
        self.attestor
    }

    /// Lets time run in strides until nothing is open any more, as fast as the service keeps up, and counts.
    pub async fn pass(
        &self,
        store: &dyn Store,
        stride: Seconds,
        hours: &mut dyn Hours,
    ) -> Result<Aftermath, DemoError> {
        let begun = Instant::now();
        let feed = SourceId::from(FEED);
        let mut now = START;
        while now < END {
            now = now + stride;
            self.chain.mine(now).await?;
            self.clock.advance_to(now);
            quiet("looking at flights", async || {
                let next = store.next_due(&feed).await?;
                Ok(next.is_none_or(|next| next > now))
            })
            .await?;
            quiet("deciding and signing claims", async || settled(store).await).await?;
            let counts = store.count_looks(&feed).await?;
            if now.0 % 21_600 == 0 {
                hours.show(now, self, counts)?;
            }
            if counts.open == 0 {
                break;
            }
        }
        let (tally, sold) = tally::read(store, &self.plans, &self.flights, self.sellers).await?;
        let with_contract = |sold: &&Sold| sold.seller == self.sellers.contract;
        let owed = sold.iter().filter(with_contract);
        let owed = owed.filter(|sold| sold.amount.is_some()).count();
        let mut paid_on_chain = market::paid(&self.chain, self.market).await?;
        let waiting = Instant::now();
        while paid_on_chain.0 < owed {
            if waiting.elapsed() > PATIENCE {
                return Err(DemoError::NotPaid(PATIENCE));
            }
            now = now + Seconds(12);
            self.chain.mine(now).await?;
            self.clock.advance_to(now);
            tokio::time::sleep(Duration::from_millis(150)).await;
            paid_on_chain = market::paid(&self.chain, self.market).await?;
        }
        Ok(Aftermath {
            tally,
            sold,
            paid_on_chain,
            requests: self.provider.requests(),
            took: begun.elapsed(),
        })
    }
}

/// Is shown the storm as it passes.
pub trait Hours: Send {
    /// Six hours more have passed.
    fn show(
        &mut self,
        now: Timestamp,
        storm: &Storm,
        counts: tocsin_store::look::LookCounts,
    ) -> Result<(), DemoError>;
}

impl Hours for () {
    fn show(
        &mut self,
        _now: Timestamp,
        _storm: &Storm,
        _counts: tocsin_store::look::LookCounts,
    ) -> Result<(), DemoError> {
        Ok(())
    }
}

/// Whether every determination has its claims, and every claim that is owed its signature.
async fn settled(store: &dyn Store) -> Result<bool, DemoError> {
    Ok(store.unclaimed(1).await?.is_empty() && store.unattested(1).await?.is_empty())
}

/// Waits until the service is not busy.
async fn quiet(
    doing: &'static str,
    is_quiet: impl AsyncFn() -> Result<bool, DemoError>,
) -> Result<(), DemoError> {
    let begun = Instant::now();
    while !is_quiet().await? {
        if begun.elapsed() > PATIENCE {
            return Err(DemoError::Busy {
                doing,
                after: PATIENCE,
            });
        }
        tokio::time::sleep(GLANCE).await;
    }
    Ok(())
}

/// One that nobody listens at now; the service's API will.
async fn free_address() -> Result<SocketAddr, DemoError> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?)
}
