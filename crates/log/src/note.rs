//! Signed notes as C2SP `signed-note` has them, with ed25519 keys.

use core::fmt;
use core::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::error::LogError;

/// The kind of a key: ed25519.
const ED25519: u8 = 1;

/// No note of a log is longer, and nobody reads more of one.
const MAX_NOTE_BYTES: usize = 1 << 20;

/// How many signatures of a note are looked at.
const MAX_SIGNATURES: usize = 100;

/// What a signature line begins with.
const DASH: &str = "\u{2014} ";

/// What a key is called: usually the name of its log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyName(String);

impl KeyName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        let unfit = |character: char| {
            character.is_whitespace() || character == '+' || character.is_control()
        };
        if text.is_empty() || text.contains(unfit) {
            return Err(LogError::KeyName(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What verifies notes of one key. Written as `name+hash+base64`, which other tools read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifierKey {
    name: KeyName,
    id: [u8; 4],
    key: VerifyingKey,
}

impl VerifierKey {
    fn new(name: KeyName, key: VerifyingKey) -> Self {
        let hash = Sha256::new().chain_update(name.as_str()).chain_update("\n");
        let hash = hash.chain_update([ED25519]).chain_update(key.as_bytes());
        let hash: [u8; 32] = hash.finalize().into();
        let [a, b, c, d, ..] = hash;
        Self {
            name,
            id: [a, b, c, d],
            key,
        }
    }

    /// What the key is called.
    pub fn name(&self) -> &KeyName {
        &self.name
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = u32::from_be_bytes(self.id);
        let mut key = vec![ED25519];
        key.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{id:08x}+{}", self.name, STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(LogError::Key("it has three parts, with plus signs between"));
        };
        let name = name.parse()?;
        let bytes = STANDARD.decode(key);
        let bytes = bytes.map_err(|_not_base64| LogError::Key("its last part is not base64"))?;
        let Some((&ED25519, key)) = bytes.split_first() else {
            return Err(LogError::Key("it is not an ed25519 key"));
        };
        let not_a_key = LogError::Key("its last part is no ed25519 key");
        let key: [u8; 32] = key.try_into().map_err(|_length| not_a_key.clone())?;
        let key = VerifyingKey::from_bytes(&key).map_err(|_not_a_point| not_a_key)?;
        let made = Self::new(name, key);
        if format!("{:08x}", u32::from_be_bytes(made.id)) != id {
            return Err(LogError::Key("its hash is not that of the key"));
        }
        Ok(made)
    }
}

/// What signs notes. Never shown.
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
    verifier: VerifierKey,
}

impl SigningKey {
    /// The key that a seed makes, under a name.
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let verifier = VerifierKey::new(name, key.verifying_key());
        Self { key, verifier }
    }

    /// What verifies its notes.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The note of `text`, which ends in a line break, with this key's signature.
    pub fn sign(&self, text: &str) -> Result<String, LogError> {
        if !text.ends_with('\n') || text.contains("\n\n") || text.starts_with('\n') {
            return Err(LogError::Note(
                "its text must end in a line break and have no empty line",
            ));
        }
        let mut signature = self.verifier.id.to_vec();
        signature.extend_from_slice(&self.key.sign(text.as_bytes()).to_bytes());
        let signature = STANDARD.encode(signature);
        Ok(format!(
            "{text}\n{DASH}{} {signature}\n",
            self.verifier.name
        ))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier)
    }
}

/// A text with signatures, none of which is believed yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct NoteSignature {
    name: String,
    id: [u8; 4],
    signature: Vec<u8>,
}

impl Note {
    /// Its text, if `key` has signed it.
    pub fn verified(&self, key: &VerifierKey) -> Result<&str, LogError> {
        let of_key = |line: &&NoteSignature| line.name == key.name.as_str() && line.id == key.id;
        let mut lines = self.signatures.iter().filter(of_key).peekable();
        let unsigned = || LogError::Unsigned(key.name.to_string());
        if lines.peek().is_none() {
            return Err(unsigned());
        }
        for line in lines {
            let bytes: &[u8; 64] = line
                .signature
                .as_slice()
                .try_into()
                .map_err(|_length| unsigned())?;
            let signature = Signature::from_bytes(bytes);
            key.key
                .verify_strict(self.text.as_bytes(), &signature)
                .map_err(|_wrong| unsigned())?;
        }
        Ok(&self.text)
    }

    /// Its text, whoever has signed it.
    pub fn unverified(&self) -> &str {
        &self.text
    }
}

impl FromStr for Note {
    type Err = LogError;

    fn from_str(note: &str) -> Result<Self, LogError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(LogError::Note("it is too long"));
        }
        let control = |character: char| character != '\n' && character.is_ascii_control();
        if note.contains(control) {
            return Err(LogError::Note("it holds control characters"));
        }
        let empty_line = note
            .rfind("\n\n")
            .ok_or(LogError::Note("no empty line ends its text"))?;
        let (text, signatures) = note.split_at(empty_line + 1);
        let signatures = signatures.strip_prefix('\n').unwrap_or(signatures);
        let lines = signatures
            .strip_suffix('\n')
            .ok_or(LogError::Note("its last line does not end"))?;
        let signatures = lines
            .split('\n')
            .map(signature)
            .collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(LogError::Note("it has too many signatures"));
        }
        Ok(Self {
            text: text.to_owned(),
            signatures,
        })
    }
}

fn signature(line: &str) -> Result<NoteSignature, LogError> {
    let wrong = LogError::Note("a signature is a dash, a name and base64");
    let rest = line.strip_prefix(DASH).ok_or(wrong.clone())?;
    let (name, encoded) = rest.split_once(' ').ok_or(wrong.clone())?;
    let name = KeyName::from_str(name).map_err(|_name| wrong.clone())?;
    let bytes = STANDARD.decode(encoded).map_err(|_base64| wrong.clone())?;
    let (id, signature) = bytes.split_first_chunk::<4>().ok_or(wrong.clone())?;
    if signature.is_empty() {
        return Err(wrong);
    }
    Ok(NoteSignature {
        name: name.0,
        id: *id,
        signature: signature.to_vec(),
    })
}
