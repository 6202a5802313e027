//! The order of checks: parse, key, signature, time, body, nonce, scope, rate. Each step consumes what the one before it
//! gave, and only the last gives a [`Permitted`]; so no nonce is stored for a signature that was not verified, and a
//! stranger's body is not even read.
//!
//! ```text
//! Parsed ─key─▶ Keyed ─verify─▶ Authentic ─at─▶ Timely ─body─▶ Whole ─nonce─▶ Fresh ─scope─▶ Scoped ─rate─▶ Permitted
//! ```

use crate::UnixTime;
use crate::base::signature_base;
use crate::failure::Failure;
use crate::key::{Algorithm, KeyId, VerifyingKey};
use crate::life::LifeCycle;
use crate::nonce::NonceHash;
use crate::parse::{Said, said};
use crate::request::Request;
use crate::scope::{Environment, Scope, Scopes};

/// How far clocks may differ, and how long a signature may be good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Windows {
    skew: i64,
    lifetime: i64,
}

/// A window that is not allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("clocks may differ by 30 to 120 seconds, not {0}")]
pub struct SkewError(i64);

impl Windows {
    /// What is wrong with the times of a signature, as a clause.
    pub(crate) fn flaw(
        self,
        created: UnixTime,
        expires: UnixTime,
        now: UnixTime,
    ) -> Option<String> {
        let now = now.0;
        if expires <= created || expires.since(created) > self.lifetime {
            return Some(format!(
                "expires has to be 1 to {} seconds after created",
                self.lifetime
            ));
        }
        let late = UnixTime(now).since(created);
        if late > self.skew || now >= expires.0 {
            return Some(format!(
                "it was signed {late} s ago by the clock here, which says {now}: sign anew, with a clock that is right"
            ));
        }
        (late < self.skew.saturating_neg()).then(|| {
            format!("it was signed in the future by the clock here, which says {now}: set your clock right")
        })
    }

    /// Clocks may differ by so many seconds, 30 to 120.
    pub fn with_skew(skew: i64) -> Result<Self, SkewError> {
        if !(30..=120).contains(&skew) {
            return Err(SkewError(skew));
        }
        Ok(Self {
            skew,
            ..Self::default()
        })
    }

    /// By how many seconds clocks may differ.
    pub fn skew(self) -> i64 {
        self.skew
    }
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            skew: 30,
            lifetime: 60,
        }
    }
}

/// What the service knows of a key.
#[derive(Clone, Debug)]
pub struct KnownKey {
    /// Its name.
    pub id: KeyId,
    /// What verifies its signatures.
    pub verifying: VerifyingKey,
    /// Where it is in its life.
    pub life: LifeCycle,
    /// What it may do.
    pub scopes: Scopes,
}

/// A request that is written as the profile says.
#[derive(Debug)]
pub struct Parsed<'a> {
    request: Request<'a>,
    said: Said,
}

impl<'a> Parsed<'a> {
    /// Reads a request. A key of another environment than `here` is refused without looking it up.
    pub fn read(request: Request<'a>, here: Environment) -> Result<Self, Failure> {
        let said = said(&request)?;
        if said.key.environment() != here {
            return Err(Failure::WrongEnvironment);
        }
        Ok(Self { request, said })
    }

    /// Whose it says it is.
    pub fn key(&self) -> &KeyId {
        &self.said.key
    }

    /// With what was found under [`Self::key`].
    pub fn keyed(self, known: Option<&KnownKey>) -> Result<Keyed<'a>, Failure> {
        let known = known
            .filter(|known| known.id == self.said.key)
            .ok_or(Failure::UnknownKey)?;
        if known.verifying.algorithm() != self.said.algorithm {
            return Err(Failure::WrongAlgorithm);
        }
        Ok(Keyed {
            request: self.request,
            said: self.said,
            known: known.clone(),
        })
    }
}

/// One whose key is known.
#[derive(Debug)]
pub struct Keyed<'a> {
    request: Request<'a>,
    said: Said,
    known: KnownKey,
}

impl Keyed<'_> {
    /// Verifies the signature.
    pub fn verify(self) -> Result<Authentic, Failure> {
        let base = signature_base(&self.request, &self.said.covered, &self.said.parameters)?;
        if !self.known.verifying.verifies(&base, &self.said.signature) {
            return Err(Failure::BadSignature);
        }
        Ok(Authentic {
            is_write: self.request.is_write(),
            said: self.said,
            known: self.known,
        })
    }
}

/// One that its key has signed, at some time.
#[derive(Debug)]
pub struct Authentic {
    is_write: bool,
    said: Said,
    known: KnownKey,
}

impl Authentic {
    /// Whether it is good now, and the key is. Only whoever has the key learns what state it is in.
    pub fn at(self, now: UnixTime, windows: Windows) -> Result<Timely, Failure> {
        if !self.known.life.verifies(now) {
            return Err(Failure::KeyNotActive);
        }
        let Said {
            created, expires, ..
        } = self.said;
        if now.since(created) > windows.skew || now >= expires {
            return Err(Failure::Stale);
        }
        if created.since(now) > windows.skew
            || expires.since(created) > windows.lifetime
            || expires <= created
        {
            return Err(Failure::Early);
        }
        Ok(Timely {
            is_write: self.is_write,
            keep_until: expires.plus(windows.skew),
            said: self.said,
            known: self.known,
        })
    }
}

/// One that was signed lately by a key that is active.
#[derive(Debug)]
pub struct Timely {
    is_write: bool,
    keep_until: UnixTime,
    said: Said,
    known: KnownKey,
}

impl Timely {
    /// Whether a body is covered; if not, there must be none.
    pub fn expects_body(&self) -> bool {
        self.said.digest.is_some()
    }

    /// With the body as it came.
    pub fn body(self, body: &[u8]) -> Result<Whole, Failure> {
        let fits = match &self.said.digest {
            Some(digest) => digest.fits(body),
            None => body.is_empty(),
        };
        if !fits {
            return Err(Failure::BadDigest);
        }
        Ok(Whole(self))
    }
}

/// One whose body is the one that was signed.
#[derive(Debug)]
pub struct Whole(Timely);

/// What the nonce store says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NonceUse {
    /// It is new, and stored now.
    Fresh,
    /// It was used before.
    Repeated,
    /// Too many are stored of this key.
    Full,
    /// Nobody knows: the store failed.
    Unknown,
}

impl Whole {
    /// What has to be stored: whose, what, and until when.
    pub fn nonce(&self) -> (&KeyId, NonceHash, UnixTime) {
        (
            &self.0.known.id,
            self.0.said.nonce.hash(),
            self.0.keep_until,
        )
    }

    /// With what the nonce store said. Where it failed, a write is refused, and a read goes on: to see twice what may be
    /// seen does no harm.
    pub fn fresh(self, used: NonceUse) -> Result<Fresh, Failure> {
        match used {
            NonceUse::Fresh => Ok(Fresh(self.0)),
            NonceUse::Unknown if !self.0.is_write => Ok(Fresh(self.0)),
            NonceUse::Unknown => Err(Failure::NonceStore),
            NonceUse::Repeated => Err(Failure::Replayed),
            NonceUse::Full => Err(Failure::RateLimited),
        }
    }
}

/// One that was never seen before.
#[derive(Debug)]
pub struct Fresh(Timely);

impl Fresh {
    /// Whether its key may do what needs `scope`.
    pub fn scope(self, scope: Scope) -> Result<Scoped, Failure> {
        let known = self.0.known;
        if !known.scopes.allow(scope) {
            return Err(Failure::Scope);
        }
        if scope.needs_ed25519() && known.verifying.algorithm() != Algorithm::Ed25519 {
            return Err(Failure::NeedsEd25519);
        }
        Ok(Scoped(known))
    }
}

/// One that may be answered, if it is not one too many.
#[derive(Debug)]
pub struct Scoped(KnownKey);

impl Scoped {
    /// Whose it is.
    pub fn key(&self) -> &KeyId {
        &self.0.id
    }

    /// With what the limit of its key says.
    pub fn rate(self, within: bool) -> Result<Permitted, Failure> {
        if within {
            Ok(Permitted(self.0))
        } else {
            Err(Failure::RateLimited)
        }
    }
}

/// One that is answered.
#[derive(Debug)]
pub struct Permitted(KnownKey);

impl Permitted {
    /// Whose it is.
    pub fn key(&self) -> &KeyId {
        &self.0.id
    }

    /// What else its key may do.
    pub fn scopes(&self) -> &Scopes {
        &self.0.scopes
    }
}
