//! `tocsin keys generate`: a new key.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use secrecy::SecretString;

use crate::report::Report;

/// Makes a key in a new encrypted keystore and prints its address.
pub fn generate(
    path: &Path,
    password_file: Option<&Path>,
    out: &mut dyn Write,
) -> Result<(), Report> {
    let password = match password_file {
        Some(file) => read_file(file)?,
        None => ask()?,
    };
    let address = tocsin_attest::generate_keystore(path, &password)?;
    writeln!(out, "{address}")?;
    writeln!(
        out,
        "written to {}; keep the password somewhere else",
        path.display()
    )?;
    Ok(())
}

fn read_file(path: &Path) -> Result<SecretString, Report> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Report::bad_input(format!(
            "cannot read the password file {}: {error}",
            path.display()
        ))
    })?;
    not_empty(text.trim_end_matches(['\r', '\n']))
}

/// Typed twice and unseen at a terminal; one line from anything else.
fn ask() -> Result<SecretString, Report> {
    let input = std::io::stdin();
    if input.is_terminal() {
        let first = rpassword::prompt_password("password for the new keystore: ")?;
        let again = rpassword::prompt_password("the same again: ")?;
        if first != again {
            return Err(Report::bad_input(
                "the two passwords differ: nothing was written",
            ));
        }
        return not_empty(&first);
    }
    let mut line = String::new();
    input.lock().read_line(&mut line)?;
    not_empty(line.trim_end_matches(['\r', '\n']))
}

fn not_empty(password: &str) -> Result<SecretString, Report> {
    if password.is_empty() {
        return Err(Report::bad_input(
            "the password is empty: a keystore needs one",
        ));
    }
    Ok(SecretString::from(password))
}
