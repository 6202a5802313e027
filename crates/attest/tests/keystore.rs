//! Keys come from encrypted files that others can make too, and every way in which that fails says what to do.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use alloy::primitives::{Address, address};
use secrecy::SecretString;
use tempfile::TempDir;
use tocsin_attest::{AttestError, KeySettings, Signer, generate_keystore};

/// The two test vectors of the Web3 Secret Storage Definition (ethereum.org, developer documentation): one key,
/// encrypted under the password `testpassword`.
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
const SCRYPT: &str = r#"{
  "crypto": {
    "cipher": "aes-128-ctr",
    "cipherparams": { "iv": "83dbcc02d8ccb40e466191a123791e0e" },
    "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
    "kdf": "scrypt",
    "kdfparams": {
      "dklen": 32,
      "n": 262144,
      "p": 8,
      "r": 1,
      "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"
    },
    "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"
  },
  "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
  "version": 3
}"#;
const PASSWORD: &str = "testpassword";
const ADDRESS: Address = address!("008aeeda4d805471df9b2a5b0f38a0c3bcba786b");

fn open(path: &Path, password: &str) -> Result<Signer, AttestError> {
    let password = SecretString::from(password);
    Signer::open(&KeySettings::Keystore { path: path.to_owned(), password })
}

fn written(folder: &TempDir, text: &str) -> std::path::PathBuf {
    let path = folder.path().join("key.json");
    fs::write(&path, text).unwrap();
    path
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn keystores_of_other_programs_open() {
    let folder = tempfile::tempdir().unwrap();
    for text in [PBKDF2, SCRYPT] {
        assert_eq!(open(&written(&folder, text), PASSWORD).unwrap().address(), ADDRESS);
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
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let other = generate_keystore(&folder.path().join("other.json"), &SecretString::from(PASSWORD));
    assert_ne!(other.unwrap(), address);
}

#[test]
fn a_new_key_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "precious");
    let error = generate_keystore(&path, &SecretString::from(PASSWORD)).unwrap_err();
    assert!(matches!(error, AttestError::KeystoreExists { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    assert_eq!(names(&folder), ["key.json"]);
}

#[test]
fn a_new_key_needs_a_folder_and_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("missing").join("key.json");
    let error = generate_keystore(&nowhere, &SecretString::from(PASSWORD)).unwrap_err();
    assert!(matches!(error, AttestError::WriteKeystore { .. }), "{error}");
    assert!(error.to_string().contains("missing/key.json"), "{error}");
    let error = generate_keystore(&folder.path().join("key.json"), &SecretString::from("")).unwrap_err();
    assert!(matches!(error, AttestError::EmptyPassword { .. }), "{error}");
    assert!(names(&folder).is_empty());
}

#[test]
fn a_wrong_password_is_told_apart_from_a_wrong_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, PBKDF2);
    let error = open(&path, "guess").unwrap_err();
    assert!(matches!(error, AttestError::WrongPassword { .. }), "{error}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert!(!error.to_string().contains("guess"), "{error}");

    let error = open(&folder.path().join("nothing.json"), PASSWORD).unwrap_err();
    assert!(matches!(error, AttestError::NoKeystore { .. }), "{error}");
    assert!(error.to_string().contains("nothing.json"), "{error}");
    assert!(error.to_string().contains("tocsin keys generate"), "{error}");
}

#[test]
fn a_file_that_is_no_usable_keystore_says_why_and_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(open(folder.path(), PASSWORD), Err(AttestError::NotAKeystore { .. })));
    let replaced = |text: &str, old: &str, new: &str| {
        assert!(text.contains(old), "{old}");
        text.replace(old, new)
    };
    for (text, reason) in [
        (String::new(), "it is not JSON"),
        ("0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d".to_owned(), "it is not JSON"),
        ("{}".to_owned(), "missing field `version`"),
        (" ".repeat(100_000), "100000 bytes are too many"),
        (replaced(PBKDF2, r#""version": 3"#, r#""version": 1"#), "its version is 1"),
        (replaced(PBKDF2, "aes-128-ctr", "aes-128-cbc"), "its cipher is `aes-128-cbc`"),
        (replaced(PBKDF2, "6087dab2", "60"), "its iv is not 16 bytes"),
        (replaced(PBKDF2, "5318b4d5", "5318b4xx"), "its ciphertext is not 32 bytes"),
        (replaced(PBKDF2, "517ead924a", ""), "its mac is not 32 bytes"),
        (replaced(PBKDF2, "hmac-sha256", "hmac-sha512"), "its pbkdf2 function is `hmac-sha512`"),
        (replaced(PBKDF2, r#""dklen": 32"#, r#""dklen": 16"#), "has 16 bytes, not 32"),
        (replaced(PBKDF2, "262144", "4000000000"), "4000000000 rounds"),
        (replaced(SCRYPT, "262144", "1073741824"), "n = 1073741824"),
        (replaced(SCRYPT, "262144", "262143"), "n = 262143"),
        (replaced(SCRYPT, r#""r": 1"#, r#""r": 0"#), "r = 0"),
        (replaced(SCRYPT, r#""p": 8"#, r#""p": 4000"#), "p = 4000"),
    ] {
        let path = written(&folder, &text);
        let error = open(&path, PASSWORD).unwrap_err();
        assert!(matches!(error, AttestError::NotAKeystore { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        assert!(error.to_string().contains("key.json"), "{error}");
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
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, action);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_raw_key_is_accepted_loudly_and_never_quoted() {
    let key = "0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
    let settings = KeySettings::Raw { key: SecretString::from(key) };
    let log = logged(|| {
        let signer = Signer::open(&settings).unwrap();
        assert_eq!(signer.address(), ADDRESS);
        assert!(!format!("{signer:?} {settings:?}").contains("7a28"));
    });
    assert!(log.contains("WARN") && log.contains("ATTESTING WITH A RAW KEY"), "{log}");
    assert!(!log.contains("7a28b5ba"), "{log}");

    for bad in ["", "0x00", "7a28", &"0".repeat(64), &"f".repeat(64), "not a key"] {
        let error = Signer::open(&KeySettings::Raw { key: SecretString::from(bad) }).unwrap_err();
        assert!(matches!(error, AttestError::NotAKey), "{bad}");
    }
}

#[cfg(unix)]
#[test]
fn a_keystore_that_others_may_read_is_opened_with_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, PBKDF2);
    for (mode, warns) in [(0o600, false), (0o640, true), (0o604, true)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let log = logged(|| assert_eq!(open(&path, PASSWORD).unwrap().address(), ADDRESS));
        assert_eq!(log.contains("chmod 600"), warns, "{mode:o}: {log}");
    }
}
