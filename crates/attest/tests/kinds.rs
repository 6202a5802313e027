//! A kind of key that is not in a build is refused by the name of what would bring it.
#![cfg(not(any(feature = "aws-kms", feature = "gcp-kms", feature = "ledger")))]
use tocsin_attest::signer::REMOTE_TIMEOUT;
use tocsin_attest::{KeySettings, Signer};

#[tokio::test]
async fn a_kind_that_was_not_built_in_is_refused_by_its_feature() {
    let kinds = [
        (
            "aws-kms",
            KeySettings::AwsKms {
                key: "alias/attestor".to_owned(),
                region: None,
                endpoint: None,
                credentials: None,
                timeout: REMOTE_TIMEOUT,
            },
        ),
        (
            "gcp-kms",
            KeySettings::GcpKms {
                key: "projects/p".to_owned(),
                endpoint: None,
                credentials: None,
                timeout: REMOTE_TIMEOUT,
            },
        ),
        (
            "ledger",
            KeySettings::Ledger {
                path: "m/44'/60'/0'/0/0".to_owned(),
            },
        ),
    ];
    for (kind, settings) in kinds {
        let error = Signer::connect(&settings).await.unwrap_err();
        assert!(!error.is_transient());
        let said = error.to_string();
        assert!(said.contains(&format!("--features {kind}")), "{said}");
        // Nor is it one that could be opened here.
        Signer::open(&settings).unwrap_err();
    }
}
