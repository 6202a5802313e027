//! Errors and diagnostics as people read them. One message, then what caused it; a cover's diagnostics are drawn at their
//! place in the text.
#![expect(
    clippy::print_stderr,
    reason = "this is where the program speaks to its user about errors"
)]

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use miette::{GraphicalReportHandler, LabeledSpan, MietteDiagnostic, NamedSource, Severity};
use tocsin_domain::diagnostic::{self, Diagnostic};

use crate::config::ConfigError;

/// A command was called wrongly, or was given something that it cannot use.
const BAD_INPUT: u8 = 2;

/// The command could not do its work.
const FAILED: u8 = 1;

/// What is said before the process ends, and its exit status.
#[derive(Debug)]
pub struct Report {
    /// The exit status.
    pub exit_code: u8,
    /// The message, without a trailing line break.
    text: String,
}

impl Report {
    /// Bad input: one message.
    pub fn bad_input(text: impl Into<String>) -> Self {
        Self {
            exit_code: BAD_INPUT,
            text: format!("error: {}", text.into()),
        }
    }

    /// A bundle that is not what was written.
    pub fn tampered(text: impl Into<String>) -> Self {
        Self {
            exit_code: FAILED,
            text: format!("error: {}", text.into()),
        }
    }

    /// A service that answered, and did not do what it was asked.
    pub fn refused(text: impl Into<String>) -> Self {
        Self {
            exit_code: FAILED,
            text: format!("error: {}", text.into()),
        }
    }

    /// What could not be read, so that nothing is known.
    pub fn unknown(error: &dyn Error) -> Self {
        Self::bad_input(chain(error))
    }

    /// What kept the command from doing its work.
    fn failed(error: &dyn Error) -> Self {
        Self {
            exit_code: FAILED,
            text: format!("error: {}", chain(error)),
        }
    }

    /// Diagnostics of a text, drawn.
    pub fn diagnostics(path: &Path, text: &str, diagnostics: &[Diagnostic]) -> Self {
        Self {
            exit_code: BAD_INPUT,
            text: draw(path, text, diagnostics),
        }
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<ConfigError> for Report {
    fn from(error: ConfigError) -> Self {
        match &error {
            ConfigError::Cover {
                path,
                text,
                diagnostics,
            } => Self::diagnostics(path, text, diagnostics),
            ConfigError::Read { .. } | ConfigError::Invalid { .. } => {
                Self::bad_input(chain(&error))
            }
        }
    }
}

impl From<crate::service::ServiceError> for Report {
    fn from(error: crate::service::ServiceError) -> Self {
        Self::failed(&error)
    }
}

impl From<crate::telemetry::TraceError> for Report {
    fn from(error: crate::telemetry::TraceError) -> Self {
        Self::bad_input(chain(&error))
    }
}

impl From<crate::insure::csv::CsvError> for Report {
    fn from(error: crate::insure::csv::CsvError) -> Self {
        Self::bad_input(chain(&error))
    }
}

impl From<crate::demo::DemoError> for Report {
    fn from(error: crate::demo::DemoError) -> Self {
        Self::failed(&error)
    }
}

impl From<tocsin_api::auth::admin::ActError> for Report {
    fn from(error: tocsin_api::auth::admin::ActError) -> Self {
        Self::failed(&error)
    }
}

impl From<tocsin_auth::seal::SealError> for Report {
    fn from(error: tocsin_auth::seal::SealError) -> Self {
        Self::failed(&error)
    }
}

impl From<tocsin_auth::key::KeyError> for Report {
    fn from(error: tocsin_auth::key::KeyError) -> Self {
        Self::bad_input(chain(&error))
    }
}

impl From<tocsin_auth::sign::SignError> for Report {
    fn from(error: tocsin_auth::sign::SignError) -> Self {
        Self::bad_input(chain(&error))
    }
}

impl From<tocsin_attest::AttestError> for Report {
    fn from(error: tocsin_attest::AttestError) -> Self {
        Self::failed(&error)
    }
}

impl From<tocsin_delivery::DeliveryError> for Report {
    fn from(error: tocsin_delivery::DeliveryError) -> Self {
        Self::failed(&error)
    }
}

impl From<tocsin_store::StoreError> for Report {
    fn from(error: tocsin_store::StoreError) -> Self {
        Self::failed(&error)
    }
}

impl From<tocsin_sources::SourceError> for Report {
    fn from(error: tocsin_sources::SourceError) -> Self {
        Self::failed(&error)
    }
}

impl From<std::io::Error> for Report {
    fn from(error: std::io::Error) -> Self {
        // Whoever read the output has seen enough, as `head` does.
        let had_enough = error.kind() == std::io::ErrorKind::BrokenPipe;
        Self {
            exit_code: if had_enough { 0 } else { FAILED },
            text: if had_enough {
                String::new()
            } else {
                format!("error: {error}")
            },
        }
    }
}

/// Prints a report to standard error, unless there is nothing to say.
pub fn show(report: &Report) {
    if !report.text.is_empty() {
        eprintln!("{report}");
    }
}

/// Diagnostics, each at its place in the text.
pub fn draw(path: &Path, text: &str, diagnostics: &[Diagnostic]) -> String {
    let handler = GraphicalReportHandler::new().with_context_lines(1);
    let source = NamedSource::new(path.display().to_string(), text.to_owned());
    let mut drawn = String::new();
    for diagnostic in diagnostics {
        let span = diagnostic.span.start..diagnostic.span.end;
        let mut shown = MietteDiagnostic::new(diagnostic.message.clone())
            .with_severity(match diagnostic.severity {
                diagnostic::Severity::Error => Severity::Error,
                diagnostic::Severity::Warning => Severity::Warning,
            })
            .with_label(LabeledSpan::at(span, diagnostic.label.clone()));
        shown.help = diagnostic.help.clone();
        let report = miette::Report::new(shown).with_source_code(source.clone());
        // Writing to a String cannot fail.
        let _infallible = handler.render_report(&mut drawn, report.as_ref());
    }
    drawn.trim_end().to_owned()
}

/// An error and what caused it, on one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let said = source.to_string();
        // A transparent wrapper repeats its source.
        if !text.ends_with(&said) {
            // Writing to a String cannot fail.
            let _infallible = write!(text, ": {said}");
        }
        cause = source.source();
    }
    text
}
