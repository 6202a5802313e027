//! New keys of clients: a secret that is drawn here and shown once, or a public key that the client brings.

use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tocsin_auth::life::LIFETIME;
use tocsin_auth::seal::random;
use tocsin_auth::{KeyId, LifeCycle, Scopes, UnixTime, VerifyingKey};
use tocsin_store::credential::{Credential, Material, Owner, OwnerName};

use super::{ActError, Admin};

/// How every secret of a client begins, so that one that is somewhere it should not be is found.
pub const SECRET_PREFIX: &str = "tocsin_sk_";

/// A secret, to be shown once.
pub struct ShownSecret(String);

impl ShownSecret {
    /// Its text: the bytes of this text are the key of `hmac-sha256`.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ShownSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShownSecret")
    }
}

impl Admin<'_> {
    pub(super) fn make(
        &self,
        client: &OwnerName,
        scopes: Scopes,
        public_key: Option<&str>,
        now: UnixTime,
    ) -> Result<(Credential, Option<ShownSecret>), ActError> {
        if scopes.is_empty() {
            return Err(ActError::NoScope);
        }
        let mut name = [0; 16];
        random(&mut name)?;
        let id = KeyId::new(self.environment, name);
        let (material, secret) = match public_key {
            Some(text) => (Material::Public(public(text)?), None),
            None => {
                let needs_own = scopes.iter().find(|scope| scope.needs_ed25519());
                if let Some(scope) = needs_own {
                    return Err(ActError::NeedsEd25519(scope));
                }
                let seal = self.seal.ok_or(ActError::NoMasterKey)?;
                let mut bytes = [0; 32];
                random(&mut bytes)?;
                let text = format!("{SECRET_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
                let sealed = seal.seal(id.as_str(), text.as_bytes())?;
                (Material::Secret(sealed), Some(ShownSecret(text)))
            }
        };
        let made = Credential {
            id,
            owner: Owner::Client(client.clone()),
            material,
            scopes,
            life: LifeCycle::pending(now.plus(LIFETIME)).activate(now)?,
            created_at: now,
        };
        Ok((made, secret))
    }
}

/// Characters of 32 bytes in the longest way to write them.
const PUBLIC_KEY_MAX: usize = 64;

fn public(text: &str) -> Result<[u8; 32], ActError> {
    // What is proposed is stored as it was written.
    if text.len() > PUBLIC_KEY_MAX {
        return Err(ActError::PublicKey);
    }
    let bytes = if text.len() == 64 {
        alloy_primitives::hex::decode(text).map_err(|_digits| ActError::PublicKey)?
    } else {
        let text = text
            .trim_end_matches('=')
            .replace('+', "-")
            .replace('/', "_");
        let decoded = URL_SAFE_NO_PAD.decode(text);
        decoded.map_err(|_base64| ActError::PublicKey)?
    };
    VerifyingKey::ed25519(&bytes).map_err(|_none| ActError::PublicKey)?;
    bytes.try_into().map_err(|_length| ActError::PublicKey)
}
