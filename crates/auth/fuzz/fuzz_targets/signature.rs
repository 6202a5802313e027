//! The headers of a signed request, and what is named in them: [`checks::signature`], [`checks::names`].
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| {
    checks::signature(text);
    checks::names(text);
});
