//! Times, durations and decimals: [`checks::words`].
#![no_main]

#[expect(dead_code, reason = "other targets check the rest")]
#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| {
    checks::words(text);
});
