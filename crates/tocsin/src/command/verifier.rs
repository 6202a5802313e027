//! What the commands about keys and claims share: the verifier of a configuration, and who sends a transaction to it.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use alloy::primitives::Address;
use secrecy::SecretString;
use tocsin_attest::Signer;
use tocsin_delivery::onchain::{AdminCall, Submitter, SubmitterKey};

use crate::cli::Sending;
use crate::config::{AttestorConfig, Config, DeliveryConfig, read};
use crate::report::Report;

/// A configuration that attests, with a way to its verifier.
pub(crate) struct Place {
    pub(crate) config: Config,
    pub(crate) submitter: Submitter,
}

/// Who may send a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Owner,
    Guardian,
    OwnerOrGuardian,
    Anybody,
}

impl Place {
    /// Reads the configuration and connects to its verifier, as the account that `sending` names or as the one that
    /// delivers claims.
    pub(crate) async fn open(path: &Path, sending: &Sending) -> Result<Self, Report> {
        let config = Config::load(path)?;
        let delivery = delivery(&config, path)?;
        let key = match &sending.keystore {
            Some(keystore) => SubmitterKey::Keystore {
                path: keystore.clone(),
                password: password(sending)?,
            },
            None => delivery.key.clone(),
        };
        let submitter = Submitter::connect(delivery.settings.clone(), key).await?;
        Ok(Self { config, submitter })
    }

    pub(crate) fn attestor(&self) -> Result<&AttestorConfig, Report> {
        let attestor = self.config.attestor.as_ref();
        attestor.ok_or_else(|| Report::bad_input("the configuration has no [attestor]"))
    }

    /// Sends the call and waits until it is final, or prints it for whoever sends it otherwise.
    pub(crate) async fn perform(
        &self,
        call: &AdminCall,
        role: Role,
        sending: &Sending,
        out: &mut dyn Write,
    ) -> Result<(), Report> {
        let verifier = self.submitter.settings().verifier;
        if sending.calldata {
            writeln!(out, "to   {verifier}")?;
            writeln!(out, "data {}", call.calldata())?;
            return Ok(());
        }
        self.check_role(role).await?;
        let patience = Duration::from_secs(sending.wait);
        let performed = self.submitter.perform(call, patience).await?;
        writeln!(
            out,
            "done: transaction {} is final in block {}",
            performed.transaction, performed.block
        )?;
        Ok(())
    }

    async fn check_role(&self, role: Role) -> Result<(), Report> {
        let authorities = self.submitter.authorities().await?;
        let sender = self.submitter.sender();
        let (owner, guardian) = (authorities.owner, authorities.guardian);
        let (may, who): (bool, Vec<(&str, Address)>) = match role {
            Role::Anybody => return Ok(()),
            Role::Owner => (sender == owner, vec![("owner", owner)]),
            Role::Guardian => (sender == guardian, vec![("guardian", guardian)]),
            Role::OwnerOrGuardian => (
                sender == owner || sender == guardian,
                vec![("guardian", guardian), ("owner", owner)],
            ),
        };
        if may {
            return Ok(());
        }
        let who: Vec<String> = who
            .iter()
            .map(|(name, address)| format!("the {name} {address}"))
            .collect();
        Err(Report::bad_input(format!(
            "only {} may do that, not {sender}: name its keystore with --keystore and --password-file, or have it sent by a \
             multisig with --calldata",
            who.join(" or ")
        )))
    }
}

/// The keys of this node.
pub(crate) async fn open_keys(attestor: &AttestorConfig) -> Result<Vec<Signer>, Report> {
    let mut keys = Vec::new();
    for key in &attestor.keys {
        keys.push(Signer::connect(key).await?);
    }
    Ok(keys)
}

fn delivery<'a>(config: &'a Config, path: &Path) -> Result<&'a DeliveryConfig, Report> {
    config.deliveries.first().ok_or_else(|| {
        Report::bad_input(format!(
            "{}: there is no [delivery] section, so the verifier cannot be asked: write one with the endpoints of its chain",
            path.display()
        ))
    })
}

fn password(sending: &Sending) -> Result<SecretString, Report> {
    let Some(file) = &sending.password_file else {
        return Err(Report::bad_input(
            "--keystore needs --password-file, the file with its password",
        ));
    };
    Ok(SecretString::from(
        read(file)?.trim_end_matches(['\r', '\n']),
    ))
}
