//! Everything that a service says while it is tested, kept for whoever looks for secrets in it.
//!
//! With `TOCSIN_EMITTED`, a folder, a service logs as much as it can into a file there, and the secrets that it was given are
//! listed in files of their own beside it. Without, it says its errors where the test does.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The libraries too: one that is careless with an address that holds a key is our problem.
const EVERYTHING: &str = "debug,sqlx=info";

/// How deep below a service's folder its secrets lie.
const DEPTH: u32 = 3;

/// Lets a service that works in `folder` say what it has to say, where it is looked at.
pub fn listen<'a>(service: &'a mut Command, folder: &Path) -> &'a mut Command {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    #[expect(
        clippy::disallowed_methods,
        reason = "the suite's own variable, in a helper of tests"
    )]
    let emitted = std::env::var_os("TOCSIN_EMITTED");
    let Some(emitted) = emitted.map(PathBuf::from) else {
        return service.stderr(Stdio::inherit()).env("RUST_LOG", "error");
    };
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("{}-{number}", std::process::id());
    let secrets = secrets_below(folder, DEPTH);
    std::fs::write(emitted.join(format!("{name}.secrets")), secrets.join("\n")).unwrap();
    let log = File::create(emitted.join(format!("{name}.log"))).unwrap();
    service.stderr(log).env("RUST_LOG", EVERYTHING)
}

/// What the files hold whose names say that they are secret.
fn secrets_below(folder: &Path, depth: u32) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if depth > 0 {
                found.extend(secrets_below(&path, depth - 1));
            }
        } else if ["key", "password", "secret"]
            .iter()
            .any(|ending| path.extension() == Some(OsStr::new(ending)))
        {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push(text.trim().to_owned());
        }
    }
    found
}
