//! Rows of clients, keys and proposals, and the way back to what they say.

use tocsin_auth::seal::{MasterId, Sealed};
use tocsin_auth::{KeyId, UnixTime};
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::credential::{Client, Credential, Material, Owner, Proposal};

use crate::column::{hexed, present};
use crate::lives::life;

pub(super) struct ClientRow {
    pub(super) name: String,
    pub(super) created_at: i64,
}

impl ClientRow {
    pub(super) fn decode(self) -> Result<Client, StoreError> {
        let name = self.name.parse();
        Ok(Client {
            name: name.map_err(|flaw: Flaw| flaw.invalid_row("client", &self.name))?,
            created_at: UnixTime(self.created_at),
        })
    }
}

pub(super) struct CredentialRow {
    pub(super) id: String,
    pub(super) owner_kind: String,
    pub(super) owner: String,
    pub(super) public_key: Option<Vec<u8>>,
    pub(super) master: Option<Vec<u8>>,
    pub(super) wrapped: Option<Vec<u8>>,
    pub(super) sealed: Option<Vec<u8>>,
    pub(super) scopes: String,
    pub(super) state: String,
    pub(super) since: Option<i64>,
    pub(super) until: Option<i64>,
    pub(super) expires_at: i64,
    pub(super) created_at: i64,
}

impl CredentialRow {
    pub(super) fn decode(self) -> Result<Credential, StoreError> {
        let key = self.id.clone();
        self.try_decode()
            .map_err(|flaw| flaw.invalid_row(super::NOUN, key))
    }

    fn try_decode(self) -> Result<Credential, Flaw> {
        let life = life(&self.state, self.since, self.until, self.expires_at)?;
        let name = self.owner.parse()?;
        let owner = match self.owner_kind.as_str() {
            "client" => Owner::Client(name),
            "webhook" => Owner::Webhook(name),
            other => return Err(Flaw(format!("there is no kind of owner `{other}`"))),
        };
        let sealed = match self.master {
            None => None,
            Some(master) => Some(Sealed {
                master: MasterId(sized("master", &master)?),
                wrapped: present("wrapped", self.wrapped)?,
                body: present("sealed", self.sealed)?,
            }),
        };
        let public = self.public_key.as_deref();
        let public = public
            .map(|public| sized("public_key", public))
            .transpose()?;
        let material = match (public, sealed) {
            (Some(public), None) => Material::Public(public),
            (None, Some(sealed)) => Material::Secret(sealed),
            (Some(public), Some(private)) => Material::Pair { public, private },
            (None, None) => return Err(Flaw("there is neither a key nor a secret".to_owned())),
        };
        let scopes = self.scopes.parse();
        Ok(Credential {
            id: id(&self.id)?,
            owner,
            material,
            scopes: scopes.map_err(|error| Flaw(format!("{error}")))?,
            life,
            created_at: UnixTime(self.created_at),
        })
    }
}

pub(super) struct ProposalRow {
    pub(super) id: Vec<u8>,
    pub(super) act: String,
    pub(super) proposed_by: String,
    pub(super) proposer: String,
    pub(super) proposed_at: i64,
    pub(super) expires_at: i64,
}

impl ProposalRow {
    pub(super) fn decode(self) -> Result<Proposal, StoreError> {
        let name = hexed(&self.id);
        let decode = || {
            Ok(Proposal {
                id: sized("id", &self.id)?,
                act: self.act,
                proposed_by: id(&self.proposed_by)?,
                proposer: self.proposer.parse()?,
                proposed_at: UnixTime(self.proposed_at),
                expires_at: UnixTime(self.expires_at),
            })
        };
        decode().map_err(|flaw: Flaw| flaw.invalid_row("proposal", name))
    }
}

pub(super) fn id(text: &str) -> Result<KeyId, Flaw> {
    text.parse()
        .map_err(|error| Flaw(format!("`{text}`: {error}")))
}

fn sized<const N: usize>(column: &str, bytes: &[u8]) -> Result<[u8; N], Flaw> {
    bytes
        .try_into()
        .map_err(|_length| Flaw(format!("{column} has {} bytes instead of {N}", bytes.len())))
}
