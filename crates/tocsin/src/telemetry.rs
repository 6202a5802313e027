//! Logs, and traces for who collects them.

mod traces;

use std::fmt;
use std::io::IsTerminal;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};
use url::Url;

pub use self::traces::{TraceError, Traces};

/// Starts logging to standard error; `RUST_LOG` chooses what. With `collector`, what the stages and the API do is traced to it
/// too, until the answer is dropped, which sends what is left.
pub fn start(json: bool, collector: Option<&Url>) -> Result<Option<Traces>, TraceError> {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_unset| EnvFilter::new("info,alloy=warn,sqlx=warn"));
    let logs = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let logs = if json {
        logs.json().with_filter(filter).boxed()
    } else {
        logs.with_filter(filter).boxed()
    };
    let traces = collector.map(Traces::to).transpose()?;
    tracing_subscriber::registry()
        .with(traces.as_ref().map(Traces::layer))
        .with(logs)
        .init();
    Ok(traces)
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
