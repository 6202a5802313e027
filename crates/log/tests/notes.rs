//! Notes, checkpoints, paths and bundles: examples of others, and hostile bytes.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use proptest::prelude::*;
use tocsin_log::{
    Checkpoint, Hash, LogError, Note, SigningKey, TileId, TilePath, VerifierKey, parse_bundle,
    write_bundle,
};

/// The example of Go's `sumdb/note`, which C2SP describes.
#[test]
fn a_note_of_go_verifies() {
    let key: VerifierKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        .parse()
        .unwrap();
    let note = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n\
                \n\
                — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let text = note.split("\n\n").next().unwrap();
    let parsed: Note = note.parse().unwrap();
    assert_eq!(parsed.verified(&key).unwrap(), format!("{text}\n"));
    let other: Note = note.replace("answer", "Answer").parse().unwrap();
    assert_eq!(
        other.verified(&key),
        Err(LogError::Unsigned("PeterNeumann".to_owned()))
    );
    assert_eq!(
        key.to_string(),
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    );
}

fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(name.parse().unwrap(), &[7; 32])
}

#[test]
fn a_checkpoint_is_of_the_log_that_its_key_names() {
    let checkpoint = Checkpoint {
        origin: "example.com/log".to_owned(),
        size: 20_852_163,
        root: Hash([9; 32]),
    };
    let note = checkpoint.sign(&key("example.com/log")).unwrap();
    let verifier: VerifierKey = key("example.com/log")
        .verifier()
        .to_string()
        .parse()
        .unwrap();
    assert_eq!(Checkpoint::verify(&note, &verifier).unwrap(), checkpoint);
    let elsewhere = checkpoint.sign(&key("example.com/other")).unwrap();
    assert!(matches!(
        Checkpoint::verify(&elsewhere, key("example.com/other").verifier()),
        Err(LogError::OtherOrigin { .. })
    ));
    assert!(matches!(
        Checkpoint::verify(&elsewhere, &verifier),
        Err(LogError::Unsigned(_))
    ));
    let seed = format!("{:?}", key("example.com/log"));
    assert!(!seed.contains(&hex::encode([7; 32])), "{seed}");
}

#[test]
fn tiles_are_named_as_c2sp_names_them() {
    let entries = TilePath::Entries {
        index: 1_234_067,
        width: 16,
    };
    assert_eq!(entries.to_string(), "tile/entries/x001/x234/067.p/16");
    let hashes = TilePath::Hashes {
        id: TileId { level: 1, index: 7 },
        width: 256,
    };
    assert_eq!(hashes.to_string(), "tile/1/007");
    for path in [entries, hashes] {
        assert_eq!(path.to_string().parse(), Ok(path));
    }
    for wrong in [
        "tile/0/7",
        "tile/0/1234",
        "tile/0/x007",
        "tile/0/x000/007",
        "tile/9/000",
        "tile/00/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/07",
        "tile/data/000",
        "tile/0/001/002",
        "tile/0/",
    ] {
        assert!(wrong.parse::<TilePath>().is_err(), "{wrong}");
    }
}

proptest! {
    /// Whatever bytes come, the parsers answer; what they take they write again as it was.
    #[test]
    fn parsers_take_nothing_that_they_would_not_write(text in "\\PC{0,200}|(tile/[0-9a-z/.x]{0,30})|([ -~\n—+/=]{0,300})") {
        if let Ok(path) = text.parse::<TilePath>() {
            prop_assert_eq!(path.to_string(), text.clone());
        }
        if let Ok(checkpoint) = text.parse::<Checkpoint>() {
            prop_assert!(text.starts_with(&checkpoint.to_string()));
        }
        if let Ok(key) = text.parse::<VerifierKey>() {
            prop_assert_eq!(key.to_string(), text.clone());
        }
        if let Ok(note) = text.parse::<Note>() {
            prop_assert!(text.starts_with(note.unverified()));
        }
    }

    #[test]
    fn bundles_give_back_their_entries(entries in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..20), cut in any::<u16>()) {
        let bundle = write_bundle(entries.iter().map(Vec::as_slice)).unwrap();
        let read: Vec<Vec<u8>> = parse_bundle(&bundle).unwrap().into_iter().map(<[u8]>::to_vec).collect();
        prop_assert_eq!(&read, &entries);
        if !bundle.is_empty() {
            let cut = usize::from(cut) % bundle.len();
            let shorter = parse_bundle(&bundle[..cut]);
            prop_assert!(shorter.is_err() || shorter.unwrap().len() < entries.len());
        }
    }
}
