//! A feed: each node hears slightly different values at slightly different times, and they come to one attestation.

use tocsin_domain::bundle::{EvidenceBundle, VerifyOptions};

use super::member::signers;
use super::quartet::{Quartet, sorted};

const ALL: [usize; 4] = [0, 1, 2, 3];

/// The prices that the four providers say, of which the second highest loss is that of the second.
fn fall(quartet: &Quartet, prices: [&str; 4]) {
    for (spot, price) in quartet.spots.iter().zip(prices) {
        spot.set_price("AAA", price);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_that_hear_slightly_different_things_attest_the_same() {
    let mut quartet = Quartet::set(&[(1, "AAA"), (2, "AAA")], "").await;
    // Their providers' clocks are not the same either.
    for (spot, late) in quartet.spots.iter().zip([0, 3, 1, 2]) {
        spot.pass(late);
    }
    quartet.start_all();
    for spot in &quartet.spots {
        spot.until_seen("AAA").await;
    }
    fall(&quartet, ["0.81", "0.8000", "0.79", "0.805"]);
    let attested = quartet.until_attested(&ALL, 2).await;
    for spot in &quartet.spots {
        assert_eq!(sorted(spot.attested().await), attested);
    }
    for index in ALL {
        for id in &attested {
            let bundle = quartet.spots[index]
                .get(&format!("v1/attestations/{id}/evidence"))
                .await
                .unwrap();
            let bundle: EvidenceBundle = serde_json::from_value(bundle).unwrap();
            let options = VerifyOptions {
                trusted_signers: Some(signers(&quartet.members, 1).signers().to_vec()),
                verifier: None,
            };
            let report = tocsin_domain::bundle::verify(&bundle, &options);
            assert!(report.is_valid(), "{report:?}");
        }
    }
}
