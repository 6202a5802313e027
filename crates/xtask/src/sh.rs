//! Running other programs, and saying so.
#![expect(
    clippy::print_stderr,
    reason = "a developer command speaks to its user"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// What went wrong, for the person who called.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) String);

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Where cargo builds.
pub(crate) fn target(root: &Path) -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "cargo's own variable, in a developer command"
    )]
    let moved = std::env::var_os("CARGO_TARGET_DIR");
    moved.map_or_else(|| root.join("target"), PathBuf::from)
}

/// Announces what comes next.
pub(crate) fn step(text: &str) {
    eprintln!("── {text}");
}

/// Says what is wrong.
pub(crate) fn complain(text: &str) {
    eprintln!("{text}");
}

/// Runs a program and shows what it prints.
pub(crate) fn run(directory: &Path, program: &str, arguments: &[&str]) -> Result<(), Failed> {
    run_with(directory, program, arguments, &[])
}

/// The same with environment variables.
pub(crate) fn run_with(
    directory: &Path,
    program: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Result<(), Failed> {
    let shown = format!("{program} {}", arguments.join(" "));
    let begun = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .envs(environment.iter().copied())
        .status()
        .map_err(|error| {
            Failed(format!(
                "cannot run `{program}`: {error}. Is it installed and on the PATH?"
            ))
        })?;
    let took = begun.elapsed().as_secs();
    if took >= 5 {
        eprintln!("   {took} s");
    }
    if status.success() {
        Ok(())
    } else {
        Err(Failed(format!(
            "failed: {shown} ({status}), in {}",
            directory.display()
        )))
    }
}

/// Installs the npm packages of a folder's lock file into it, unless that was done already. `what` they are, for people.
pub(crate) fn install_npm(folder: &Path, what: &str) -> Result<(), Failed> {
    let lock = folder.join("package-lock.json");
    let installed = folder.join("node_modules/.package-lock.json");
    let changed = |path: &Path| path.metadata().and_then(|data| data.modified());
    match (changed(&lock), changed(&installed)) {
        (Ok(lock), Ok(installed)) if installed >= lock => return Ok(()),
        _ => {}
    }
    step(&format!(
        "installing {what} from npm into {}",
        folder.join("node_modules").display()
    ));
    run(
        folder,
        "npm",
        &[
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ],
    )
}
