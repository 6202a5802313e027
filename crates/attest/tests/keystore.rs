//! Keys come from encrypted files that others can make too, and every way in which that fails says what to do.
#![expect(
    clippy::unwrap_used,
    reason = "test support: what cannot be set up is a failed test"
)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use alloy::primitives::{Address, address};
use secrecy::SecretString;
use tempfile::TempDir;
use tocsin_attest::{AttestError, KeySettings, Signer, generate_keystore};

/// The pbkdf2 test vector of the Web3 Secret Storage Definition (ethereum.org, developer documentation).
const PBKDF2: &str = r#"{
  "crypto": {
    "cipher": "aes-128-ctr",
    "cipherparams": { "iv": "6087dab2f9fdbbfaddc31a909735c1e6" },
    "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
    "kdf": "pbkdf2",
    "kdfparams": {
      "c": 262144,
      "dklen": 32,
      "prf": "hmac-sha256",
      "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"
    },
    "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"
  },
  "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
  "version": 3
}"#;
/// The same key as eth-account 0.14.0 (PyPI) encrypts it.
const SCRYPT: &str = r#"{
  "address": "008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b",
  "crypto": {
    "cipher": "aes-128-ctr",
    "cipherparams": { "iv": "76570753816ba599b171f8f6a96f8f61" },
    "ciphertext": "20568ad6ca17a0a48e99d797c2768890317e0f9c6c3e75941771e98fbc0d8403",
    "kdf": "scrypt",
    "kdfparams": { "dklen": 32, "n": 262144, "r": 8, "p": 1, "salt": "a8da6b3d4af2d60ff408503137c7c9c2" },
    "mac": "5d6a3121ff6690b39544a8f641d7a1cc98131ee5e50affda46d7e9a4b51671cf"
  },
  "id": "8989a59b-7426-4e41-91cc-4cef86a950ff",
  "version": 3
}"#;
const PASSWORD: &str = "testpassword";
const ADDRESS: Address = address!("008aeeda4d805471df9b2a5b0f38a0c3bcba786b");

fn open(path: &Path, password: &str) -> Result<Signer, AttestError> {
    let password = SecretString::from(password);
    Signer::open(&KeySettings::Keystore {
        path: path.to_owned(),
        password,
    })
}

fn written(folder: &TempDir, text: &str) -> std::path::PathBuf {
    let path = folder.path().join("key.json");
    fs::write(&path, text).unwrap();
    path
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn keystores_of_other_programs_open() {
    let folder = tempfile::tempdir().unwrap();
    for text in [PBKDF2, SCRYPT] {
        assert_eq!(
            open(&written(&folder, text), PASSWORD).unwrap().address(),
            ADDRESS
        );
    }
}

#[test]
fn a_new_key_opens_again_and_nobody_else_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("attestor.json");
    let address = generate_keystore(&path, &SecretString::from(PASSWORD)).unwrap();
    assert_eq!(open(&path, PASSWORD).unwrap().address(), address);
    assert_eq!(names(&folder), ["attestor.json"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    let other = generate_keystore(
        &folder.path().join("other.json"),
        &SecretString::from(PASSWORD),
    );
    assert_ne!(other.unwrap(), address);
}

#[test]
fn a_new_key_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "precious");
    let error = generate_keystore(&path, &SecretString::from(PASSWORD)).unwrap_err();
    assert!(
        matches!(error, AttestError::KeystoreExists { .. }),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    assert_eq!(names(&folder), ["key.json"]);
}

#[test]
fn a_new_key_needs_a_folder_and_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("missing").join("key.json");
    let error = generate_keystore(&nowhere, &SecretString::from(PASSWORD)).unwrap_err();
    assert!(
        matches!(error, AttestError::WriteKeystore { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("missing/key.json"), "{error}");
    let error =
        generate_keystore(&folder.path().join("key.json"), &SecretString::from("")).unwrap_err();
    assert!(
        matches!(error, AttestError::EmptyPassword { .. }),
        "{error}"
    );
    assert!(names(&folder).is_empty());
}

#[test]
fn a_wrong_password_is_told_apart_from_a_wrong_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    generate_keystore(&path, &SecretString::from(PASSWORD)).unwrap();
    let error = open(&path, "guess").unwrap_err();
    assert!(
        matches!(error, AttestError::WrongPassword { .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains(path.to_str().unwrap()),
        "{error}"
    );
    assert!(!error.to_string().contains("guess"), "{error}");

    let error = open(&folder.path().join("nothing.json"), PASSWORD).unwrap_err();
    assert!(matches!(error, AttestError::NoKeystore { .. }), "{error}");
    assert!(error.to_string().contains("nothing.json"), "{error}");
    assert!(
        error.to_string().contains("tocsin keys generate"),
        "{error}"
    );
}

#[test]
fn a_file_that_is_no_usable_keystore_says_why_and_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(
        open(folder.path(), PASSWORD),
        Err(AttestError::NotAKeystore { .. })
    ));
    let replaced = |text: &str, old: &str, new: &str| {
        assert!(text.contains(old), "{old}");
        text.replace(old, new)
    };
    for (text, reason) in [
        (String::new(), "not the JSON of a keystore"),
        (
            "0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d".to_owned(),
            "not the JSON of a keystore",
        ),
        // What a file holds that is no keystore may be a secret.
        (
            r#""7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d""#.to_owned(),
            "not the JSON of a keystore",
        ),
        ("{}".to_owned(), "not the JSON of a keystore"),
        (
            replaced(SCRYPT, r#""r": 8,"#, ""),
            "not the JSON of a keystore",
        ),
        (" ".repeat(100_000), "100000 bytes are too many"),
        (
            replaced(PBKDF2, r#""version": 3"#, r#""version": 1"#),
            "its version is 1",
        ),
        (
            replaced(PBKDF2, "aes-128-ctr", "aes-128-cbc"),
            "its cipher is `aes-128-cbc`",
        ),
        (replaced(PBKDF2, "6087dab2", "60"), "its iv is not 16 bytes"),
        (
            replaced(PBKDF2, "5318b4d5", "5318b4xx"),
            "its ciphertext is not 32 bytes",
        ),
        (
            replaced(PBKDF2, "517ead924a", ""),
            "its mac is not 32 bytes",
        ),
        (
            replaced(PBKDF2, "hmac-sha256", "hmac-sha512"),
            "its pbkdf2 function is `hmac-sha512`",
        ),
        (
            replaced(PBKDF2, r#""dklen": 32"#, r#""dklen": 16"#),
            "has 16 bytes, not 32",
        ),
        (
            replaced(PBKDF2, "262144", "4000000000"),
            "4000000000 rounds",
        ),
        (replaced(SCRYPT, "262144", "1073741824"), "n = 1073741824"),
        (replaced(SCRYPT, "262144", "262143"), "n = 262143"),
        (replaced(SCRYPT, r#""r": 8"#, r#""r": 0"#), "r = 0"),
        // Forbidden by RFC 7914: n must be less than 2^(16 r).
        (replaced(SCRYPT, r#""r": 8"#, r#""r": 1"#), "r = 1"),
        (replaced(SCRYPT, r#""p": 1"#, r#""p": 4000"#), "p = 4000"),
    ] {
        let path = written(&folder, &text);
        let error = open(&path, PASSWORD).unwrap_err();
        assert!(matches!(error, AttestError::NotAKeystore { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        assert!(error.to_string().contains("key.json"), "{error}");
        assert!(!error.to_string().contains("7a28b5ba"), "{error}");
    }
}

/// Everything that is logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn logged(action: impl FnOnce()) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, action);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_raw_key_is_accepted_loudly_and_never_quoted() {
    let key = "0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
    let settings = KeySettings::Raw {
        key: SecretString::from(key),
    };
    let log = logged(|| {
        let signer = Signer::open(&settings).unwrap();
        assert_eq!(signer.address(), ADDRESS);
        assert!(!format!("{signer:?} {settings:?}").contains("7a28"));
    });
    assert!(
        log.contains("WARN") && log.contains("ATTESTING WITH A RAW KEY"),
        "{log}"
    );
    assert!(!log.contains("7a28b5ba"), "{log}");

    for bad in [
        "",
        "0x00",
        "7a28",
        &"0".repeat(64),
        &"f".repeat(64),
        "not a key",
    ] {
        let error = Signer::open(&KeySettings::Raw {
            key: SecretString::from(bad),
        })
        .unwrap_err();
        assert!(matches!(error, AttestError::NotAKey), "{bad}");
    }
}

#[cfg(unix)]
#[test]
fn a_keystore_that_others_may_read_is_opened_with_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    let address = generate_keystore(&path, &SecretString::from(PASSWORD)).unwrap();
    for (mode, warns) in [(0o600, false), (0o640, true), (0o604, true)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let log = logged(|| assert_eq!(open(&path, PASSWORD).unwrap().address(), address));
        assert_eq!(log.contains("chmod 600"), warns, "{mode:o}: {log}");
    }
}
