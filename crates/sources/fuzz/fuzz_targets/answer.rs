//! A provider's answer: [`checks::answer`].
#![no_main]

#[expect(dead_code, reason = "other targets check the rest")]
#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    checks::answer(body);
});
