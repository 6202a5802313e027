//! HTTP of tests, and what keeps it cheap: whatever is asked is on this machine and in the clear, so nobody needs to read
//! the certificates of all authorities of the world, which takes an unoptimised program half a second each time.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// A certificate of nobody's, whose key is thrown away.
const NOBODY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/nobody.pem");

/// A client for any test: its connections belong to no runtime, since each is closed after its answer.
pub fn client() -> &'static reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let builder = reqwest::Client::builder().pool_max_idle_per_host(0);
        builder.no_proxy().build().unwrap()
    })
}

/// Lets a program know of one authority only.
pub fn trust_nobody(program: &mut Command) -> &mut Command {
    assert!(Path::new(NOBODY).exists());
    program
        .env_remove("SSL_CERT_DIR")
        .env("SSL_CERT_FILE", NOBODY)
}
