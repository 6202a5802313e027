//! Payout services in other languages, run as the real clients that they are: against a running node, a real chain, and
//! attestations that were really made.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::sh::{self, Failed};
use crate::{contracts, emitted, suite};

/// Installs what they need, sets the stage, and runs the tests of each.
pub(crate) fn test(root: &Path) -> Result<(), Failed> {
    contracts::install(root)?;
    let typescript = root.join("tests/consumers/typescript");
    sh::install_npm(
        &typescript,
        "viem, ethers, the EAS SDK, ajv, http-message-signatures and standardwebhooks",
    )?;
    let python = install_python(&root.join("tests/consumers/python"))?;
    sh::step("setting the stage: a chain, a node, attestations");
    let build = [&["build", "--quiet"], suite::WORKSPACE, &["--bins"]];
    sh::run(root, "cargo", &build.concat())?;
    let stage = Stage::set(root)?;
    let told = stage.description.to_string_lossy().into_owned();
    let variables = [("TOCSIN_STAGE", told.as_str())];
    sh::step("a payout service in TypeScript");
    sh::run_with(&typescript, "npm", &["test", "--silent"], &variables)?;
    sh::step("a payout service in Python");
    let discover = ["-m", "unittest", "discover", "-t", ".", "-s", "tests"];
    let folder = root.join("tests/consumers/python");
    sh::run_with(&folder, &python.to_string_lossy(), &discover, &variables)
}

/// A virtual environment with exactly the packages of the lock file; gives its interpreter.
fn install_python(folder: &Path) -> Result<PathBuf, Failed> {
    let environment = folder.join(".venv");
    let interpreter = environment.join("bin/python");
    let lock = folder.join("requirements.lock");
    let installed = environment.join("requirements.lock");
    let content = |path: &Path| fs::read(path).ok();
    if interpreter.exists() && content(&lock) == content(&installed) {
        return Ok(interpreter);
    }
    sh::step(
        "installing eth-account, web3, jsonschema, http-message-signatures, standardwebhooks and schemathesis from PyPI into tests/consumers/python/.venv",
    );
    let made = sh::run(folder, "python3", &["-m", "venv", "--clear", ".venv"]);
    made.map_err(|Failed(reason)| {
        Failed(format!(
            "{reason}\nThe payout service in Python needs Python 3.11 or later with its venv module: on Debian, \
             `apt-get install python3 python3-venv`"
        ))
    })?;
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--requirement",
        "requirements.lock",
    ];
    sh::run(folder, &interpreter.to_string_lossy(), &install)?;
    // Only a whole environment has it.
    fs::copy(&lock, &installed)
        .map_err(|error| Failed(format!("cannot write {}: {error}", installed.display())))?;
    Ok(interpreter)
}

/// A running stage; it ends with its standard input.
struct Stage {
    process: Child,
    /// A file that says where everything is.
    description: PathBuf,
}

impl Stage {
    fn set(root: &Path) -> Result<Self, Failed> {
        let programs = sh::target(root).join("debug");
        let failed = |what: &str| Failed(format!("the stage for payout services {what}"));
        let emitted = emitted::folder(root).join("payout_stage");
        emitted::prepare(&emitted)?;
        let mut process = Command::new(programs.join("payout_stage"))
            .env("TOCSIN_EMITTED", emitted)
            .arg(programs.join("node"))
            .env("TOCSIN_ANVIL", contracts::anvil(root))
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(&format!("cannot be started: {error}")))?;
        let mut line = String::new();
        let said = process
            .stdout
            .take()
            .map(|out| BufReader::new(out).read_line(&mut line));
        let description = sh::target(root).join("xtask/stage.json");
        let stage = Self {
            process,
            description,
        };
        match said {
            Some(Ok(bytes)) if bytes > 0 => {}
            _ => return Err(failed("did not come up; what it said is above")),
        }
        let write = |path: &Path| {
            fs::create_dir_all(path.parent().unwrap_or(path))?;
            fs::write(path, &line)
        };
        write(&stage.description).map_err(|error| {
            Failed(format!(
                "cannot write {}: {error}",
                stage.description.display()
            ))
        })?;
        Ok(stage)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        if let Err(error) = self.process.wait() {
            sh::complain(&format!("the stage did not end: {error}"));
        }
    }
}
