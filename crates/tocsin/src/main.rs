//! `tocsin`: reads the command line, calls the command, maps the outcome to an exit status.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tocsin::cli::{Chain, Cli, Command, Feeds, Log, Policies};
use tocsin::clock::SystemClock;
use tocsin::command::{
    self, backtest, chain, check, claims, client, clients, explain, feeds, init, keys, migrate,
    policies, status, verify,
};
use tocsin::config::{Config, Served};
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
        Command::Init(asked) => {
            init::run(&asked.folder, &SystemClock, &mut out)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Status(asked) => {
            let standing = runtime()?.block_on(status::run(&asked, &SystemClock, &mut out))?;
            Ok(ExitCode::from(standing.exit_code()))
        }
        Command::Migrate(asked) => {
            let current = runtime()?.block_on(migrate::run(&asked, &mut out))?;
            Ok(if current {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        Command::Check { covers, config } => {
            check::run(&covers, config.as_deref(), &mut out)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Run { config, json_logs } => {
            let config = Config::load(&config)?;
            // Until everything has ended.
            let _traces = telemetry::start(json_logs, config.traces.as_ref())?;
            runtime()?.block_on(async {
                let shutdown = service::shutdown_on_signal()?;
                service::run(config, Arc::new(SystemClock), shutdown).await
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Serve {
            config,
            listen,
            json_logs,
        } => {
            let config = Served::load(&config, listen)?;
            let _traces = telemetry::start(json_logs, config.traces.as_ref())?;
            runtime()?.block_on(async {
                let shutdown = service::shutdown_on_signal()?;
                service::serve(config, Arc::new(SystemClock), shutdown).await
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
        Command::Verify {
            bundle,
            signers,
            epochs,
            log_key,
        } => {
            let known = verify::Known {
                signers: &signers,
                epochs: epochs.as_deref(),
                log_key: log_key.as_ref(),
            };
            let verdict = verify::check_with(&bundle, known)?;
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
            runtime()?.block_on(keys::run(*asked, &SystemClock, &mut out))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Log(asked) => log(asked, &mut out),
        Command::Clients(asked) => {
            runtime()?.block_on(clients::run(asked, &SystemClock, &mut out))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Client(asked) => {
            runtime()?.block_on(client::run(*asked, &SystemClock, &mut out))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Claims(asked) => {
            runtime()?.block_on(claims::run(asked, &SystemClock, &mut out))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn log(asked: Log, out: &mut dyn std::io::Write) -> Result<ExitCode, Report> {
    let holds = match asked {
        Log::Audit {
            url,
            key,
            config,
            state,
        } => {
            let asked = command::log::audit::Asked {
                url: url.as_deref(),
                key: key.as_deref(),
                config: &config,
                state: state.as_deref(),
            };
            runtime()?.block_on(command::log::audit::run(asked, out))?
        }
        Log::Key { config } => {
            command::log::key(&config, out)?;
            true
        }
        Log::Prove { policy, config } => {
            runtime()?.block_on(command::log::prove::run(&config, &policy, out))?;
            true
        }
        Log::Check { proof, key } => command::log::check::run(&proof, &key, out)?,
        Log::Adopt { reason, config } => {
            let adopt = command::log::origin::adopt(&config, &reason, &SystemClock, out);
            runtime()?.block_on(adopt)?;
            true
        }
        Log::NewOrigin { reason, config } => {
            let begin = command::log::origin::new_origin(&config, &reason, &SystemClock, out);
            runtime()?.block_on(begin)?;
            true
        }
        Log::Settle { config } => {
            runtime()?.block_on(command::log::origin::settle(&config, &SystemClock, out))?
        }
    };
    Ok(if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, Report> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}
