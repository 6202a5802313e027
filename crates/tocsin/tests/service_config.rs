//! The service configuration: every kind of source that docs/sources.md describes loads with the keys that it has there, and a
//! mistake gives one message that names the place and shows no key.
#![expect(clippy::unwrap_used, reason = "what cannot be set up is a failed test")]

use std::process::{Command, Output};

const A: &str = "0x00000000000000000000000000000000000000aa";
const B: &str = "0x00000000000000000000000000000000000000bb";
const SOLANA: &str = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp";
const PROGRAM: &str = "SPoo1Ku8WFXoNDMHPsrGSTSG1Y47rzgn41SLUNakuHy";

const CHAIN: &str = "[chains.\"eip155:1\"]\nstrictly_rising_timestamps = true\n";
const ENDPOINTS: &str =
    "endpoints = [{ url = \"http://127.0.0.1:1\" }, { url = \"http://127.0.0.1:2\" }]\n";

/// A service that watches both kinds of chains, with these sources.
fn with(sources: &str) -> String {
    format!(
        "database = \"t.db\"\n{CHAIN}{ENDPOINTS}multicall = \"{A}\"\n[chains.\"{SOLANA}\"]\nurl = \"http://127.0.0.1:3\"\n{sources}"
    )
}

/// A service that watches a chain of which this is said, too.
fn of_chain(said: &str) -> String {
    format!("database = \"t.db\"\n{CHAIN}{said}")
}

fn check(config: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tocsin.toml");
    std::fs::write(&path, config).unwrap();
    Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(["check", "--config"])
        .arg(path)
        .output()
        .unwrap()
}

fn accepts(config: &str) {
    let output = check(config);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{config}\n{said}");
}

/// Refused in one line that has all of these words, and nothing of a key.
fn refuses(config: &str, words: &[&str]) {
    let output = check(config);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "accepted: {config}");
    assert!(said.contains("tocsin.toml"), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
}

fn source(id: &str, keys: &str) -> String {
    format!("[sources.\"{id}\"]\nsubject = \"s\"\nmetric = \"m\"\n{keys}\n")
}

#[test]
fn every_kind_of_source_loads_with_the_keys_that_are_documented() {
    let event = format!("event:eip155:1:{A}#Moved(address,uint256,uint64,uint64)");
    let moved = "event = \"Moved(address indexed by, uint256 amount, uint64 round, uint64 at)\"";
    let feed = format!("chainlink:eip155:1:{A}");
    let call = format!("call:eip155:1:{A}#convertToAssets(uint256)");
    let function = "function = \"convertToAssets(uint256 shares) view returns (uint256 assets)\"\narguments = [\"1000000\"]";
    let storage = format!("storage:eip155:1:{A}#3");
    let waking =
        format!("on_events = [{{ contract = \"{B}\", event = \"Moved(uint256 amount)\" }}]");
    let account = format!("account:{SOLANA}:{PROGRAM}#total_lamports");
    let logged = format!("event:{SOLANA}:{PROGRAM}#Updated");
    for sources in [
        source(&event, &format!("{moved}\nfrom_block = 1")),
        source(
            &event,
            &format!(
                "{moved}\ncontract = \"{B}\"\nvalue = \"amount\"\ndecimals = 6\nonly = {{ by = \"{B}\" }}\n\
                 sequence = \"round\"\nobserved_at = \"at\"\nheartbeat = \"1h\"\nfrom_block = 1"
            ),
        ),
        source(
            &feed,
            &format!(
                "decimals = 8\naggregators = [{{ phase = 4, contract = \"{B}\", from_block = 1 }}]\nheartbeat = \"24h\"\n\
                 min_answer = \"1\"\nmax_answer = \"1000000000000\""
            ),
        ),
        source(
            &feed,
            &format!(
                "decimals = 8\nfrom_block = 1\nevery_blocks = 10\nheartbeat = \"24h\"\nmin_answer = \"1\"\n\
                 max_answer = \"1000000000000\"\nsequencer = {{ contract = \"{B}\", grace = \"1h\" }}"
            ),
        ),
        source(
            &call,
            &format!(
                "{function}\nvalue = \"assets\"\ndecimals = 6\non_revert = \"no value\"\nfrom = \"{B}\"\nevery_blocks = 5\n\
                 from_block = 1"
            ),
        ),
        source(
            &call,
            &format!("{function}\non_revert = 0\n{waking}\nfrom_block = 1"),
        ),
        source(
            &call,
            &format!("{function}\non_revert = \"success\"\nevery_blocks = 5\nfrom_block = 1"),
        ),
        source(
            &storage,
            "bit_offset = 8\nbits = 128\nfield = \"unsigned\"\ndecimals = 18\nevery_blocks = 5\nfrom_block = 1",
        ),
        source(
            &storage,
            &format!(
                "slot = \"mapping(3,{B})+1\"\nbits = 8\nfield = \"bool\"\n{waking}\nfrom_block = 1"
            ),
        ),
        source(
            &account,
            &format!(
                "owner = \"{PROGRAM}\"\nbegins_with = \"01\"\noffset = 258\ntype = \"u64\"\ndecimals = 9\nfrom_slot = 1"
            ),
        ),
        source(
            &logged,
            "discriminator = \"0102030405060708\"\noffset = 8\ntype = \"u64\"\ndecimals = 9\nfrom_slot = 1",
        ),
    ] {
        accepts(&with(&sources));
    }
}

#[test]
fn a_mistake_about_a_source_is_named_with_its_section() {
    let event = format!("event:eip155:1:{A}#Moved(uint256)");
    let call = format!("call:eip155:1:{A}#totalAssets()");
    let function =
        "function = \"totalAssets() view returns (uint256)\"\nevery_blocks = 5\nfrom_block = 1";
    for (id, keys, words) in [
        (
            &event,
            "event = \"Moved(uint256 amount)\"\nfrom_blok = 1",
            ["from_blok", "from_block"],
        ),
        (
            &event,
            "event = \"Moved(uint256 amount)\"\nfrom_block = \"1\"",
            ["from_block", "string"],
        ),
        (
            &event,
            "event = \"Moved(uint256 amount)\"\nfrom_block = 1\nvalue = \"amount\"",
            ["amount", "decimals"],
        ),
        (
            &call,
            &format!("{function}\non_revert = \"sucess\""),
            ["on_revert", "sucess"],
        ),
        (
            &call,
            &format!("{function}\non_revert = 0.5"),
            ["on_revert", "no value"],
        ),
        (
            &format!("balance:eip155:1:{A}"),
            "from_block = 1",
            ["balance", "event:<CAIP-10>"],
        ),
        (
            &format!("event:eip155:2:{A}#Moved(uint256)"),
            "event = \"Moved(uint256 amount)\"\nfrom_block = 1",
            ["eip155:2", "no [chains"],
        ),
    ] {
        let mut words = words.to_vec();
        words.push("[sources.\"");
        refuses(&with(&source(id, keys)), &words);
    }
}

#[test]
fn a_mistake_about_a_chain_is_named_with_its_key() {
    for (said, words) in [
        ("", vec!["`url`", "`endpoints`"]),
        (
            "url = \"http://127.0.0.1:1\"\nagreement = 2",
            vec!["agreement", "2", "name more"],
        ),
        (
            "url = \"http://127.0.0.1:1\"\nagrement = 2",
            vec!["agrement", "agreement"],
        ),
        (
            "url = \"http://127.0.0.1:1\"\nagreement = 0",
            vec!["agreement", "nonzero"],
        ),
        (
            "url = \"http://127.0.0.1:1\"\npoll_interval_ms = \"4s\"",
            vec!["poll_interval_ms"],
        ),
        (
            "url = \"http://127.0.0.1:1\"\npoll_interval_ms = 0",
            vec!["poll_interval_ms"],
        ),
        (
            "url = \"http://127.0.0.1:1\"\nstalled_after = \"0s\"",
            vec!["stalled_after"],
        ),
        (
            "url = \"http://127.0.0.1:1\"\nstalled_after = \"soon\"",
            vec!["stalled_after", "soon"],
        ),
        (
            "url = \"http://127.0.0.1:1\"\nfinality = \"latest\"",
            vec!["finality", "finalized", "instant"],
        ),
        (
            "url = \"http://127.0.0.1:1\"\nproof = \"blom\"",
            vec!["proof", "bloom"],
        ),
        (
            "url = \"http://127.0.0.1:1\"\nrecheck_every = \"10min\"",
            vec!["recheck_every", "weight = 0"],
        ),
        (
            &format!("{ENDPOINTS}recheck_every = \"0s\""),
            vec!["recheck_every"],
        ),
        (
            "endpoints = [{ url = \"http://h/s3cret\" }, { url = \"http://h/s3cret\" }]\nagreement = 2",
            vec!["endpoint 2", "once"],
        ),
    ] {
        let mut words = words;
        words.push("[chains.\"eip155:1\"]");
        refuses(&of_chain(said), &words);
    }
}

#[test]
fn no_message_shows_an_address_that_may_hold_a_key() {
    for said in [
        "url = \"https//node.example/s3cret\"",
        "url = \"node.example:8545/s3cret\"",
        "url = \"wss://node.example/s3cret\"",
        "url = \"https://node.example/s3cret/${KEY}\"",
        "url = \"${TOCSIN_NOT_SET}\"",
        "endpoints = [{ url = \"https://node.example/s3cret\", websocket = \"https://node.example/s3cret\" }]",
        "endpoints = \"https://node.example/s3cret\"",
        "agreement = \"https://node.example/s3cret\"",
    ] {
        refuses(&of_chain(said), &["[chains.\"eip155:1\"]"]);
    }
    // Not TOML at all: the line is drawn, without what is secret in it.
    let said = check(&of_chain("url = \"https://node.example/s3cret")).stderr;
    let said = String::from_utf8(said).unwrap();
    assert!(
        said.contains("line 4") && !said.contains("s3cret"),
        "{said}"
    );
}

const PROGRAMME: &str =
    "programme = \"0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f\"\n";
const KEY: &str = "signer = { kind = \"aws-kms\", key = \"alias/attestor\" }\n";

/// A service that attests, as this says.
fn attesting(said: &str) -> String {
    format!("database = \"t.db\"\n[attestor]\nhold = \"0s\"\nvalid_for = \"1d\"\n{said}")
}

/// An epoch of a programme.
fn epoch(number: u32, times: &str) -> String {
    format!("[[attestor.epochs]]\nnumber = {number}\nsigners = [\"{A}\"]\n{times}\n")
}

#[test]
fn a_programme_off_chain_has_signers_of_its_own_and_nothing_of_a_chain() {
    let one = format!("epoch = 1\nsigners = [\"{A}\"]\n");
    accepts(&attesting(&format!("{PROGRAMME}{KEY}{one}")));
    let quorum = format!(
        "[quorum]\nlisten = \"127.0.0.1:0\"\n[quorum.peers.\"{B}\"]\nurl = \"http://127.0.0.1:1\"\n"
    );
    accepts(&attesting(&format!("{PROGRAMME}{KEY}{one}{quorum}")));
    let delivery = "[delivery.\"eip155:1\"]\nurl = \"http://127.0.0.1:1\"\nmax_fee_gwei = 9\nsigner = { kind = \"ledger\" }\n";
    let verifier = format!("verifier = \"eip155:1:{B}\"\n");
    let zero = PROGRAMME.replace("0f", "00");
    for (said, words) in [
        (format!("{KEY}{one}"), vec!["`verifier`", "`programme`"]),
        (
            format!("{PROGRAMME}{verifier}{KEY}{one}"),
            vec!["either", "`verifier`", "`programme`"],
        ),
        (format!("{zero}{KEY}{one}"), vec!["zero", "32 random bytes"]),
        (
            format!("{PROGRAMME}{KEY}"),
            vec!["`epoch` and `signers`", "[[attestor.epochs]]"],
        ),
        (
            format!("{PROGRAMME}{KEY}{one}{delivery}"),
            vec!["[delivery]", "programme off-chain", "leave one out"],
        ),
    ] {
        refuses(&attesting(&said), &words);
    }
}

#[test]
fn epochs_of_a_programme_leave_no_gap_and_are_those_of_a_programme() {
    let until = |time: &str| {
        format!(
            "sign_until = \"2026-06-{time}T00:00:00Z\"\naccept_until = \"2026-09-01T00:00:00Z\""
        )
    };
    let from = |time: &str| format!("active_from = \"2026-06-{time}T00:00:00Z\"");
    let of = |epochs: &[String]| attesting(&format!("{PROGRAMME}{KEY}{}", epochs.concat()));
    let second = epoch(2, &from("10"));
    accepts(&of(&[epoch(1, &until("20")), second.clone()]));
    accepts(&of(&[epoch(1, &until("10")), second.clone()]));
    // Who revokes an epoch has a gap, and knows it.
    let revoked = format!("{}\nrevoked = true", until("01"));
    accepts(&of(&[epoch(1, &revoked), second.clone()]));
    for (epochs, words) in [
        (
            vec![second.clone(), epoch(1, &until("01"))],
            vec!["nobody signs between 2026-06-01", "epoch 2 begins"],
        ),
        (
            vec![second.clone(), second.clone()],
            vec!["epoch 2", "twice"],
        ),
        (
            vec![epoch(1, &format!("{}\n{}", from("21"), until("20")))],
            vec!["epoch 1", "out of order"],
        ),
        (
            vec![epoch(1, "active_from = \"soon\"")],
            vec!["epoch 1", "active_from"],
        ),
        (
            vec![epoch(1, "threshold = 2")],
            vec!["epoch 1", "threshold"],
        ),
    ] {
        let mut words = words;
        words.push("[attestor]");
        refuses(&of(&epochs), &words);
    }
    let both = format!("{PROGRAMME}{KEY}epoch = 1\nsigners = [\"{A}\"]\n{second}");
    refuses(&attesting(&both), &["either `epoch` and `signers`"]);
    let announced = format!("verifier = \"eip155:1:{B}\"\n{KEY}{second}");
    refuses(
        &attesting(&announced),
        &["[[attestor.epochs]]", "the verifier contract announces"],
    );
}

#[test]
fn mirrors_need_a_key_that_signs_by_itself_and_a_contract_with_a_version() {
    let verifier = format!("verifier = \"eip155:1:{B}\"\n");
    let eas = |version: &str| {
        format!("eas = {{ contract = \"eip155:1:{A}\", version = \"{version}\" }}\n")
    };
    accepts(&attesting(&format!("{verifier}{KEY}{}", eas("0.26"))));
    let ledger = "signer = { kind = \"ledger\" }\n";
    accepts(&attesting(&format!("{verifier}{ledger}")));
    let refused = format!("{verifier}{ledger}{}", eas("0.26"));
    refuses(&attesting(&refused), &["[attestor]", "Ledger"]);
    // Not as a further key, either.
    let further = format!(
        "{verifier}{KEY}{}[[attestor.keys]]\nkind = \"ledger\"\n",
        eas("0.26")
    );
    refuses(&attesting(&further), &["[attestor]", "Ledger"]);
    let empty = format!("{verifier}{KEY}{}", eas(" "));
    refuses(&attesting(&empty), &["`eas` version is empty"]);
    let place = eas("0.26").replace("eip155:1:", "");
    refuses(
        &attesting(&format!("{verifier}{KEY}{place}")),
        &["[attestor]"],
    );
}

fn auth(said: &str) -> String {
    format!(
        "database = \"t.db\"\n[auth]\nenvironment = \"prod\"\nauthorities = [\"api.example.com\"]\n{said}"
    )
}

#[test]
fn who_may_call_is_said_within_bounds() {
    accepts(&auth(""));
    accepts(&auth(
        "clock_skew = \"2min\"\nkeys_read_every = \"30s\"\nrequests_per_second = 1\nburst = 1",
    ));
    for (said, words) in [
        ("clock_skew = \"29s\"", &["clock_skew", "30 to 120"][..]),
        ("clock_skew = \"121s\"", &["clock_skew", "30 to 120"]),
        (
            "keys_read_every = \"31s\"",
            &["keys_read_every", "30 seconds"],
        ),
        ("keys_read_every = \"0s\"", &["keys_read_every"]),
        (
            "old_master_keys = [\"file:gone\"]",
            &["old_master_keys", "gone"],
        ),
        ("master_key = \"s3cret\"", &["master_key", "file:PATH"]),
        ("master_key = \"file:gone\"", &["master_key", "gone"]),
    ] {
        refuses(&auth(said), words);
    }
    let nameless = auth("").replace("authorities", "# authorities");
    refuses(&nameless, &["[auth]", "`authorities`", "production"]);
    accepts(&nameless.replace("prod", "test"));
    for name in ["", "https://api.example.com", "a@b", "a b"] {
        let said = auth("").replace("api.example.com", name);
        refuses(&said, &["[auth]", "`authorities`", "api.example.com:8443"]);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    for (key, word) in [("s3cret", "64 hexadecimal"), ("aabb", "32 bytes")] {
        std::fs::write(&path, key).unwrap();
        let said = format!("master_key = \"file:{}\"", path.display());
        refuses(&auth(&said), &["[auth]", "master_key", word]);
    }
}

/// The secrets of webhooks are sealed as those of clients are: there is one key that opens all of them.
#[test]
fn webhooks_need_the_master_key() {
    refuses(
        &format!("{}\n[webhooks]\n", auth("")),
        &["[webhooks]", "[auth] master_key", "openssl rand -hex 32"],
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "ab".repeat(32)).unwrap();
    let sealed = auth(&format!("master_key = \"file:{}\"", path.display()));
    accepts(&format!("{sealed}\n[webhooks]\n"));
}
