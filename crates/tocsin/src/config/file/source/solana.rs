//! A field of a Solana account, and of an event that a program logs.

use serde::Deserialize;
use tocsin_domain::observation::{Metric, SourceId, Subject};
use tocsin_sources::solana::{
    AccountSettings, Field, FieldType, ProgramEventSettings, Pubkey, SolanaSource,
};

use super::reason;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountSection {
    subject: String,
    metric: String,
    /// The program that must own the account.
    owner: String,
    /// The bytes that its data must begin with, in hex.
    #[serde(default)]
    begins_with: String,
    offset: usize,
    #[serde(rename = "type")]
    ty: TypeText,
    #[serde(default)]
    decimals: u8,
    #[serde(default)]
    from_slot: u64,
    #[serde(default, rename = "heartbeat")]
    _heartbeat: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProgramEventSection {
    subject: String,
    metric: String,
    /// Eight bytes in hex.
    discriminator: String,
    offset: usize,
    #[serde(rename = "type")]
    ty: TypeText,
    #[serde(default)]
    decimals: u8,
    from_slot: u64,
    #[serde(default, rename = "heartbeat")]
    _heartbeat: Option<String>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum TypeText {
    U8,
    U16,
    U32,
    U64,
    U128,
    I64,
    Bool,
    Pubkey,
}

impl From<TypeText> for FieldType {
    fn from(text: TypeText) -> Self {
        match text {
            TypeText::U8 => Self::U8,
            TypeText::U16 => Self::U16,
            TypeText::U32 => Self::U32,
            TypeText::U64 => Self::U64,
            TypeText::U128 => Self::U128,
            TypeText::I64 => Self::I64,
            TypeText::Bool => Self::Bool,
            TypeText::Pubkey => Self::Pubkey,
        }
    }
}

fn key(name: &str, text: &str) -> Result<Pubkey, String> {
    text.parse()
        .map_err(|error| format!("`{name}`: `{text}` is no public key ({error})"))
}

fn bytes(name: &str, text: &str) -> Result<Vec<u8>, String> {
    alloy::primitives::hex::decode(text)
        .map_err(|error| format!("`{name}`: `{text}` is not bytes in hex ({error})"))
}

impl AccountSection {
    pub(super) fn source(self, id: &str, account: &str) -> Result<SolanaSource, String> {
        let settings = AccountSettings {
            source: SourceId::from(id.to_owned()),
            account: key("account", account)?,
            owner: key("owner", &self.owner)?,
            begins_with: bytes("begins_with", &self.begins_with)?,
            field: Field {
                offset: self.offset,
                ty: self.ty.into(),
                decimals: self.decimals,
            },
            subject: Subject::from(self.subject),
            metric: Metric::from(self.metric),
            from_slot: self.from_slot,
        };
        SolanaSource::account(settings).map_err(reason)
    }
}

impl ProgramEventSection {
    pub(super) fn source(self, id: &str, program: &str) -> Result<SolanaSource, String> {
        let discriminator = bytes("discriminator", &self.discriminator)?
            .try_into()
            .map_err(|other: Vec<u8>| {
                format!("`discriminator` has {} bytes, not eight", other.len())
            })?;
        let settings = ProgramEventSettings {
            source: SourceId::from(id.to_owned()),
            program: key("program", program)?,
            discriminator,
            field: Field {
                offset: self.offset,
                ty: self.ty.into(),
                decimals: self.decimals,
            },
            subject: Subject::from(self.subject),
            metric: Metric::from(self.metric),
            from_slot: self.from_slot,
        };
        SolanaSource::event(settings).map_err(reason)
    }
}
