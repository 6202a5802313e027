//! Secrets open under their own name and a known master key only; keys live one way.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use tocsin_auth::life::{IDLE, LifeCycle, State};
use tocsin_auth::seal::{MasterKey, Seal, SealError};
use tocsin_auth::{KeyId, Scopes, UnixTime};

fn master(byte: u8) -> MasterKey {
    MasterKey::new(&[byte; 32]).unwrap()
}

#[test]
fn secrets_open_where_they_belong() {
    let seal = Seal::new(master(1), Vec::new());
    let sealed = seal.seal("one", b"secret").unwrap();
    assert_eq!(&seal.open("one", &sealed).unwrap()[..], b"secret");
    let broken = Err(SealError::Broken("two".to_owned()));
    assert_eq!(seal.open("two", &sealed).map(|_opened| ()), broken);
    // The same secret again is other bytes.
    assert_ne!(seal.seal("one", b"secret").unwrap(), sealed);
    for place in 0..sealed.body.len() {
        let mut changed = sealed.clone();
        changed.body[place] ^= 1;
        seal.open("one", &changed).unwrap_err();
    }
    for place in 0..sealed.wrapped.len() {
        let mut changed = sealed.clone();
        changed.wrapped[place] ^= 1;
        seal.open("one", &changed).unwrap_err();
    }
    let mut short = sealed.clone();
    short.body.truncate(3);
    seal.open("one", &short).unwrap_err();
    assert!(!format!("{sealed:?} {seal:?}").contains("1, 1"));
    MasterKey::new(&[1; 31]).unwrap_err();
}

#[test]
fn a_new_master_key_takes_over() {
    let old = Seal::new(master(1), Vec::new());
    let sealed = old.seal("one", b"secret").unwrap();
    let both = Seal::new(master(2), vec![master(1)]);
    assert_eq!(&both.open("one", &sealed).unwrap()[..], b"secret");
    let again = both.reseal("one", &sealed).unwrap().unwrap();
    assert_eq!(both.reseal("one", &again).unwrap(), None);
    let new = Seal::new(master(2), Vec::new());
    assert_eq!(&new.open("one", &again).unwrap()[..], b"secret");
    let unknown = Err(SealError::UnknownMaster(master(1).id()));
    assert_eq!(new.open("one", &sealed).map(|_opened| ()), unknown);
}

const T: UnixTime = UnixTime(1_000_000);

#[test]
fn a_key_lives_one_way() {
    let pending = LifeCycle::pending(T.plus(1_000_000));
    let active = pending.activate(T).unwrap();
    let retiring = active.retire(T, 200_000).unwrap();
    let retired = active.retire(T, 0).unwrap();
    let revoked = retiring.revoke(T);
    for (life, verifies, signs) in [
        (pending, false, false),
        (active, true, true),
        (retiring, true, false),
        (retired, false, false),
        (revoked, false, false),
    ] {
        assert_eq!(life.verifies(T), verifies, "{life:?}");
        assert_eq!(life.signs(T), signs, "{life:?}");
        assert_eq!(life.roll_back(T).is_ok(), life == retiring, "{life:?}");
        assert_eq!(life.activate(T).is_ok(), life == pending, "{life:?}");
        let retires = life == active || life == retiring;
        assert_eq!(life.retire(T, 5).is_ok(), retires, "{life:?}");
        assert!(matches!(life.revoke(T).state(), State::Revoked { .. }));
    }
    assert_eq!(retiring.roll_back(T).unwrap(), active);
    retiring.roll_back(T.plus(200_000)).unwrap_err();
    pending.activate(T.plus(1_000_000)).unwrap_err();
    active.retire(T, -1).unwrap_err();
    // A retiring key can be given less time, and never more.
    let State::Retiring { since, .. } = retiring.state() else {
        panic!("{retiring:?}");
    };
    let until = T.plus(110);
    let shortened = retiring.retire(T.plus(10), 100).unwrap();
    assert_eq!(shortened.state(), State::Retiring { since, until });
    shortened.retire(T.plus(10), 100).unwrap_err();
    shortened.retire(T.plus(20), 100).unwrap_err();
    // The first moment of a revocation stays.
    assert_eq!(revoked.revoke(T.plus(9)), revoked);
}

#[test]
fn time_retires_what_nobody_needs() {
    let active = LifeCycle::pending(T.plus(1_000_000)).activate(T).unwrap();
    let retiring = active.retire(T, 200_000).unwrap();
    let passes = |life: LifeCycle, at: i64, used: Option<i64>| {
        let passed = life.pass(T.plus(at), used.map(|at| T.plus(at)));
        passed.map(LifeCycle::state)
    };
    let retired = |at: i64| Some(State::Retired { since: T.plus(at) });
    assert_eq!(passes(active, 999_999, None), None);
    assert_eq!(passes(active, 1_000_000, Some(999_999)), retired(1_000_000));
    assert_eq!(passes(retiring, IDLE - 1, None), None);
    assert_eq!(passes(retiring, IDLE, None), retired(IDLE));
    // Use before it began to retire says nothing; use since then keeps it, up to its deadline.
    assert_eq!(passes(retiring, IDLE, Some(-5)), retired(IDLE));
    assert_eq!(passes(retiring, IDLE, Some(1)), None);
    assert_eq!(passes(retiring, 200_000, Some(199_999)), retired(200_000));
    assert_eq!(passes(active.revoke(T), 5_000_000, None), None);
}

#[test]
fn names_are_read_as_they_are_written() {
    let id = KeyId::new(tocsin_auth::Environment::Prod, [0xab; 16]);
    let text = format!("tk_prod_{}", "ab".repeat(16));
    assert_eq!(id.as_str(), text);
    assert_eq!(text.parse::<KeyId>().unwrap(), id);
    for wrong in [
        "",
        "tk_prod_",
        "tk_live_00",
        &text.to_uppercase(),
        &text[1..],
    ] {
        wrong.parse::<KeyId>().unwrap_err();
    }
    let scopes: Scopes = "keys:manage read".parse().unwrap();
    assert_eq!(scopes.to_string(), "read keys:manage");
    "read everything".parse::<Scopes>().unwrap_err();
}
