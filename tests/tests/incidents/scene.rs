//! A chain on which things happen, and somebody who watches it under the terms of a template.

use std::path::Path;

use alloy::primitives::{Address, U256};
use alloy::sol_types::SolCall;
use tocsin::config::{Config, InsuredCover, Network};
use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::eval::{InputObservation, LossEvent, Program, RiskState, Start, Truth};
use tocsin_domain::observation::Observation;
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;
use tocsin_sources::BlockSource;
use tocsin_sources::chain::ChainReader;
use tocsin_tests::anvil::{Anvil, CHAIN_ID, quantity, repository};
use tocsin_tests::contract;

/// 2026-01-01T00:00:00Z.
const GENESIS: u64 = 1_767_225_600;

/// Seconds between blocks.
const BLOCK_TIME: u64 = 12;

/// A chain with a block every twelve seconds, and those who act on it.
pub(crate) struct Scene {
    pub(crate) anvil: Anvil,
    /// Deploys, owns and governs.
    pub(crate) owner: Address,
    /// Uses the contracts as they are meant.
    pub(crate) holder: Address,
    /// Does not.
    pub(crate) thief: Address,
}

impl Scene {
    pub(crate) async fn set() -> Self {
        let anvil = Anvil::start(GENESIS).await;
        anvil.set_time_step(BLOCK_TIME).await;
        let accounts = contract::accounts(&anvil).await;
        Self {
            anvil,
            owner: accounts[0],
            holder: accounts[1],
            thief: accounts[2],
        }
    }

    /// Deploys a contract of contracts-abi/src/incidents; `arguments` are its constructor's, encoded.
    pub(crate) async fn deploy(&self, name: &str, arguments: Vec<u8>) -> Address {
        let artifact = format!("incidents/{name}");
        contract::deploy(&self.anvil, &artifact, arguments).await
    }

    /// Calls a contract in a block of its own, and gives the time of that block.
    pub(crate) async fn call(&self, from: Address, to: Address, call: impl SolCall) -> Timestamp {
        self.pay(from, to, U256::ZERO, call).await
    }

    /// Calls a contract and sends ether along.
    pub(crate) async fn pay(
        &self,
        from: Address,
        to: Address,
        value: U256,
        call: impl SolCall,
    ) -> Timestamp {
        contract::transact(&self.anvil, from, Some(to), value, call.abi_encode()).await;
        self.now().await
    }

    /// Nothing happens for this long, in as many blocks.
    pub(crate) async fn pass(&self, seconds: u64, blocks: u64) {
        self.anvil.set_time_step(seconds / blocks).await;
        self.anvil.mine(blocks).await;
        self.anvil.set_time_step(BLOCK_TIME).await;
    }

    /// The time of the first block since then that is sampled by a source that is read every so many blocks.
    pub(crate) async fn sampled(&self, every: u64, since: Timestamp) -> Timestamp {
        let mut found = None;
        for number in (0..=self.anvil.head().await).rev() {
            let block = self.anvil.block(&format!("{number:#x}")).await;
            let time = Timestamp(i64::try_from(quantity(&block["timestamp"])).unwrap());
            if time < since {
                break;
            }
            if number.is_multiple_of(every) {
                found = Some(time);
            }
        }
        found.unwrap()
    }

    /// The time of the newest block.
    pub(crate) async fn now(&self) -> Timestamp {
        let time = quantity(&self.anvil.block("latest").await["timestamp"]);
        Timestamp(i64::try_from(time).unwrap())
    }

    /// Watches from the next block on, under the terms of a template. `names` says what stands in place of what it names.
    pub(crate) async fn watch(&self, template: &str, names: &[(&str, Address)]) -> Watch {
        let folder = tempfile::tempdir().unwrap();
        let url = self.anvil.url();
        let files = self.adapted(template, names).await;
        let service = service(&format!("eip155:{CHAIN_ID}"), url.as_str(), &files.sources);
        std::fs::write(folder.path().join("cover.toml"), files.cover).unwrap();
        std::fs::write(folder.path().join("tocsin.toml"), service).unwrap();
        Watch::begin(&folder.path().join("tocsin.toml")).await
    }

    /// A template for this chain, from the next block on. `names` says what stands in place of what it names.
    pub(crate) async fn adapted(&self, template: &str, names: &[(&str, Address)]) -> Template {
        let from_block = format!("from_block = {}\n", self.anvil.head().await + 1);
        let files = Template::read(template);
        for (suffix, _) in names {
            let placeholder = format!("0x{suffix:0>40}");
            let named = files.cover.contains(&placeholder) || files.sources.contains(&placeholder);
            assert!(named, "{template} names no {placeholder}");
        }
        let adapt = |text: String| {
            let mut text = text
                .replace("eip155:1:", &format!("eip155:{CHAIN_ID}:"))
                .replace("eip155:1/", &format!("eip155:{CHAIN_ID}/"))
                .replace("from_block   = 1\n", &from_block)
                .replace("from_block  = 1\n", &from_block)
                .replace("from_block = 1\n", &from_block);
            for (suffix, address) in names {
                let placeholder = format!("0x{suffix:0>40}");
                text = text.replace(&placeholder, &format!("{address:#x}"));
            }
            text
        };
        Template {
            cover: adapt(files.cover),
            sources: adapt(files.sources),
        }
    }
}

/// A cover of config/incidents and the sections of its sources.
pub(crate) struct Template {
    pub(crate) cover: String,
    pub(crate) sources: String,
}

impl Template {
    pub(crate) fn read(name: &str) -> Self {
        let folder = repository().join("config/incidents");
        let read = |file: String| std::fs::read_to_string(folder.join(file)).unwrap();
        Self {
            cover: read(format!("{name}.toml")),
            sources: read(format!("{name}.sources.toml")),
        }
    }
}

/// A service that reads one chain, and runs the cover in `cover.toml`.
pub(crate) fn service(chain: &str, url: &str, sources: &str) -> String {
    format!(
        "database = \"tocsin.db\"\n\n[[covers]]\nfile = \"cover.toml\"\nevaluate_from = \"2026-01-01T00:00:00Z\"\n\n\
         [chains.\"{chain}\"]\nurl = \"{url}\"\nfinality = 0\nstrictly_rising_timestamps = true\n\
         max_blocks_per_step = 50\n\n{sources}"
    )
}

/// The real reader and the real evaluation of one template.
pub(crate) struct Watch {
    insured: InsuredCover,
    streams: Vec<Stream>,
    program: Program,
    state: RiskState,
    reader: ChainReader,
    cursor: Option<SourceCursor>,
}

impl Watch {
    async fn begin(config: &Path) -> Self {
        let mut config = Config::load(config).unwrap();
        let insured = config.covers.remove(0);
        let chain = config.chains.remove(0);
        let program = Program::compile(&insured.cover);
        let risk = &insured.risks[&(None, None)];
        let start = Start {
            evaluate_from: Some(risk.evaluate_from),
            inception: None,
        };
        let Network::Evm {
            settings, sources, ..
        } = chain.network
        else {
            panic!("the templates are for EVM chains");
        };
        Self {
            state: RiskState::new(&program, start),
            program,
            streams: insured.streams(risk),
            insured,
            reader: ChainReader::connect(settings, sources).await.unwrap(),
            cursor: None,
        }
    }

    /// Reads everything that is new, and gives the loss events that it makes.
    pub(crate) async fn losses(&mut self) -> Vec<LossEvent> {
        let all: Vec<usize> = (0..self.reader.watched().len()).collect();
        let mut losses = Vec::new();
        while let Some(batch) = self.reader.next(self.cursor.as_ref(), &all).await.unwrap() {
            let rows = self.rows(&batch.observations);
            let met = self
                .program
                .advance(&mut self.state, &rows, batch.watermark);
            losses.extend(met.unwrap());
            self.cursor = Some(batch.cursor);
        }
        losses
    }

    /// Reads everything that is new: there must be no loss in it, and the terms must know that there is none.
    pub(crate) async fn sees_nothing(&mut self) {
        assert_eq!(self.losses().await, [], "{}", self.insured.cover.name);
        assert_eq!(self.truth(), Truth::False, "{}", self.insured.cover.name);
    }

    /// What the trigger says now.
    pub(crate) fn truth(&self) -> Truth {
        self.program.truth(&self.state)
    }

    /// The observations as the inputs of the cover, in the order in which they are taken in.
    fn rows(&self, observations: &[Observation]) -> Vec<InputObservation> {
        let mut rows = Vec::new();
        for seen in observations {
            let stream = Stream::of(seen);
            for (input, wanted) in self.streams.iter().enumerate() {
                if *wanted == stream {
                    rows.push(InputObservation {
                        input,
                        observed_at: seen.observed_at,
                        sequence: seen.sequence,
                        value: seen.value.clone(),
                    });
                }
            }
        }
        rows.sort_by_key(|row| (row.observed_at, row.input, row.sequence));
        rows
    }
}

/// The one loss event there is: when it began, when it counted, and what it pays.
#[track_caller]
pub(crate) fn only(losses: Vec<LossEvent>) -> (Timestamp, Timestamp, String) {
    let [loss] = losses
        .try_into()
        .unwrap_or_else(|losses| panic!("not one loss: {losses:#?}"));
    let paid = loss
        .payout
        .unwrap_or_else(|unknown| panic!("inconclusive: {unknown:?}"));
    (loss.occurred_at, loss.confirmed_at, paid.to_string())
}
