//! Encrypted key files (Web3 Secret Storage, version 3).
//!
//! Promises: a password is never written, logged or quoted; a new keystore never replaces a file; a file that is no
//! keystore is told apart from a wrong password; and a hostile file cannot make the process run out of memory or stop.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use alloy::primitives::Address;
use alloy::signers::k256::elliptic_curve::rand_core::OsRng;
use alloy::signers::local::PrivateKeySigner;
use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::AttestError;

/// A keystore is under a kilobyte.
const MAX_FILE_BYTES: u64 = 64 * 1024;
/// scrypt takes 128·r·n bytes; the usual parameters (n = 2¹⁸, r = 8) take 256 MiB.
const MAX_SCRYPT_BYTES: u64 = 1 << 30;
const MAX_SCRYPT_PARALLELISM: u32 = 16;
const MAX_PBKDF2_ROUNDS: u32 = 10_000_000;

/// Opens the key in `path`.
pub(crate) fn open(path: &Path, password: &SecretString) -> Result<PrivateKeySigner, AttestError> {
    check(path)?;
    let opened = PrivateKeySigner::decrypt_keystore(path, password.expose_secret());
    // The file was read and found well-formed just now, so what is left to go wrong is the password.
    opened.map_err(|_unsaid| AttestError::WrongPassword {
        path: path.to_owned(),
    })
}

/// Makes a key and writes it, encrypted, to a new file that only this user can read. The folder must exist.
///
/// The derivation is scrypt with n = 2¹³, r = 8, which a short password does not survive: use a long random one.
pub fn generate_keystore(path: &Path, password: &SecretString) -> Result<Address, AttestError> {
    if password.expose_secret().is_empty() {
        return Err(AttestError::EmptyPassword {
            path: path.to_owned(),
        });
    }
    if path.exists() {
        return Err(AttestError::KeystoreExists {
            path: path.to_owned(),
        });
    }
    let key = PrivateKeySigner::random_with(&mut OsRng);
    let text = encrypt(path, &key, password)?;
    write_new(path, text.as_bytes())?;
    Ok(key.address())
}

/// The encrypted form of `key`. The library writes it to a file only, so that file is in a folder of its own that nobody
/// else can enter, and goes away.
fn encrypt(
    path: &Path,
    key: &PrivateKeySigner,
    password: &SecretString,
) -> Result<String, AttestError> {
    const NAME: &str = "keystore";
    let written = |source| AttestError::WriteKeystore {
        path: path.to_owned(),
        source,
    };
    // Named after a key that nobody has yet, so it is nobody's.
    let folder = folder_of(path).join(format!(".{:x}.new", key.address()));
    private_folder(&folder).map_err(written)?;

    let mut secret = key.to_bytes();
    let encrypted = PrivateKeySigner::encrypt_keystore(
        &folder,
        &mut OsRng,
        secret,
        password.expose_secret(),
        Some(NAME),
    );
    secret.0.zeroize();
    let text = match encrypted {
        Ok(_) => fs::read_to_string(folder.join(NAME)).map_err(written),
        Err(source) => Err(AttestError::EncryptKey {
            path: path.to_owned(),
            source: Box::new(source),
        }),
    };
    fs::remove_dir_all(&folder).map_err(written)?;
    text
}

/// Writes a file that did not exist, durably.
fn write_new(path: &Path, content: &[u8]) -> Result<(), AttestError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => AttestError::KeystoreExists {
            path: path.to_owned(),
        },
        _ => AttestError::WriteKeystore {
            path: path.to_owned(),
            source,
        },
    })?;
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::File::open(folder_of(path))?.sync_all())
        .map_err(|source| AttestError::WriteKeystore {
            path: path.to_owned(),
            source,
        })
}

fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The parts of a keystore that decide whether opening it is safe.
#[derive(Deserialize)]
struct Keystore {
    version: u8,
    crypto: Crypto,
}

#[derive(Deserialize)]
struct Crypto {
    cipher: String,
    cipherparams: CipherParams,
    ciphertext: String,
    kdfparams: KdfParams,
    mac: String,
}

#[derive(Deserialize)]
struct CipherParams {
    iv: String,
}

/// Told apart by their fields, as the library does.
#[derive(Deserialize)]
#[serde(untagged)]
enum KdfParams {
    Pbkdf2 { c: u32, dklen: u8, prf: String },
    Scrypt { n: u32, p: u32, r: u32, dklen: u8 },
}

/// That `path` is a keystore that the library can open without panicking or exhausting the machine.
fn check(path: &Path) -> Result<(), AttestError> {
    let unusable = |problem: String| AttestError::NotAKeystore {
        path: path.to_owned(),
        problem,
    };
    let unreadable = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound => AttestError::NoKeystore {
            path: path.to_owned(),
        },
        _ => AttestError::ReadKeystore {
            path: path.to_owned(),
            source,
        },
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(unusable("it is not a file".to_owned()));
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(unusable(format!("{} bytes are too many", metadata.len())));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    let keystore: Keystore = serde_json::from_slice(&bytes)
        // Its reason would quote the file, and who points this at a bare key does not want to read that in a log.
        .map_err(|_unsaid| unusable("it is not the JSON of a keystore".to_owned()))?;
    keystore
        .problem()
        .map_or(Ok(()), |problem| Err(unusable(problem)))?;
    warn_if_others_may_read(path, &metadata);
    Ok(())
}

impl Keystore {
    fn problem(&self) -> Option<String> {
        let crypto = &self.crypto;
        if self.version != 3 {
            return Some(format!("its version is {}", self.version));
        }
        if crypto.cipher != "aes-128-ctr" {
            return Some(format!("its cipher is `{}`", crypto.cipher));
        }
        let lengths = [
            ("iv", &crypto.cipherparams.iv, 16),
            ("ciphertext", &crypto.ciphertext, 32),
            ("mac", &crypto.mac, 32),
        ];
        for (name, hex, bytes) in lengths {
            if hex.len() != 2 * bytes || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Some(format!("its {name} is not {bytes} bytes in hex"));
            }
        }
        crypto.kdfparams.problem()
    }
}

impl KdfParams {
    fn problem(&self) -> Option<String> {
        let dklen = match *self {
            Self::Pbkdf2 { dklen, .. } | Self::Scrypt { dklen, .. } => dklen,
        };
        if dklen != 32 {
            return Some(format!("its derived key has {dklen} bytes, not 32"));
        }
        match self {
            Self::Pbkdf2 { prf, .. } if prf != "hmac-sha256" => {
                Some(format!("its pbkdf2 function is `{prf}`"))
            }
            Self::Pbkdf2 { c, .. } if *c == 0 || *c > MAX_PBKDF2_ROUNDS => Some(format!(
                "{c} rounds of pbkdf2 are not within 1…{MAX_PBKDF2_ROUNDS}"
            )),
            Self::Pbkdf2 { .. } => None,
            Self::Scrypt { n, p, r, .. } => {
                let memory = 128 * u64::from(*r) * u64::from(*n);
                // RFC 7914, section 6: n is a power of two greater than 1 and less than 2^(128·r/8).
                let sound = n.is_power_of_two()
                    && *n > 1
                    && u64::from(n.ilog2()) < 16 * u64::from(*r)
                    && (1..=MAX_SCRYPT_PARALLELISM).contains(p)
                    && memory <= MAX_SCRYPT_BYTES;
                (!sound).then(|| {
                    format!("its scrypt parameters n = {n}, r = {r}, p = {p} are out of bounds")
                })
            }
        }
    }
}

#[cfg(unix)]
fn warn_if_others_may_read(path: &Path, metadata: &fs::Metadata) {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), mode = format_args!("{mode:o}"), "other users may read this keystore: chmod 600");
    }
}

#[cfg(not(unix))]
fn warn_if_others_may_read(_path: &Path, _metadata: &fs::Metadata) {}
