//! Any bytes are a report in its one spelling or an error, and what another attestor may send never ends the process.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tocsin_domain::quorum::SignedReport;

fuzz_target!(|json: &[u8]| {
    if let Ok(report) = SignedReport::from_json(json) {
        let again = report.to_json().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again.as_bytes(), json);
    }
});
