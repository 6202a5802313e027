//! Measures how many claims on one loss are attested, alone and in a quorum: see `tocsin_tests::claims_bench`.
//! `cargo xtask bench quorum` builds and runs it.
//!
//! `claims_bench [--alone N] [--quorum N]`: N claims in a whole service (100,000), and in four of which three must sign (5,000,
//! the most that one message of theirs is about). `claims_bench CONFIG URL`: the service itself, whose clock is at URL.

use std::process::ExitCode;

use tocsin_quorum::MOST_CLAIMS;
use tocsin_tests::claims_bench::{self, How, Measured};
use tocsin_tests::node;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_service = arguments
        .first()
        .is_some_and(|first| first.ends_with(".toml"));
    let ended = if is_service {
        node::run(arguments).await
    } else {
        measure(&arguments).await
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            say(&problem);
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: &[String]) -> Result<(), String> {
    let (mut alone, mut quorum) = (100_000, u32::try_from(MOST_CLAIMS).unwrap_or(u32::MAX));
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let wanted = match word {
            "--alone" => &mut alone,
            "--quorum" => &mut quorum,
            _ => {
                return Err(format!(
                    "there is no option {word}: write --alone N or --quorum N"
                ));
            }
        };
        let value = words
            .next()
            .ok_or_else(|| format!("{word} needs a number"))?;
        *wanted = value
            .parse()
            .map_err(|error| format!("{word} {value}: {error}"))?;
    }
    if quorum > 0 {
        let bound = claims_bench::alone(quorum).await;
        tell(
            &format!("bound: {quorum} claims as a batch, by one service"),
            &bound,
        );
        let batched = claims_bench::together(quorum, How::Batched).await;
        tell(
            &format!("{quorum} claims as a batch, by three of four"),
            &batched,
        );
        let refused = claims_bench::together(quorum, How::Refused).await;
        tell(
            &format!("{quorum} claims, each signed alone since one of four refuses the batch"),
            &refused,
        );
    }
    if alone > 0 {
        let measured = claims_bench::alone(alone).await;
        tell(
            &format!("{alone} claims as batches, by one service"),
            &measured,
        );
    }
    Ok(())
}

fn tell(what: &str, measured: &Measured) {
    let megabytes = |bytes: &[u64]| {
        let each = bytes.iter().map(|bytes| (bytes >> 20).to_string());
        each.collect::<Vec<_>>().join(", ")
    };
    say(what);
    say(&format!(
        "  decided {:.2?} after the loss was there to be seen, attested after another {:.2?}",
        measured.decided, measured.attested
    ));
    say(&format!(
        "  the most memory of each service: {} MiB before the loss, {} MiB in the end",
        megabytes(&measured.before),
        megabytes(&measured.peak)
    ));
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn say(line: &str) {
    println!("{line}");
}
