//! `tocsin status`: what a running service says of itself, on a page of plain text, with an exit status for a monitor.
//!
//! It asks the service's API and nothing else, so it says the same from anywhere. Whether the service is ready is what
//! `/health/ready` says; a part that could not be asked is said to be unknown, never left out.

mod ask;
mod books;
mod figures;
mod watched;

use std::io::Write;
use std::net::IpAddr;

use serde::Deserialize;
use url::Url;

use self::ask::{Asking, Unseen};
use self::figures::Figures;
use crate::cli::Status;
use crate::clock::Clock;
use crate::config::Config;
use crate::report::Report;

/// How a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Every part of it is well.
    Ready,
    /// Some part is not.
    NotReady,
    /// It cannot be told.
    Unknown,
}

impl Standing {
    /// The exit status of the command.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ready => 0,
            Self::NotReady => 1,
            Self::Unknown => 2,
        }
    }
}

#[derive(Deserialize)]
struct Readiness {
    ready: bool,
    reasons: std::collections::BTreeMap<String, String>,
}

/// Asks, and prints the page.
pub async fn run(
    asked: &Status,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<Standing, Report> {
    let base = match &asked.url {
        Some(url) => url.clone(),
        None => address(asked)?,
    };
    let asking = Asking {
        base,
        by: asked.key.as_ref().zip(asked.key_file.as_deref()),
        clock,
    };
    let readiness = match asking.json::<Readiness>("/health/ready").await {
        Ok(readiness) => readiness,
        Err(unseen) => {
            writeln!(out, "{}: UNKNOWN: {unseen}", asking.base)?;
            return Ok(Standing::Unknown);
        }
    };
    if readiness.ready {
        writeln!(out, "{}: READY", asking.base)?;
    } else {
        writeln!(out, "{}: NOT READY", asking.base)?;
        for (part, reason) in &readiness.reasons {
            writeln!(out, "  {part}: {reason}")?;
        }
    }
    let figures = asking.text("/metrics").await.map(|text| Figures::of(&text));
    let page = Page { asking, figures };
    let mut whole = true;
    for section in [
        page.chains().await,
        page.feeds().await,
        page.books().await,
        page.claims().await,
        page.deliveries().await,
        page.webhooks(),
        page.keys().await,
        page.log().await,
    ] {
        writeln!(out, "\n{}", section.title)?;
        match section.lines {
            Ok(lines) => {
                for line in lines {
                    writeln!(out, "  {line}")?;
                }
            }
            Err(unseen) => {
                // Without a key that may read it, that is no sign of anything.
                whole &= matches!(unseen, Unseen::Refused(_));
                writeln!(out, "  unknown: {unseen}")?;
            }
        }
    }
    Ok(match (readiness.ready, whole) {
        (false, _) => Standing::NotReady,
        (true, true) => Standing::Ready,
        (true, false) => Standing::Unknown,
    })
}

/// Where the service listens, as it is reached from this machine.
fn address(asked: &Status) -> Result<Url, Report> {
    let config = Config::load(&asked.config)?;
    let no_address = |why: &str| {
        Report::bad_input(format!(
            "{}: {why}; say where it is reached with --url",
            asked.config.display()
        ))
    };
    let api = config
        .api
        .ok_or_else(|| no_address("there is no [api], so the service cannot be asked"))?;
    let mut listen = api.listen;
    if listen.port() == 0 {
        return Err(no_address("[api] listen leaves the port open"));
    }
    if listen.ip().is_unspecified() {
        listen.set_ip(match listen.ip() {
            IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    Url::parse(&format!("http://{listen}"))
        .map_err(|error| no_address(&format!("[api] listen is no address: {error}")))
}

/// What is asked for the page.
struct Page<'a> {
    asking: Asking<'a>,
    /// What `/metrics` says.
    figures: Result<Figures, Unseen>,
}

/// A part of the page.
struct Section {
    title: &'static str,
    lines: Result<Vec<String>, Unseen>,
}

impl Page<'_> {
    fn figures(&self) -> Result<&Figures, Unseen> {
        self.figures.as_ref().map_err(Clone::clone)
    }
}

/// So many of a thing, in words.
fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
