//! Logs, and traces for who collects them.

mod traces;

use std::fmt;
use std::io::IsTerminal;

use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, filter_fn};
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
    let traces = collector.map(Traces::to).transpose()?;
    let registry = tracing_subscriber::registry();
    match &traces {
        Some(traces) => registry.with(traces.layer()).with(logs(json)).init(),
        // Not a layer that may be absent: it would have every span made, also those that nobody wants.
        None => registry.with(logs(json)).init(),
    }
    Ok(traces)
}

fn logs<S>(json: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_unset| EnvFilter::new("info,alloy=warn,sqlx=warn"));
    let filter = filter.and(filter_fn(may_be_said));
    let logs = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if json {
        logs.json().with_filter(filter).boxed()
    } else {
        logs.with_filter(filter).boxed()
    }
}

/// Libraries that are given addresses, in which a provider's key may stand, and that write them down below a warning.
const TALKATIVE: [&str; 5] = ["alloy", "hyper", "reqwest", "rustls", "tungstenite"];

/// Whether something may be logged, whatever `RUST_LOG` asks for.
fn may_be_said(what: &Metadata<'_>) -> bool {
    *what.level() <= Level::WARN
        || !TALKATIVE
            .iter()
            .any(|library| what.target().starts_with(library))
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
