//! `[telemetry]`: who is told what the service does.

use serde::Deserialize;
use url::Url;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct TelemetrySection {
    /// Where a collector takes traces.
    #[serde(default)]
    traces: Option<String>,
}

impl TelemetrySection {
    /// The collector of traces, if there is one.
    pub(in crate::config) fn resolve(self) -> Result<Option<Url>, String> {
        let Some(text) = self.traces else {
            return Ok(None);
        };
        match Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Some(url)),
            _ => Err(
                "[telemetry] traces is the address to which a collector takes OTLP over HTTP: write it whole, like \
                 \"http://localhost:4318/v1/traces\""
                    .to_owned(),
            ),
        }
    }
}
