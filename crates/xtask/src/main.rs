//! Developer commands. They install what they need and say what they do.

mod bench;
mod consumers;
mod contracts;
mod edges;
mod emitted;
mod programs;
mod sh;
mod sql;
mod storm;
mod suite;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

use sh::Failed;

const USAGE: &str = "\
usage: cargo xtask <command>

  demo        the main job, on a chain of your own: a depeg, a claim, a payout, and the evidence
  demo --flights
              a blizzard: 5,000 policies on 1,614 flights of February 2013, signed batches, and a second count
  test        everything that must hold: format, lints, structure, contracts, unit, property and end-to-end tests
  tidy        the structure only: crate edges, module docs, file sizes
  bench       every benchmark, in release builds
  bench chain reading chains: rates against bare loops, latency, many chains at once
              [--blocks N] [--chains N] [--seconds N] [--mined N] [--only PART,…]
  bench flights
              a day of 20,000 flights at 1,000 times its speed: how far behind the worst look was
              [--flights N] [--speed N]
  bench service
              the API: reads, signed writes, webhooks, and memory when all of it goes on; fails where a target is missed
              [--policies N] [--round MS] [--events N] [--soak MINUTES] [--only PART,…]
  bench quorum
              the most claims of one issue through a quorum of four, and 100,000 through one service: time and memory
              [--alone N] [--quorum N]
  bench webhooks
              the webhooks' part of it alone: signed deliveries a second, beside a bare client [--events N]
  consumers   the example payout services in TypeScript and Python, against a node and a chain of their own
  contracts   rebuilds contracts-abi/abi and contracts-abi/vectors after a change to the Solidity sources
  sql         rewrites the offline data of the SQL queries after a change to a query or a migration
  setup       installs the npm packages that the commands above need (they do so by themselves)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut words = arguments.iter().map(String::as_str);
    let root = sh::root();
    let outcome = match (words.next(), words.collect::<Vec<_>>().as_slice()) {
        (Some("demo"), rest) => demo(&root, rest),
        (Some("test"), []) => suite::test(&root),
        (Some("tidy"), []) => tidy::check(&root),
        (Some("bench"), rest) => bench(&root, rest),
        (Some("consumers"), []) => consumers::test(&root),
        (Some("contracts"), []) => contracts::rebuild(&root),
        (Some("sql"), []) => sql::prepare(&root),
        #[cfg(feature = "sql")]
        (Some("migrate"), [database, migrations]) => {
            sql::migrate(database.as_ref(), migrations.as_ref())
        }
        (Some("setup"), []) => contracts::install(&root),
        _ => Err(Failed(USAGE.to_owned())),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed(reason)) => {
            sh::complain(&reason);
            ExitCode::FAILURE
        }
    }
}

fn demo(root: &Path, arguments: &[&str]) -> Result<(), Failed> {
    contracts::install(root)?;
    sh::step("building tocsin (a few minutes the first time)");
    sh::run(root, "cargo", &["build", "--package", "tocsin"])?;
    let anvil = contracts::anvil(root);
    let anvil = anvil.to_string_lossy();
    let mut command = vec!["demo", "--anvil", &*anvil];
    command.extend_from_slice(arguments);
    sh::run(
        root,
        &sh::target(root).join("debug/tocsin").to_string_lossy(),
        &command,
    )?;
    if arguments.contains(&"--flights") {
        storm::count_again(root, arguments)?;
    }
    Ok(())
}

fn bench(root: &Path, arguments: &[&str]) -> Result<(), Failed> {
    if let ["chain", options @ ..] = arguments {
        return bench::run(root, "chain_bench", options);
    }
    if let ["flights", options @ ..] = arguments {
        return bench::run(root, "flight_bench", options);
    }
    if let ["service", options @ ..] = arguments {
        return bench::run(root, "service_bench", options);
    }
    if let ["quorum", options @ ..] = arguments {
        return bench::run(root, "claims_bench", options);
    }
    if let ["webhooks", options @ ..] = arguments {
        let only = [&["--only", "webhooks"][..], options].concat();
        return bench::run(root, "service_bench", &only);
    }
    let mut command = vec!["bench", "--workspace", "--benches"];
    command.extend_from_slice(arguments);
    sh::run(root, "cargo", &command)
}
