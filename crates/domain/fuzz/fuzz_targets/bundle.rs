//! An evidence bundle: [`checks::bundle`].
#![no_main]

#[expect(dead_code, reason = "other targets check the rest")]
#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|json: &[u8]| {
    checks::bundle(json);
});
