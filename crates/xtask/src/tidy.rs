//! What the compiler does not check: crate edges, module docs, file sizes, names that say nothing.

use std::fs;
use std::path::{Path, PathBuf};

use crate::edges::{EDGES, Edge, HOMES};
use crate::sh::Failed;

/// A longer file holds more than one idea.
const MOST_LINES: usize = 700;

/// Module names that collect whatever has no home.
const NO_HOME: &[&str] = &[
    "common", "utils", "util", "types", "helpers", "helper", "misc",
];

pub(crate) fn check(root: &Path) -> Result<(), Failed> {
    let mut problems = Vec::new();
    for edge in EDGES {
        edges_of(root, edge, &mut problems)?;
    }
    strangers(root, &mut problems)?;
    let mut files = Vec::new();
    for folder in ["crates", "tests"] {
        sources(&root.join(folder), &mut files)?;
    }
    for file in &files {
        source_file(root, file, &mut problems)?;
    }
    for file in TOP_LEVEL {
        if !root.join(file).exists() {
            problems.push(format!("{file} is missing"));
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    problems.sort();
    Err(Failed(format!(
        "the house is not tidy:\n  {}",
        problems.join("\n  ")
    )))
}

/// What everybody looks for first.
const TOP_LEVEL: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "docker-compose.yml",
    "Cargo.lock",
    ".ci/run",
];

fn edges_of(root: &Path, edge: &Edge, problems: &mut Vec<String>) -> Result<(), Failed> {
    let path = root.join(edge.folder).join("Cargo.toml");
    let manifest: toml::Table = read(&path)?
        .parse()
        .map_err(|error| Failed(format!("{}: {error}", path.display())))?;
    let tables = ["dependencies", "build-dependencies"];
    for name in tables
        .iter()
        .filter_map(|table| manifest.get(*table)?.as_table())
        .flat_map(|table| table.keys())
    {
        let ours = EDGES.iter().any(|other| other.name == name);
        if ours && !edge.may_use.contains(&name.as_str()) {
            problems.push(format!(
                "{} may not depend on {name} (see ARCHITECTURE.md)",
                edge.name
            ));
        }
        let home = HOMES.iter().find(|(stranger, _)| stranger == name);
        if let Some((_, homes)) = home
            && !homes.contains(&edge.name)
        {
            problems.push(format!(
                "{} may not depend on {name}: its home is {}",
                edge.name,
                homes.join(", ")
            ));
        }
    }
    let lints = manifest
        .get("lints")
        .and_then(|lints| lints.get("workspace"));
    if lints.and_then(toml::Value::as_bool) != Some(true) {
        problems.push(format!(
            "{} does not inherit the workspace's lints",
            edge.name
        ));
    }
    Ok(())
}

/// Crates that `EDGES` does not know.
fn strangers(root: &Path, problems: &mut Vec<String>) -> Result<(), Failed> {
    for entry in list(&root.join("crates"))? {
        let known = EDGES.iter().any(|edge| root.join(edge.folder) == entry);
        if entry.join("Cargo.toml").exists() && !known {
            problems.push(format!(
                "{} is not in xtask's list of edges",
                entry.display()
            ));
        }
    }
    Ok(())
}

fn source_file(root: &Path, path: &Path, problems: &mut Vec<String>) -> Result<(), Failed> {
    let text = read(path)?;
    let shown = path.strip_prefix(root).unwrap_or(path).display();
    if !text.starts_with("//!") {
        problems.push(format!("{shown} does not open with what it is for (`//!`)"));
    }
    let lines = text.lines().count();
    if lines > MOST_LINES {
        problems.push(format!("{shown} has {lines} lines, more than {MOST_LINES}"));
    }
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    if NO_HOME.contains(&stem) || stem == "mod" {
        problems.push(format!("{shown}: a module is named after its idea"));
    }
    Ok(())
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failed> {
    for path in list(folder)? {
        // What npm and pip install is of others.
        if ["node_modules", ".venv"]
            .iter()
            .any(|installed| path.ends_with(installed))
        {
            continue;
        }
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, Failed> {
    let failed =
        |error: std::io::Error| Failed(format!("cannot list {}: {error}", folder.display()));
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<String, Failed> {
    fs::read_to_string(path)
        .map_err(|error| Failed(format!("cannot read {}: {error}", path.display())))
}
