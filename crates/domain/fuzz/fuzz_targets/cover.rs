//! A cover as a file, and as canonical terms: [`checks::cover`], [`checks::terms`].
#![no_main]

#[expect(dead_code, reason = "other targets check the rest")]
#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| {
    checks::cover(text);
    checks::terms(text);
});
