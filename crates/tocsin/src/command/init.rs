//! `tocsin init`: a configuration that a new user can run, with the cover, the feed and the policy that it names.
//!
//! Nothing that is there is written over: if one of the files is there, none is written. Secrets are made as the commands and
//! the service make them, readable by their owner only; what only a person can decide is in comments that name the command.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use alloy::hex;
use tocsin_auth::seal::random;
use tocsin_domain::cover::Cover;
use tocsin_domain::time::Timestamp;

use crate::clock::Clock;
use crate::report::{self, Report};
use crate::{log_key, private_file};

const CONFIG: &str = include_str!("init/tocsin.toml");
const COVER: &str = include_str!("init/cover.toml");
const POLICIES: &str = include_str!("init/policies.toml");
const FEED: &str = include_str!("../../../../config/feeds/kraken.toml");

const CONFIG_FILE: &str = "tocsin.toml";
const COVER_FILE: &str = "covers/example-usdc-depeg.toml";
const POLICIES_FILE: &str = "policies.toml";
const FEED_FILE: &str = "feeds/kraken.toml";
const MASTER_KEY: &str = "master.key";
const LOG_KEY: &str = "log.key";
/// What the configuration calls the database. One that is there belongs to another configuration.
const DATABASE: &str = "tocsin.db";
/// What is left of a log that was kept there.
const SEEN: &str = "log.key.signed";

const DAY: i64 = 86_400;

/// Writes the files into `folder`, which is made if there is none. Prints what each is for and what to do next.
pub fn run(folder: &Path, clock: &dyn Clock, out: &mut dyn Write) -> Result<(), Report> {
    refuse_what_is_there(folder)?;
    let now = clock.now();
    let today = Timestamp(now.0 - now.0.rem_euclid(DAY));
    // Nobody insures what has begun.
    let tomorrow = Timestamp(today.0.saturating_add(DAY));
    let in_a_year = Timestamp(tomorrow.0.saturating_add(365 * DAY));
    let (cover, _warnings) = Cover::parse(COVER)
        .map_err(|found| Report::diagnostics(Path::new(COVER_FILE), COVER, &found))?;
    let filled = |text: &str| {
        text.replace("@TODAY@", &today.to_string())
            .replace("@TOMORROW@", &tomorrow.to_string())
            .replace("@IN_A_YEAR@", &in_a_year.to_string())
            .replace("@TERMS@", &cover.terms_hash.to_string())
    };
    // The configuration comes last: where it is, everything that it names is.
    let texts = [
        (COVER_FILE, COVER.to_owned(), "what is insured"),
        (FEED_FILE, FEED.to_owned(), "how the provider is asked"),
        (POLICIES_FILE, filled(POLICIES), "who is insured"),
    ];
    for (name, text, what) in texts {
        write(&folder.join(name), &text)?;
        writeln!(out, "{name}: {what}")?;
    }
    let mut secret = [0; 32];
    random(&mut secret)?;
    let path = folder.join(MASTER_KEY);
    private_file::make(&path, &hex::encode(secret)).map_err(|error| cannot(&path, &error))?;
    writeln!(
        out,
        "{MASTER_KEY}: seals the secrets in the database; a secret"
    )?;
    let log = log_key::make(&folder.join(LOG_KEY), None)
        .map_err(|error| Report::bad_input(report::chain(&error)))?;
    writeln!(
        out,
        "{LOG_KEY}: signs the log, which verifies with {}; a secret",
        log.verifier()
    )?;
    write(&folder.join(CONFIG_FILE), &filled(CONFIG))?;
    let config = folder.join(CONFIG_FILE);
    let config = config.display();
    writeln!(out, "{CONFIG_FILE}: the service\n")?;
    writeln!(out, "Next:")?;
    writeln!(out, "  tocsin check --config {config}")?;
    writeln!(out, "  tocsin run --config {config}")?;
    writeln!(
        out,
        "  tocsin status --config {config}    (from another terminal)"
    )?;
    writeln!(
        out,
        "It attests and pays nothing until it has an [attestor]: {config} says how."
    )?;
    Ok(())
}

/// All that is in the way, at once.
fn refuse_what_is_there(folder: &Path) -> Result<(), Report> {
    let names = [
        CONFIG_FILE,
        COVER_FILE,
        FEED_FILE,
        POLICIES_FILE,
        MASTER_KEY,
        LOG_KEY,
        DATABASE,
        SEEN,
    ];
    let mut found: Vec<String> = Vec::new();
    for name in names {
        let path = folder.join(name);
        // A link that leads nowhere is in the way as well.
        match std::fs::symlink_metadata(&path) {
            Ok(_) => found.push(path.display().to_string()),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(cannot(&path, &error)),
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(Report::bad_input(format!(
        "nothing is written, because this is there: {}. Name a new folder: tocsin init FOLDER",
        found.join(", ")
    )))
}

fn write(path: &PathBuf, text: &str) -> Result<(), Report> {
    let written = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::File::create_new(path)?.write_all(text.as_bytes())
    };
    written().map_err(|error| cannot(path, &error))
}

fn cannot(path: &Path, error: &std::io::Error) -> Report {
    Report::bad_input(format!(
        "cannot write {}: {error}; name a folder that this user may write to",
        path.display()
    ))
}
