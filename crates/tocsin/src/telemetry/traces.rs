//! Traces: every turn of a stage and every request to the API as a span, sent to an OpenTelemetry collector (OTLP over HTTP,
//! protobuf).
//!
//! A collector that is not there costs spans and nothing else: they are sent from a thread of their own, out of a queue that
//! is bounded, and what does not fit is left out.

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

/// What traces are of.
const SERVICE: &str = "tocsin";

/// Traces cannot be sent.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot send traces to {collector}: check [telemetry] traces, the address to which a collector takes OTLP over HTTP"
)]
pub struct TraceError {
    /// The collector.
    collector: Url,
    /// Why.
    #[source]
    source: ExporterBuildError,
}

/// The way to a collector.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// To the collector at `collector`, which is the whole address, with its path.
    pub(super) fn to(collector: &Url) -> Result<Self, TraceError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(collector.as_str())
            .build()
            .map_err(|source| TraceError {
                collector: collector.clone(),
                source,
            })?;
        let provider = SdkTracerProvider::builder()
            .with_resource(Resource::builder().with_service_name(SERVICE).build())
            .with_batch_exporter(exporter)
            .build();
        Ok(Self(provider))
    }

    /// What hears of every span of ours.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        // The libraries' own spans would drown them, above all those of the client that sends the traces.
        let ours = Targets::new().with_target(SERVICE, LevelFilter::INFO);
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer(SERVICE))
            .with_filter(ours)
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}
