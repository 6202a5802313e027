//! Secrets at rest: each is encrypted by a key of its own, and that key by the master key (AES-256-GCM both times). A new
//! master key needs only the small keys encrypted anew, and an old database backup shows no secret.

use core::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest;
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
/// nonce, encrypted key, tag
const WRAPPED_BYTES: usize = NONCE_LEN + KEY_BYTES + TAG_BYTES;

/// Why something was not sealed or opened.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SealError {
    /// The master key is not 32 bytes.
    #[error("a master key has 32 bytes, not {0}: make one with `openssl rand -hex 32`")]
    MasterKey(usize),
    /// None of the master keys is the one that it was sealed with.
    #[error(
        "it was sealed with master key {0}, which is not configured: add that key to [auth] old_master_keys"
    )]
    UnknownMaster(MasterId),
    /// It was changed, or belongs to something else.
    #[error("the sealed secret of `{0}` does not open: it was changed, or moved from another key")]
    Broken(String),
    /// No random bytes or no memory.
    #[error("the secret could not be encrypted")]
    Failed,
}

/// Which master key: the beginning of its hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MasterId(pub [u8; 8]);

impl fmt::Display for MasterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// A key that encrypts keys.
#[derive(Clone)]
pub struct MasterKey {
    id: MasterId,
    bytes: Zeroizing<[u8; KEY_BYTES]>,
}

impl MasterKey {
    /// Of 32 random bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, SealError> {
        let bytes: [u8; KEY_BYTES] = bytes
            .try_into()
            .map_err(|_length| SealError::MasterKey(bytes.len()))?;
        let hash = digest::digest(
            &digest::SHA256,
            &[b"tocsin master key", &bytes[..]].concat(),
        );
        let mut id = [0; 8];
        for (to, from) in id.iter_mut().zip(hash.as_ref()) {
            *to = *from;
        }
        Ok(Self {
            id: MasterId(id),
            bytes: Zeroizing::new(bytes),
        })
    }

    /// Which it is.
    pub fn id(&self) -> MasterId {
        self.id
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

/// The master key, and those before it that may still open.
#[derive(Clone, Debug)]
pub struct Seal {
    current: MasterKey,
    old: Vec<MasterKey>,
}

/// A secret that only its master key opens.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The master key.
    pub master: MasterId,
    /// The secret's own key, encrypted by the master key, with its nonce before and its tag after it.
    pub wrapped: Vec<u8>,
    /// The secret, encrypted by its own key, with its nonce before and its tag after it.
    pub body: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed(by {})", self.master)
    }
}

impl Seal {
    /// Seals with `current`; opens with that and with the `old` ones.
    pub fn new(current: MasterKey, old: Vec<MasterKey>) -> Self {
        Self { current, old }
    }

    /// Seals a secret of what is called `name`: it opens under no other name.
    pub fn seal(&self, name: &str, secret: &[u8]) -> Result<Sealed, SealError> {
        let mut own = Zeroizing::new([0; KEY_BYTES]);
        random(&mut own[..])?;
        Ok(Sealed {
            master: self.current.id,
            wrapped: encrypt(&self.current.bytes, &context("key", name), &own[..])?,
            body: encrypt(&own, &context("secret", name), secret)?,
        })
    }

    /// Opens a secret of what is called `name`.
    pub fn open(&self, name: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let own = self.unwrap(name, sealed)?;
        decrypt(&own, &context("secret", name), &sealed.body).ok_or_else(|| broken(name))
    }

    /// The same secret under the current master key; `None`: it is already.
    pub fn reseal(&self, name: &str, sealed: &Sealed) -> Result<Option<Sealed>, SealError> {
        if sealed.master == self.current.id {
            return Ok(None);
        }
        let own = self.unwrap(name, sealed)?;
        Ok(Some(Sealed {
            master: self.current.id,
            wrapped: encrypt(&self.current.bytes, &context("key", name), &own[..])?,
            body: sealed.body.clone(),
        }))
    }

    fn unwrap(&self, name: &str, sealed: &Sealed) -> Result<Zeroizing<[u8; KEY_BYTES]>, SealError> {
        let master = core::iter::once(&self.current)
            .chain(&self.old)
            .find(|master| master.id == sealed.master)
            .ok_or(SealError::UnknownMaster(sealed.master))?;
        if sealed.wrapped.len() != WRAPPED_BYTES {
            return Err(broken(name));
        }
        let own = decrypt(&master.bytes, &context("key", name), &sealed.wrapped);
        let own = own.ok_or_else(|| broken(name))?;
        let own: [u8; KEY_BYTES] = own[..].try_into().map_err(|_length| broken(name))?;
        Ok(Zeroizing::new(own))
    }
}

fn broken(name: &str) -> SealError {
    SealError::Broken(name.to_owned())
}

fn context(what: &str, name: &str) -> Vec<u8> {
    format!("tocsin sealed {what} v1\0{name}").into_bytes()
}

/// Fills `bytes` from the operating system's generator.
pub fn random(bytes: &mut [u8]) -> Result<(), SealError> {
    aws_lc_rs::rand::fill(bytes).map_err(|_unspecified| SealError::Failed)
}

fn cipher(key: &[u8; KEY_BYTES]) -> Result<LessSafeKey, SealError> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_unspecified| SealError::Failed)?;
    Ok(LessSafeKey::new(key))
}

fn encrypt(key: &[u8; KEY_BYTES], context: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut nonce = [0; NONCE_LEN];
    random(&mut nonce)?;
    let mut body = Zeroizing::new(plain.to_vec());
    let tag = cipher(key)?
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(context),
            &mut body,
        )
        .map_err(|_unspecified| SealError::Failed)?;
    Ok([&nonce[..], &body[..], tag.as_ref()].concat())
}

fn decrypt(key: &[u8; KEY_BYTES], context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut body = Zeroizing::new(body.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let opened = cipher(key).ok()?;
    let opened = opened.open_in_place(nonce, Aad::from(context), &mut body);
    let length = opened.ok()?.len();
    body.truncate(length);
    Some(body)
}
