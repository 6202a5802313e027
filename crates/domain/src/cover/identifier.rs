//! Names and identifiers: covers, inputs, metrics, subjects, sources, chains and contracts.
//!
//! Identifiers are compared byte by byte and hashed, so one thing has one spelling: chain addresses in subjects and
//! sources are lower case, chain ids have no leading zeros. CAIP-2 names a chain, CAIP-10 an account, CAIP-19 an asset.

use alloy_primitives::Address;

use crate::diagnostic::{Diagnostic, Span};
use crate::lang::{is_hidden, reserved_name, suggest};

/// What is wrong with a text, without a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Complaint {
    message: String,
    label: String,
    help: Option<String>,
}

impl Complaint {
    pub(super) fn new(message: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            label: label.into(),
            help: None,
        }
    }

    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn at(self, span: Span) -> Diagnostic {
        let finding = Diagnostic::error(span, self.message, self.label);
        match self.help {
            Some(help) => finding.with_help(help),
            None => finding,
        }
    }
}

const MAX_NAME_BYTES: usize = 64;
const MAX_IDENTIFIER_BYTES: usize = 256;
const MAX_LINE_CHARS: usize = 500;

/// `usdc-depeg-24h`: the name of a cover or a peril.
pub(super) fn slug(text: &str) -> Result<String, Complaint> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.len() <= MAX_NAME_BYTES
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(legal)
    {
        return Ok(text.to_owned());
    }
    Err(Complaint::new(
        format!("`{}` is not a name", suggest::clipped(text)),
        format!("expected letters, digits, `-`, `_` and `.`, at most {MAX_NAME_BYTES}"),
    )
    .with_help("write for example `usdc-depeg-24h`"))
}

/// The name of an input: an identifier of the trigger language.
pub(super) fn input_name(text: &str) -> Result<(), Complaint> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.len() > MAX_NAME_BYTES
        || !text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        || !text.chars().all(legal)
    {
        return Err(Complaint::new(
            format!("`{}` is not a name for an input", suggest::clipped(text)),
            format!("expected letters, digits and `_`, at most {MAX_NAME_BYTES}, no digit first"),
        )
        .with_help(
            "expressions use it as a name, so write for example `usdc` or `arrival_delay`",
        ));
    }
    match reserved_name(text) {
        Some(meaning) => Err(Complaint::new(
            format!("an input cannot be called `{text}`"),
            format!("it is {meaning}"),
        )),
        None => Ok(()),
    }
}

/// One line for people.
pub(super) fn line(text: &str) -> Result<String, Complaint> {
    if text.trim().is_empty() {
        return Err(Complaint::new("this text is empty", "nothing here"));
    }
    if text.chars().any(is_hidden) {
        return Err(Complaint::new(
            "this text is one line",
            "has a line end or another character that nobody sees",
        ));
    }
    if text.chars().count() > MAX_LINE_CHARS {
        return Err(Complaint::new(
            format!("this text has at most {MAX_LINE_CHARS} characters"),
            "longer than that",
        ));
    }
    Ok(text.to_owned())
}

/// Where a wording is.
pub(super) fn uri(text: &str) -> Result<String, Complaint> {
    let complaint = || {
        Complaint::new(
            format!("`{}` is not a URI", suggest::clipped(text)),
            "expected a scheme and an address",
        )
        .with_help("write for example `https://…` or `ipfs://…`")
    };
    let (scheme, rest) = text.split_once(':').ok_or_else(complaint)?;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let scheme_ok =
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(legal);
    if !scheme_ok || rest.is_empty() || text.len() > 2_000 || !visible(text) {
        return Err(complaint());
    }
    Ok(text.to_owned())
}

/// A SHA-256 in hex.
pub(super) fn sha256(text: &str) -> Result<String, Complaint> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_owned());
    }
    Err(Complaint::new(
        "a SHA-256 is 64 hexadecimal digits",
        format!("this has {} characters", text.chars().count()),
    )
    .with_help("`sha256sum FILE` prints it"))
}

/// `price`, `arrival_delay`, `event:Paused`.
pub(super) fn metric(text: &str) -> Result<String, Complaint> {
    let name = text.strip_prefix("event:").unwrap_or(text);
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.len() <= MAX_NAME_BYTES
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(legal)
    {
        return Ok(text.to_owned());
    }
    Err(Complaint::new(
        format!("`{}` is not a metric", suggest::clipped(text)),
        format!("expected letters, digits and `_`, at most {MAX_NAME_BYTES}"),
    )
    .with_help("write for example `price`, `arrival_delay` or `event:Paused`"))
}

/// What is measured: `eip155:1/erc20:0x…`, `flight:UA1545/2013-01-01/EWR`, `station:KEWR`.
pub(super) fn subject(text: &str) -> Result<String, Complaint> {
    const SCHEMES: [&str; 3] = ["eip155", "flight", "station"];
    if text.is_empty() || text.len() > MAX_IDENTIFIER_BYTES || !visible(text) {
        return Err(Complaint::new(
            format!("`{}` is not a subject", suggest::clipped(text)),
            format!("expected 1 to {MAX_IDENTIFIER_BYTES} ASCII characters, no blanks"),
        ));
    }
    if text.contains(',') {
        return Err(
            Complaint::new("a subject has no comma", "several subjects?").with_help(
                "declare one input for each; together their subjects are joined with commas",
            ),
        );
    }
    let Some((scheme, rest)) = text.split_once(':') else {
        return Ok(text.to_owned());
    };
    if scheme == "eip155" {
        chain_subject(rest)?;
    } else if rest.is_empty() {
        return Err(Complaint::new(
            format!("`{}` names nothing", suggest::clipped(text)),
            "nothing after the colon",
        ));
    } else if !SCHEMES.contains(&scheme)
        && let Some(near) = suggest::nearest(scheme, SCHEMES)
    {
        return Err(Complaint::new(
            format!("unknown kind of subject `{}:`", suggest::clipped(scheme)),
            "unknown prefix",
        )
        .with_help(format!("did you mean `{near}:`?")));
    }
    Ok(text.to_owned())
}

/// `1`, `1:0x…`, `1/erc20:0x…`, `1/erc721:0x…/77`, `1/slip44:60`: what follows `eip155:`.
fn chain_subject(rest: &str) -> Result<(), Complaint> {
    let Some((chain, asset)) = rest.split_once('/') else {
        let (chain, account) = match rest.split_once(':') {
            Some((chain, account)) => (chain, Some(account)),
            None => (rest, None),
        };
        chain_id(chain)?;
        return account.map_or(Ok(()), lower_address);
    };
    chain_id(chain)?;
    let bad_asset = || {
        Complaint::new(
            format!("`{}` is not an asset", suggest::clipped(asset)),
            "expected a CAIP-19 asset",
        )
        .with_help("write for example `eip155:1/erc20:0x…` or `eip155:1/slip44:60`")
    };
    let (namespace, reference) = asset.split_once(':').ok_or_else(bad_asset)?;
    match namespace {
        "erc20" => lower_address(reference),
        "erc721" | "erc1155" => {
            let (address, token) = match reference.split_once('/') {
                Some((address, token)) => (address, Some(token)),
                None => (reference, None),
            };
            lower_address(address)?;
            match token {
                Some(token) if token.is_empty() || !token.bytes().all(|b| b.is_ascii_digit()) => {
                    Err(bad_asset())
                }
                Some(_) | None => Ok(()),
            }
        }
        "slip44" if !reference.is_empty() && reference.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(())
        }
        _ => Err(bad_asset()),
    }
}

/// Who says so: `chainlink:<CAIP-10>`, `event:<CAIP-10>#Signature`, `call:<CAIP-10>#signature`, `storage:<CAIP-10>#slot`,
/// `feed:<provider>`.
pub(super) fn source(text: &str) -> Result<String, Complaint> {
    const SCHEMES: [&str; 5] = ["chainlink", "event", "call", "storage", "feed"];
    let complaint = |label: &str| {
        Complaint::new(format!("`{}` is not a source", suggest::clipped(text)), label).with_help(
            "write `chainlink:eip155:1:0x…`, `event:eip155:1:0x…#Signature`, `call:eip155:1:0x…#signature`, `storage:eip155:1:0x…#slot` or `feed:provider`",
        )
    };
    if text.len() > MAX_IDENTIFIER_BYTES || !visible(text) {
        return Err(complaint("too long, or with other than ASCII characters"));
    }
    let (scheme, rest) = text
        .split_once(':')
        .ok_or_else(|| complaint("no kind before a colon"))?;
    match scheme {
        "chainlink" => chain_account(rest)?,
        "event" | "call" | "storage" => {
            let (account, signature) = rest
                .split_once('#')
                .ok_or_else(|| complaint("no `#` and signature"))?;
            chain_account(account)?;
            if signature.is_empty() {
                return Err(complaint("nothing after the `#`"));
            }
        }
        "feed" if !rest.is_empty() => {}
        "feed" => return Err(complaint("no provider")),
        _ => {
            let refusal = complaint("unknown kind of source");
            return Err(match suggest::nearest(scheme, SCHEMES) {
                Some(near) => refusal.with_help(format!("did you mean `{near}:`?")),
                None => refusal,
            });
        }
    }
    Ok(text.to_owned())
}

/// `eip155:1:0x…` with a lower-case address.
fn chain_account(text: &str) -> Result<(), Complaint> {
    let (_, address) = account_parts(text)?;
    lower_address(address)
}

/// `eip155:1:0x…`: chain id and address, which may be of any case here.
pub(super) fn account(text: &str) -> Result<(u64, Address), Complaint> {
    let (chain, written) = account_parts(text)?;
    let address = hex_address(written)?;
    if address == Address::ZERO {
        return Err(Complaint::new("the zero address is no contract", "zero"));
    }
    Ok((chain, address))
}

/// A mixed-case address whose case is not its EIP-55 checksum: what it would be.
pub(super) fn wrong_checksum(account: &str, address: Address) -> Option<String> {
    let written = account.rsplit(':').next()?;
    let digits = written.strip_prefix("0x")?;
    let mixed = digits.bytes().any(|b| b.is_ascii_lowercase())
        && digits.bytes().any(|b| b.is_ascii_uppercase());
    let checksummed = address.to_checksum(None);
    (mixed && checksummed != written).then_some(checksummed)
}

fn account_parts(text: &str) -> Result<(u64, &str), Complaint> {
    let complaint = || {
        Complaint::new(
            format!("`{}` is not a contract on a chain", suggest::clipped(text)),
            "expected a CAIP-10 account",
        )
        .with_help("write `eip155:`, the chain's id, a colon and the address, as in `eip155:1:0x…`")
    };
    let rest = text.strip_prefix("eip155:").ok_or_else(complaint)?;
    let (chain, address) = rest.split_once(':').ok_or_else(complaint)?;
    Ok((chain_id(chain)?, address))
}

/// `eip155:1`.
pub(super) fn chain(text: &str) -> Result<u64, Complaint> {
    let complaint = || {
        Complaint::new(
            format!("`{}` is not a chain", suggest::clipped(text)),
            "expected a CAIP-2 chain",
        )
        .with_help("write for example `\"eip155:1\" = \"finalized\"`, the key in quotes")
    };
    text.strip_prefix("eip155:")
        .ok_or_else(complaint)
        .and_then(chain_id)
}

fn chain_id(text: &str) -> Result<u64, Complaint> {
    let canonical = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(id) if canonical => Ok(id),
        Ok(_) | Err(_) => Err(Complaint::new(
            format!("`{}` is not a chain id", suggest::clipped(text)),
            "expected a positive whole number without leading zeros",
        )),
    }
}

fn hex_address(text: &str) -> Result<Address, Complaint> {
    let digits = text.strip_prefix("0x").unwrap_or("");
    let complaint = || {
        Complaint::new(
            format!("`{}` is not an address", suggest::clipped(text)),
            if text.starts_with("0x") {
                format!("{} digits after `0x`", digits.chars().count())
            } else {
                "does not begin with `0x`".to_owned()
            },
        )
        .with_help("an address is `0x` and 40 hexadecimal digits")
    };
    if digits.len() != 40 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(complaint());
    }
    digits
        .parse()
        .map_err(|_not_hex: alloy_primitives::hex::FromHexError| complaint())
}

fn lower_address(text: &str) -> Result<(), Complaint> {
    hex_address(text)?;
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(Complaint::new(
            "addresses in subjects and sources are written in lower case",
            "has capitals",
        )
        .with_help(format!("write `{}`", text.to_ascii_lowercase())));
    }
    Ok(())
}

/// Letters, digits and signs of ASCII; no blanks.
fn visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}
