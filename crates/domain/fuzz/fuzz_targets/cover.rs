//! Any file is a cover or has diagnostics whose places are in the file; the canonical terms of a cover are its own.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tocsin_domain::cover::Cover;
use tocsin_domain::eval::{Program, RiskState};
use tocsin_domain::explain::explain;

fuzz_target!(|text: &str| {
    let findings = match Cover::parse(text) {
        Ok((cover, warnings)) => {
            let again = Cover::from_terms(&cover.canonical_terms);
            let again = again.unwrap_or_else(|found| panic!("{text}: {found:?}"));
            assert_eq!(again.terms_hash, cover.terms_hash);
            assert!(!explain(&cover).is_empty());
            let program = Program::compile(&cover);
            let _state = RiskState::new(&program, None);
            warnings
        }
        Err(found) => {
            assert!(!found.is_empty());
            found
        }
    };
    for finding in findings {
        assert!(text.get(finding.span.start..finding.span.end).is_some());
    }
});
