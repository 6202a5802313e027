//! What the services of the suite have said, and that no secret is in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;

use crate::sh::{self, Failed};

/// How secrets begin that are made on the way: those of clients of the API, and of webhooks.
const BEGINNINGS: [&str; 2] = ["tocsin_sk_", "whsec_"];

/// Shorter ones would be found in anything.
const SHORTEST: usize = 8;

/// Where it is kept.
pub(crate) fn folder(root: &Path) -> PathBuf {
    sh::target(root).join("xtask/emitted")
}

/// Makes an empty folder for what one program emits.
pub(crate) fn prepare(folder: &Path) -> Result<(), Failed> {
    let failed = |error| Failed(format!("cannot set up {}: {error}", folder.display()));
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed)?;
    }
    fs::create_dir_all(folder).map_err(failed)
}

/// The errors that services logged into a folder, for whoever asks why a test has failed.
pub(crate) fn errors(folder: &Path) -> Result<String, Failed> {
    let mut errors = String::new();
    for (_, text) in files(folder, "log")? {
        for line in text.lines().filter(|line| line.contains("ERROR")) {
            errors.push_str(line);
            errors.push('\n');
        }
    }
    Ok(errors)
}

/// Looks for every secret of the suite in everything that was emitted.
pub(crate) fn check(root: &Path) -> Result<(), Failed> {
    sh::step("no secret in what the services said");
    let folder = folder(root);
    let mut secrets: BTreeSet<String> = BEGINNINGS.iter().map(|&text| text.to_owned()).collect();
    let mut logs = Vec::new();
    for program in folders(&folder)? {
        for (_, text) in files(&program, "secrets")? {
            for secret in text.lines().map(|line| line.trim_start_matches("0x")) {
                if secret.len() >= SHORTEST {
                    secrets.insert(secret.to_owned());
                }
            }
        }
        logs.extend(files(&program, "log")?);
    }
    let given = secrets.len() - BEGINNINGS.len();
    if given == 0 || logs.is_empty() {
        return Err(Failed(format!(
            "{} has {} logs and {given} secrets: nothing was looked at",
            folder.display(),
            logs.len()
        )));
    }
    let finder = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(&secrets)
        .map_err(|error| Failed(format!("cannot look for secrets: {error}")))?;
    let mut bytes = 0;
    for (path, text) in &logs {
        bytes += text.len();
        if let Some(found) = finder.find(text) {
            // The line without what must not be said twice.
            let line = text[..found.start()].lines().count();
            return Err(Failed(format!(
                "a secret is in line {line} of {}: find out who logs it, and hide it",
                path.display()
            )));
        }
    }
    sh::complain(&format!(
        "   {given} secrets and {} beginnings of secrets looked for in {} logs of {} MB",
        BEGINNINGS.len(),
        logs.len(),
        bytes / 1_000_000
    ));
    Ok(())
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>, Failed> {
    Ok(entries(folder)?
        .into_iter()
        .filter(|path| path.is_dir())
        .collect())
}

fn files(folder: &Path, ending: &str) -> Result<Vec<(PathBuf, String)>, Failed> {
    let mut found = Vec::new();
    for path in entries(folder)? {
        if path
            .extension()
            .is_some_and(|extension| extension == ending)
        {
            let text = fs::read(&path)
                .map_err(|error| Failed(format!("cannot read {}: {error}", path.display())))?;
            found.push((path, String::from_utf8_lossy(&text).into_owned()));
        }
    }
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failed> {
    let failed = |error| Failed(format!("cannot read {}: {error}", folder.display()));
    let listed = fs::read_dir(folder).map_err(failed)?;
    let paths: Result<Vec<_>, _> = listed
        .map(|entry| entry.map(|entry| entry.path()))
        .collect();
    paths.map_err(failed)
}
