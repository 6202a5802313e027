//! Where a key is, as a configuration says it.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

/// How long a key service may take to answer where nothing else is said.
pub const REMOTE_TIMEOUT: Duration = Duration::from_secs(10);

/// Where an attestation key is.
#[derive(Clone, Debug)]
pub enum KeySettings {
    /// An encrypted keystore file.
    Keystore {
        /// The file.
        path: PathBuf,
        /// Its password.
        password: SecretString,
    },
    /// A bare key. For demonstrations and tests: whoever reads the configuration can sign.
    Raw {
        /// 32 bytes in hex.
        key: SecretString,
    },
    /// A key in AWS KMS, which never leaves it: spec `ECC_SECG_P256K1`, usage `SIGN_VERIFY`.
    AwsKms {
        /// Its id or ARN. An alias can be pointed at another key, which is found when that signs.
        key: String,
        /// Its region; from the ARN, or from the environment, where it is not said.
        region: Option<String>,
        /// Another address of the service (a VPC endpoint, a proxy).
        endpoint: Option<Url>,
        /// A shared credentials file, read instead of the environment's credentials.
        credentials: Option<PathBuf>,
        /// How long it may take to answer.
        timeout: Duration,
    },
    /// A key version in Google Cloud KMS, which never leaves it: algorithm `EC_SIGN_SECP256K1_SHA256`.
    GcpKms {
        /// `projects/…/locations/…/keyRings/…/cryptoKeys/…/cryptoKeyVersions/…`.
        key: String,
        /// Another address of the service.
        endpoint: Option<Url>,
        /// A credentials file, read instead of the environment's credentials.
        credentials: Option<PathBuf>,
        /// How long it may take to answer.
        timeout: Duration,
    },
    /// A key on a Ledger at this machine, with its Ethereum app open. A person confirms every signature.
    Ledger {
        /// The derivation path.
        path: String,
    },
}

/// A kind of key that this build may lack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyKind {
    /// As the configuration writes it, which is also the name of the cargo feature that brings it.
    pub name: &'static str,
}

impl std::fmt::Display for KeyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl KeySettings {
    pub(crate) fn kind(&self) -> KeyKind {
        let name = match self {
            Self::Keystore { .. } => "keystore",
            Self::Raw { .. } => "raw",
            Self::AwsKms { .. } => "aws-kms",
            Self::GcpKms { .. } => "gcp-kms",
            Self::Ledger { .. } => "ledger",
        };
        KeyKind { name }
    }
}
