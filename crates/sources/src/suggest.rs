//! "Did you mean" for names that people write in settings and file headers.

use tocsin_domain::lang::suggest::nearest;

/// ` (did you mean `x`?)`, or nothing.
pub(crate) fn hint<'a>(written: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    nearest(written, candidates)
        .map(|name| format!(" (did you mean `{name}`?)"))
        .unwrap_or_default()
}
