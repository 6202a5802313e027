//! The test programs of the workspace, run side by side.
//!
//! Many of them wait: for blocks, for timers, for processes that they have killed. One after another, as `cargo test` runs them,
//! half of the machine idles. What each prints is shown whole when it has ended, so that nothing is mixed.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::emitted;
use crate::sh::{self, Failed};

/// How many run at once. More would starve those that watch a clock, on the two cores that a small machine has.
const AT_ONCE: usize = 2;

/// A test program that cargo has built.
struct Program {
    name: String,
    file: PathBuf,
    /// The folder of its package, where it runs.
    folder: PathBuf,
}

/// Builds the test programs that `selection` names, and runs them all, with `environment`. The first failure does not keep
/// the others from running.
pub(crate) fn test(
    root: &Path,
    selection: &[&str],
    environment: &[(&str, &str)],
) -> Result<(), Failed> {
    let programs = built(root, selection)?;
    if programs.is_empty() {
        return Err(Failed("cargo built no test program".to_owned()));
    }
    let emitted = emitted::folder(root);
    emitted::prepare(&emitted)?;
    let waiting = Mutex::new(VecDeque::from(programs));
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(program) = take(&waiting) {
                    if let Err(Failed(reason)) = run(&program, &emitted, environment) {
                        failed
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(reason);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Failed(failed.join("\n")))
    }
}

fn take(waiting: &Mutex<VecDeque<Program>>) -> Option<Program> {
    waiting
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop_front()
}

/// What cargo built, the end-to-end tests first: they take longest, and wait most.
fn built(root: &Path, selection: &[&str]) -> Result<Vec<Program>, Failed> {
    let mut command = Command::new("cargo");
    command
        .args(["test", "--no-run", "--quiet"])
        .args(["--message-format", "json-render-diagnostics"])
        .args(selection)
        .current_dir(root)
        .stderr(Stdio::inherit());
    let output = command
        .output()
        .map_err(|error| Failed(format!("cannot run `cargo`: {error}. Is it on the PATH?")))?;
    if !output.status.success() {
        return Err(Failed("the tests do not build".to_owned()));
    }
    let mut programs = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let message: Value = serde_json::from_str(line)
            .map_err(|error| Failed(format!("cargo said what is no JSON: {error}: {line}")))?;
        programs.extend(program(&message));
    }
    let (first, then): (Vec<_>, Vec<_>) = programs
        .into_iter()
        .partition(|program| program.folder == root.join("tests"));
    Ok(first.into_iter().chain(then).collect())
}

/// The test program that a message of cargo's announces, if it does.
fn program(message: &Value) -> Option<Program> {
    let is_test = message.pointer("/profile/test")?.as_bool()?;
    let file = PathBuf::from(message.pointer("/executable")?.as_str()?);
    let manifest = Path::new(message.pointer("/manifest_path")?.as_str()?);
    let package = manifest.parent()?.to_owned();
    let source = Path::new(message.pointer("/target/src_path")?.as_str()?);
    let source = source.strip_prefix(&package).unwrap_or(source);
    is_test.then(|| Program {
        name: format!(
            "{}: {}",
            package.file_name().unwrap_or_default().to_string_lossy(),
            source.display()
        ),
        file,
        folder: package,
    })
}

fn run(program: &Program, emitted: &Path, environment: &[(&str, &str)]) -> Result<(), Failed> {
    let begun = Instant::now();
    let emitted = emitted.join(program.file.file_name().unwrap_or_default());
    emitted::prepare(&emitted)?;
    let ended = Command::new(&program.file)
        .current_dir(&program.folder)
        .env("CARGO_MANIFEST_DIR", &program.folder)
        .env("TOCSIN_EMITTED", &emitted)
        .envs(environment.iter().copied())
        .output()
        .map_err(|error| Failed(format!("cannot run {}: {error}", program.file.display())))?;
    let Output {
        status,
        stdout,
        stderr,
    } = ended;
    sh::complain(&format!(
        "   {} ({} s)\n{}{}",
        program.name,
        begun.elapsed().as_secs(),
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
    ));
    fs::write(emitted.join("program.log"), [stdout, stderr].concat())
        .map_err(|error| Failed(format!("cannot keep what {} said: {error}", program.name)))?;
    if status.success() {
        return Ok(());
    }
    sh::complain(&format!(
        "   errors that services logged meanwhile; all that they said is in {}\n{}",
        emitted.display(),
        emitted::errors(&emitted)?
    ));
    Err(Failed(format!("failed: {} ({status})", program.name)))
}
