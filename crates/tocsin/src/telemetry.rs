//! Logs.

use std::fmt;
use std::io::IsTerminal;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Starts logging to standard error; `RUST_LOG` chooses what.
pub fn start(json: bool) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_unset| EnvFilter::new("info,alloy=warn,sqlx=warn"));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if json {
        logs.json().init();
    } else {
        logs.init();
    }
}

/// Starts logging for a command that tells its own story: what the stages do, one short line each, and every warning.
pub fn start_story() {
    start_aside("warn,tocsin::pipeline=info");
}

/// The same for a story of thousands: warnings only.
pub fn start_long_story() {
    start_aside("warn");
}

fn start_aside(usual: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new(usual));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .event_format(Aside)
        .init();
}

/// A log line as an aside in somebody else's output.
struct Aside;

impl<S, N> FormatEvent<S, N> for Aside
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = *event.metadata().level();
        let mark = if level <= Level::WARN {
            format!("{level}: ")
        } else {
            String::new()
        };
        write!(out, "      tocsin ▸ {mark}")?;
        context.format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}
