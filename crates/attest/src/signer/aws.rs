//! Keys in AWS KMS.

use alloy::primitives::{Address, Signature};
use alloy::signers::Signer as _;
use alloy_signer_aws::{AwsSigner, AwsSignerError};
use async_trait::async_trait;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_kms::Client;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};

use super::{Key, KeySettings, Statement};
use crate::error::KeyFault;

/// Errors of the service that go away by themselves (AWS KMS API reference, "Common Errors" and those of `Sign`).
const PASSING: [&str; 9] = [
    "DependencyTimeoutException",
    "InternalFailure",
    "KMSInternalException",
    "KeyUnavailableException",
    "LimitExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
];

struct AwsKey(AwsSigner);

pub(super) async fn open(settings: &KeySettings) -> Result<Box<dyn Key>, KeyFault> {
    let KeySettings::AwsKms {
        key,
        region,
        endpoint,
        credentials,
        timeout,
    } = settings
    else {
        return Err(KeyFault::Lasting("not a key of AWS KMS".into()));
    };
    // A third of it for each of the library's three attempts.
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(*timeout / 3);
    let mut loader =
        aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts.build());
    if let Some(region) = region.as_deref().or_else(|| region_of(key)) {
        loader = loader.region(Region::new(region.to_owned()));
    }
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint.as_str());
    }
    if let Some(path) = credentials {
        let files = EnvConfigFiles::builder()
            .with_file(EnvConfigFileKind::Credentials, path)
            .build();
        let provider = ProfileFileCredentialsProvider::builder().profile_files(files);
        loader = loader.credentials_provider(provider.build());
    }
    let client = Client::new(&loader.load().await);
    let opened = AwsSigner::new(client, key.clone(), None).await;
    let key = opened.map_err(fault)?;
    Ok(Box::new(AwsKey(key)))
}

#[async_trait]
impl Key for AwsKey {
    fn address(&self) -> Address {
        self.0.address()
    }

    async fn sign(&self, statement: &Statement<'_>) -> Result<Signature, KeyFault> {
        let signed = self.0.sign_hash(&statement.what().digest()).await;
        signed.map_err(|error| match error {
            alloy::signers::Error::Other(cause) => match cause.downcast::<AwsSignerError>() {
                Ok(cause) => fault(*cause),
                Err(cause) => KeyFault::Lasting(cause),
            },
            other => KeyFault::Lasting(other.into()),
        })
    }
}

/// `arn:aws:kms:eu-central-1:111122223333:key/…` names its region.
fn region_of(key: &str) -> Option<&str> {
    let mut parts = key.strip_prefix("arn:")?.split(':').skip(2);
    parts.next().filter(|region| !region.is_empty())
}

fn fault(error: AwsSignerError) -> KeyFault {
    match error {
        AwsSignerError::Sign(error) => service_fault(error),
        AwsSignerError::GetPublicKey(error) => service_fault(error),
        AwsSignerError::SignatureRecoveryFailed => KeyFault::OtherKey,
        other => KeyFault::Lasting(other.into()),
    }
}

fn service_fault<E, R>(error: SdkError<E, R>) -> KeyFault
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let passing = match &error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            true
        }
        SdkError::ServiceError(refused) => refused
            .err()
            .code()
            .is_some_and(|code| PASSING.contains(&code)),
        _ => false,
    };
    // The service's own words are below what the library says of it.
    let cause = error.into_source().unwrap_or_else(|whole| whole.into());
    if passing {
        KeyFault::Passing(cause)
    } else {
        KeyFault::Lasting(cause)
    }
}

#[cfg(test)]
mod tests {
    use super::region_of;

    #[test]
    fn an_arn_names_its_region() {
        let arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        assert_eq!(region_of(arn), Some("eu-central-1"));
        assert_eq!(region_of("1234abcd-12ab-34cd-56ef-1234567890ab"), None);
        assert_eq!(region_of("alias/attestor"), None);
        assert_eq!(region_of("arn:aws:kms"), None);
    }
}
