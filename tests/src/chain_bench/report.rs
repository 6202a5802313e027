//! Runs the parts one after the other, and says what came out, beside what bounds it and what others take.

use std::time::Duration;

use super::backfill::Backfill;
use super::latency::{self, percentile};
use super::many::Many;
use super::process::{Beside, measured};
use super::table::{Table, grouped, megabytes, percent, rate};

/// Blocks a second into a database at ten logs a block, measured on a machine like the one that this was written on.
const PEERS_STORED: [(&str, u128); 2] = [("rindexer", 8_212), ("Ponder", 546)];

/// Mined block to webhook at a block every 250 ms, p50 and p99 in milliseconds, measured likewise.
const PEERS_LATENCY: [(&str, u32, u32); 3] = [
    ("rindexer", 104, 202),
    ("Ponder", 726, 1_007),
    ("OpenZeppelin Monitor", 699, 1_197),
];

/// How much is measured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Blocks in a backfill.
    pub blocks: u64,
    /// Chains side by side.
    pub chains: u64,
    /// For how long those are watched.
    pub seconds: u64,
    /// Blocks that are mined one by one.
    pub mined: usize,
    /// Which parts; none means every one.
    pub only: Vec<String>,
}

impl Options {
    /// Reads the options of the command.
    pub fn read(words: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            blocks: 100_000,
            chains: 50,
            seconds: 20,
            mined: 100,
            only: Vec::new(),
        };
        let number = |text: &str| -> Result<u64, String> {
            let digits = text.replace('_', "");
            digits.parse().map_err(|error| format!("`{text}`: {error}"))
        };
        for pair in words.chunks(2) {
            match pair {
                ["--blocks", count] => options.blocks = number(count)?,
                ["--chains", count] => options.chains = number(count)?,
                ["--seconds", count] => options.seconds = number(count)?,
                ["--mined", count] => {
                    let count = usize::try_from(number(count)?);
                    options.mined = count.map_err(|error| error.to_string())?;
                }
                ["--only", parts] => options.only = parts.split(',').map(str::to_owned).collect(),
                other => return Err(format!("`{}` is no option", other.join(" "))),
            }
        }
        Ok(options)
    }

    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }
}

/// Measures, and says what came out as it comes.
pub async fn run(options: &Options, say: impl Fn(&str)) {
    if options.wants("read") {
        say(&backfills(options));
    }
    if options.wants("store") {
        say(&stored(options));
    }
    if options.wants("latency") {
        say(&latencies(options).await);
    }
    if options.wants("chains") {
        say(&chains(options));
    }
}

/// So often a backfill is repeated; the fastest counts, as the one that other work on the machine disturbed least.
const ROUNDS: usize = 3;

/// The fastest of some rounds of two things that are compared, which take turns.
fn fastest(kind: &str, server: &Beside, blocks: u64) -> [Backfill; 2] {
    let turn = || ["bare", "reader"].map(|what| backfill(what, kind, server, blocks));
    let mut best = turn();
    for _ in 1..ROUNDS {
        for (best, again) in best.iter_mut().zip(turn()) {
            if again.took < best.took {
                *best = again;
            }
        }
    }
    best
}

/// What a part of this program measured that was started with these words.
fn backfill(what: &str, kind: &str, server: &Beside, blocks: u64) -> Backfill {
    let (url, blocks) = (server.url(1), blocks.to_string());
    let words = ["measure", what, kind, url.as_str(), &blocks];
    measured(&words.map(str::to_owned))
}

fn seconds(took: Duration) -> String {
    format!("{}.{} s", took.as_secs(), took.subsec_millis() / 100)
}

fn memory(marks: &[u64]) -> String {
    let marks: Vec<String> = marks.iter().map(|&bytes| megabytes(bytes)).collect();
    marks.join(", ")
}

fn backfills(options: &Options) -> String {
    // Block 0 is not read.
    let server = Beside::replay(&[(options.blocks + 1).to_string()]);
    let mut table = Table::new(&[
        "read",
        "blocks/s",
        "logs/s",
        "of the bound (target 70 %)",
        "processor time",
        "memory at 10, 50, 100 %",
    ]);
    for kind in ["bloom", "receipts"] {
        let mut bound = 0;
        let names = ["bare fetch and parse", "reader"];
        for (name, took) in names.iter().zip(fastest(kind, &server, options.blocks)) {
            let logs = rate(took.logs, took.took);
            table.row(vec![
                format!("{name}, proof = {kind}"),
                grouped(rate(took.blocks, took.took)),
                grouped(logs),
                if bound == 0 {
                    String::new()
                } else {
                    percent(logs, bound)
                },
                seconds(took.busy),
                memory(&took.memory),
            ]);
            bound = logs;
        }
    }
    let logs = grouped(u128::from(options.blocks) * 10);
    format!(
        "Backfill of {logs} logs from a local replay server, the fastest of {ROUNDS} rounds\n\n{table}"
    )
}

fn stored(options: &Options) -> String {
    let server = Beside::replay(&[(options.blocks + 1).to_string()]);
    let mut table = Table::new(&[
        "stored",
        "blocks/s",
        "logs/s",
        "of rindexer",
        "memory at 10, 50, 100 %",
    ]);
    let (_, best_peer) = PEERS_STORED[0];
    for kind in ["bloom", "receipts"] {
        let took = backfill("stored", kind, &server, options.blocks);
        let blocks = rate(took.blocks, took.took);
        table.row(vec![
            format!("service, proof = {kind} (target 20,000 blocks/s)"),
            grouped(blocks),
            grouped(rate(took.logs, took.took)),
            percent(blocks, best_peer),
            memory(&took.memory),
        ]);
    }
    for (peer, blocks) in PEERS_STORED {
        let (logs, of_best) = (grouped(blocks * 10), percent(blocks, best_peer));
        table.row(vec![
            format!("{peer} (not in this run)"),
            grouped(blocks),
            logs,
            of_best,
            String::new(),
        ]);
    }
    let logs = grouped(u128::from(options.blocks) * 10);
    format!("The same {logs} logs, every one stored\n\n{table}")
}

async fn latencies(options: &Options) -> String {
    let latency = latency::measure(options.mined).await;
    let mut table = Table::new(&["mined block to", "p50", "p90", "p99", "target p99"]);
    let ms = |took: Duration| {
        format!(
            "{}.{} ms",
            took.as_millis(),
            took.subsec_micros() % 1_000 / 100
        )
    };
    for (name, took, target) in [
        ("bare client has the logs", &latency.bare, ""),
        ("observation is durable", &latency.persisted, "10 ms"),
        (
            "attestation is signed and durable",
            &latency.attested,
            "25 ms",
        ),
    ] {
        let at = |percent| ms(percentile(took, percent));
        let cells = [name, &at(50), &at(90), &at(99), target];
        table.row(cells.map(str::to_owned).into());
    }
    for (peer, middle, late) in PEERS_LATENCY {
        let name = format!("webhook, {peer} (not in this run)");
        table.row(vec![
            name,
            format!("{middle} ms"),
            String::new(),
            format!("{late} ms"),
            String::new(),
        ]);
    }
    let blocks = options.mined;
    format!("{blocks} blocks, one every 250 ms, announced over WebSocket, final at once\n\n{table}")
}

fn chains(options: &Options) -> String {
    let at_start = 100;
    let last = at_start + options.seconds + 3_600;
    let server = Beside::replay(&[last, at_start, 1_000].map(|number| number.to_string()));
    let (chains, length) = (options.chains.to_string(), options.seconds.to_string());
    let url = server.url(0);
    let words = [
        "measure",
        "chains",
        "receipts",
        url.as_str(),
        &chains,
        &length,
    ];
    let took: Many = measured(&words.map(str::to_owned));
    let mut table = Table::new(&["chains", "blocks/s", "cores (target 1.00)", "memory"]);
    let cores = took.busy.as_micros() * 100 / took.took.as_micros().max(1);
    table.row(vec![
        took.chains.to_string(),
        grouped(rate(took.blocks, took.took)),
        format!("{}.{:02}", cores / 100, cores % 100),
        megabytes(took.memory),
    ]);
    format!(
        "Chains side by side in one service, a block a second each, every log stored, announced over WebSocket, proof = receipts\n\n{table}"
    )
}
