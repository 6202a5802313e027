//! Secrets in configuration: a file or an environment variable, never the text itself; and messages that show none.

use std::path::Path;

use secrecy::SecretString;

/// Reads `file:PATH` (relative to `base`, one trailing line break cut) or `${NAME}`.
pub(super) fn read(base: &Path, reference: &str) -> Result<SecretString, String> {
    if let Some(path) = reference.strip_prefix("file:") {
        let path = base.join(path);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("cannot read the secret file {}: {error}", path.display()))?;
        return Ok(SecretString::from(text.trim_end_matches(['\r', '\n'])));
    }
    if let Some(name) = reference
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
    {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that reads the environment"
        )]
        let value = std::env::var(name);
        return value.map(SecretString::from).map_err(|_missing| {
            format!(
                "the environment variable {name} is not set, or is not text: set it to the secret"
            )
        });
    }
    Err("a secret is never written into the configuration: write file:PATH or ${NAME}".to_owned())
}

/// What a parser says of the configuration, in which addresses may stand whose path or query is a key: they end at `://`.
pub(super) fn redacted(said: &str) -> String {
    let mut parts = said.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let ends = |character: char| {
            character.is_whitespace() || matches!(character, '"' | '\'' | '`' | ',' | ']' | '}')
        };
        let rest = part.find(ends).and_then(|end| part.get(end..));
        shown.push_str("://…");
        shown.push_str(rest.unwrap_or_default());
    }
    shown
}
