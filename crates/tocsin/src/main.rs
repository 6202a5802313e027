//! `tocsin`: reads the command line, calls the command, maps the outcome to an exit status.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tocsin::cli::{Chain, Claims, Cli, Command, Feeds, Keys, Policies};
use tocsin::clock::SystemClock;
use tocsin::command::{self, backtest, chain, check, explain, feeds, policies, verify};
use tocsin::config::Config;
use tocsin::report::Report;
use tocsin::{demo, report, service, telemetry};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match execute(cli.command) {
        Ok(code) => code,
        Err(report) => {
            report::show(&report);
            ExitCode::from(report.exit_code)
        }
    }
}

fn execute(command: Command) -> Result<ExitCode, Report> {
    let mut out = std::io::stdout();
    match command {
        Command::Check { covers, config } => {
            check::run(&covers, config.as_deref(), &mut out)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Run { config, json_logs } => {
            telemetry::start(json_logs);
            let config = Config::load(&config)?;
            runtime()?.block_on(async {
                let shutdown = service::shutdown_on_signal()?;
                service::run(config, Arc::new(SystemClock), shutdown).await
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Explain(arguments) => {
            explain::run(&arguments, &mut out)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Backtest(arguments) => {
            backtest::run(&arguments, &mut out)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Verify { bundle, signers } => {
            let verdict = verify::check(&bundle, &signers)?;
            verify::print(&verdict, &mut out)?;
            Ok(if verdict.is_valid() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        Command::Demo {
            flights,
            anvil,
            output,
        } => {
            if flights {
                telemetry::start_long_story();
                runtime()?.block_on(demo::storm::run(&anvil, &output, &mut out))?;
            } else {
                telemetry::start_story();
                runtime()?.block_on(demo::run(&anvil, &output, &mut out))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Chain(Chain::Resume {
            chain,
            config,
            acknowledge,
        }) => {
            let asked = chain::Resume {
                config: &config,
                chain: &chain,
                acknowledge,
            };
            let goes_on = runtime()?.block_on(chain::resume(asked, &SystemClock, &mut out))?;
            Ok(if goes_on {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        Command::Feeds(Feeds::Attend {
            feed,
            subject,
            config,
            leave,
        }) => {
            let decided = feeds::Attend {
                config: &config,
                feed: &feed,
                subject: &subject,
                leave,
            };
            runtime()?.block_on(feeds::attend(decided, &SystemClock, &mut out))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Policies(Policies::Import { file, config }) => {
            runtime()?.block_on(policies::import(&file, &config, &SystemClock, &mut out))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Keys(asked) => {
            keys(*asked, &mut out)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Claims(asked) => {
            runtime()?.block_on(claims(asked, &mut out))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn keys(asked: Keys, out: &mut dyn Write) -> Result<(), Report> {
    match asked {
        Keys::Generate {
            path,
            password_file,
        } => command::keys::generate(&path, password_file.as_deref(), out),
        Keys::Rotate { config, asked } => {
            runtime()?.block_on(command::keys::rotate(&config, &asked, out))
        }
        Keys::Revoke {
            epoch,
            config,
            sending,
        } => runtime()?.block_on(command::keys::revoke(&config, epoch, &sending, out)),
        Keys::Status { config } => runtime()?.block_on(command::keys::status(&config, out)),
    }
}

async fn claims(asked: Claims, out: &mut dyn Write) -> Result<(), Report> {
    use command::claims::{Wish, correct, hold, say, status, submit};
    match asked {
        Claims::Hold {
            claim,
            config,
            sending,
        } => hold(&config, claim, &sending, out).await,
        Claims::Release {
            claim,
            file,
            config,
        } => say(&config, claim, Wish::Release, &file, &SystemClock, out).await,
        Claims::Revoke {
            claim,
            reason,
            file,
            config,
        } => {
            let wish = Wish::Revoke(reason);
            say(&config, claim, wish, &file, &SystemClock, out).await
        }
        Claims::Submit {
            files,
            config,
            sending,
        } => submit(&config, &files, &sending, out).await,
        Claims::Correct { claim, config } => correct(&config, claim, out).await,
        Claims::Status { claim, config } => status(&config, claim, out).await,
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Report> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}
