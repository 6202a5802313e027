//! Nonces: how long they must be, and what is remembered of them.

use core::fmt;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The characters that 128 random bits need in base64.
const SHORTEST: usize = 22;
const LONGEST: usize = 128;

/// What makes a request unlike every other one of its key: base64 (of either alphabet) or hexadecimal digits, of 22 to
/// 128 characters, so that 128 random bits fit in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Nonce(String);

/// What is remembered of a nonce.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NonceHash(pub [u8; 32]);

impl Nonce {
    /// The nonce that these random bytes give.
    pub fn new(random: [u8; 16]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random))
    }

    /// A nonce, if the text can be one.
    pub fn read(text: &str) -> Option<Self> {
        let known = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
        };
        let fits = (SHORTEST..=LONGEST).contains(&text.len());
        (fits && text.bytes().all(known)).then(|| Self(text.to_owned()))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is remembered of it.
    pub fn hash(&self) -> NonceHash {
        let mut bytes = [0; 32];
        let hash = digest::digest(&digest::SHA256, self.0.as_bytes());
        for (to, from) in bytes.iter_mut().zip(hash.as_ref()) {
            *to = *from;
        }
        NonceHash(bytes)
    }
}

impl fmt::Debug for NonceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}
