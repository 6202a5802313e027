//! Keys in Google Cloud KMS.

use std::path::Path;

use alloy::primitives::{Address, Signature};
use alloy::signers::Signer as _;
use alloy_signer_gcp::gcloud_sdk::google::cloud::kms::v1::key_management_service_client::KeyManagementServiceClient;
use alloy_signer_gcp::gcloud_sdk::tonic::Code;
use alloy_signer_gcp::gcloud_sdk::{GCP_DEFAULT_SCOPES, GoogleApi, TokenSourceType};
use alloy_signer_gcp::{GcpKeyRingRef, GcpSigner, GcpSignerError, KeySpecifier};
use async_trait::async_trait;

use super::{Key, KeySettings, Statement};
use crate::error::KeyFault;

const SERVICE: &str = "https://cloudkms.googleapis.com";

struct GcpKey(GcpSigner);

pub(super) async fn open(settings: &KeySettings) -> Result<Box<dyn Key>, KeyFault> {
    let KeySettings::GcpKms {
        key,
        endpoint,
        credentials,
        ..
    } = settings
    else {
        return Err(KeyFault::Lasting("not a key of Google Cloud KMS".into()));
    };
    let name = KeyName::parse(key).ok_or_else(|| {
        KeyFault::Lasting(
            format!(
                "`{key}` is not the name of a key version: write \
                     projects/…/locations/…/keyRings/…/cryptoKeys/…/cryptoKeyVersions/1"
            )
            .into(),
        )
    })?;
    // The library takes all that follows `https://` for the server's name.
    if endpoint
        .as_ref()
        .is_some_and(|url| url.scheme() == "https" && url.port().is_some())
    {
        let said =
            "an https endpoint of Google Cloud KMS must have no port but 443, which is not written";
        return Err(KeyFault::Lasting(said.into()));
    }
    let address = endpoint.as_ref().map_or(SERVICE, |url| url.as_str());
    let client = GoogleApi::from_function_with_token_source(
        KeyManagementServiceClient::new,
        address.trim_end_matches('/'),
        None,
        GCP_DEFAULT_SCOPES.clone(),
        token_source(credentials.as_deref()),
    )
    .await
    // Neither it nor the metadata server could be reached, or the credentials cannot be read: it does not say which.
    .map_err(|error| KeyFault::Passing(error.into()))?;
    let opened = GcpSigner::new(client, name.specifier(), None).await;
    let key = opened.map_err(fault)?;
    Ok(Box::new(GcpKey(key)))
}

fn token_source(credentials: Option<&Path>) -> TokenSourceType {
    credentials.map_or(TokenSourceType::Default, |path| {
        TokenSourceType::File(path.to_owned())
    })
}

#[async_trait]
impl Key for GcpKey {
    fn address(&self) -> Address {
        self.0.address()
    }

    async fn sign(&self, statement: &Statement<'_>) -> Result<Signature, KeyFault> {
        let signed = self.0.sign_hash(&statement.what().digest()).await;
        signed.map_err(|error| match error {
            alloy::signers::Error::Other(cause) => match cause.downcast::<GcpSignerError>() {
                Ok(cause) => fault(*cause),
                Err(cause) => KeyFault::Lasting(cause),
            },
            other => KeyFault::Lasting(other.into()),
        })
    }
}

fn fault(error: GcpSignerError) -> KeyFault {
    match error {
        GcpSignerError::RequestError(status) => match status.code() {
            Code::NotFound
            | Code::PermissionDenied
            | Code::Unauthenticated
            | Code::InvalidArgument
            | Code::FailedPrecondition
            | Code::Unimplemented => KeyFault::Lasting(status.into()),
            _ => KeyFault::Passing(status.into()),
        },
        GcpSignerError::SignatureRecoveryFailed => KeyFault::OtherKey,
        other => KeyFault::Lasting(other.into()),
    }
}

/// A key version's resource name, in parts.
#[derive(PartialEq, Eq, Debug)]
struct KeyName<'a> {
    project: &'a str,
    location: &'a str,
    ring: &'a str,
    key: &'a str,
    version: u64,
}

impl<'a> KeyName<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let parts: Vec<&str> = name.split('/').collect();
        let [
            "projects",
            project,
            "locations",
            location,
            "keyRings",
            ring,
            "cryptoKeys",
            key,
            "cryptoKeyVersions",
            version,
        ] = parts[..]
        else {
            return None;
        };
        // It travels in a header.
        let plain = |part: &str| {
            let ok = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
            !part.is_empty() && part.chars().all(ok)
        };
        ([project, location, ring, key].into_iter().all(plain)).then_some(Self {
            project,
            location,
            ring,
            key,
            version: version.parse().ok()?,
        })
    }

    fn specifier(&self) -> KeySpecifier {
        let ring = GcpKeyRingRef::new(self.project, self.location, self.ring);
        KeySpecifier::new(ring, self.key, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::KeyName;

    #[test]
    fn a_key_version_is_named_in_full() {
        let name = "projects/example.com:p-1/locations/europe-west3/keyRings/r/cryptoKeys/k/cryptoKeyVersions/7";
        let parsed = KeyName::parse(name);
        let expected = KeyName {
            project: "example.com:p-1",
            location: "europe-west3",
            ring: "r",
            key: "k",
            version: 7,
        };
        assert_eq!(parsed, Some(expected));
        for wrong in [
            "projects/p/locations/l/keyRings/r/cryptoKeys/k",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/primary",
            "projects//locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
            "projects/p\n/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
            "/projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
        ] {
            assert_eq!(KeyName::parse(wrong), None, "{wrong}");
        }
    }
}
