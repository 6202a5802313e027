//! What a log shows as a proof: [`checks::proof`].
#![no_main]

#[expect(dead_code, reason = "other targets check the rest")]
#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|shown: checks::Shown| checks::proof(shown));
