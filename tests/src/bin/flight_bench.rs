//! Measures a day of flights at many times its speed: see `tocsin_tests::flight_bench`. `cargo xtask bench flights` builds and
//! runs it.
//!
//! `flight_bench [--flights N] [--speed N]`: N flights in a day (20,000), at N times its speed (1,000).

use std::process::ExitCode;

use tocsin_tests::flight_bench::{self, Options};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = match read(&arguments) {
        Ok(options) => options,
        Err(problem) => {
            say(&problem);
            return ExitCode::FAILURE;
        }
    };
    let Options { flights, speed } = options;
    say(&format!(
        "a day of {flights} flights at {speed} times its speed"
    ));
    match flight_bench::run(options).await {
        Ok(measured) => {
            say(&format!(
                "the worst look was {} behind in the flights' time, {} ms in ours",
                measured.worst,
                measured.worst_real.as_millis()
            ));
            say(&format!(
                "the provider was asked {} times, {} claims were signed, {} flights are still open, in {} s",
                measured.requests,
                measured.signed,
                measured.open,
                measured.took.as_secs()
            ));
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn read(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        flights: 20_000,
        speed: 1_000,
    };
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let value = words
            .next()
            .ok_or_else(|| format!("{word} needs a number"))?;
        let wrong = |error: std::num::ParseIntError| format!("{word} {value}: {error}");
        match word {
            "--flights" => options.flights = value.parse().map_err(wrong)?,
            "--speed" => options.speed = value.parse().map_err(wrong)?,
            _ => {
                return Err(format!(
                    "there is no option {word}: write --flights N or --speed N"
                ));
            }
        }
    }
    Ok(options)
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn say(line: &str) {
    println!("{line}");
}
