//! What each check lets through, and what it says of the rest.

use super::*;

fn failure(result: Result<Permitted, Failure>) -> Failure {
    result.map(|_permitted| ()).unwrap_err()
}

#[test]
fn signed_requests_are_accepted() {
    for holder in Holder::both(&[Scope::Read]) {
        for sent in [
            Sent::get("/v1/keys", None),
            Sent::get("/v1/keys", Some("")),
            Sent::get("/v1/keys", Some("limit=2&after=a%20b")),
            Sent::post("/v1/policies", b"{}"),
        ] {
            let sent = sent.signed(&holder, 1);
            let permitted = sent.check(&holder, NOW, Scope::Read).unwrap();
            assert_eq!(permitted.key(), &holder.known.id);
        }
        // A host is the same in capitals, and with the port that goes without saying.
        let mut sent = Sent::get("/v1/keys", None).signed(&holder, 1);
        sent.authority = "API.tocsin.test:443".to_owned();
        sent.check(&holder, NOW, Scope::Read).unwrap();
    }
}

#[test]
fn a_write_needs_a_key_against_doing_it_twice() {
    let [holder, _] = Holder::both(&[Scope::Read]);
    let mut sent = Sent::post("/v1/policies", b"{}");
    sent.headers.retain(|(name, _)| name != "idempotency-key");
    let map = sent.map().unwrap();
    let stamp = Stamp {
        created: NOW,
        expires: NOW.plus(60),
        nonce: Nonce::new([1; 16]),
    };
    sign(&sent.request(&map), &holder.known.id, &holder.key, &stamp).unwrap_err();
}

#[test]
fn signatures_are_good_for_a_while() {
    let [holder, _] = Holder::both(&[Scope::Read]);
    let sent = Sent::get("/v1/keys", None).signed(&holder, 1);
    for (seconds, outcome) in [
        (-31, Some(Failure::Early)),
        (-30, None),
        (30, None),
        (31, Some(Failure::Stale)),
        (100_000, Some(Failure::Stale)),
        (i64::MIN, Some(Failure::KeyNotActive)),
    ] {
        let now = if seconds == i64::MIN {
            UnixTime(i64::MAX)
        } else {
            NOW.plus(seconds)
        };
        let result = sent.check(&holder, now, Scope::Read).map(|_permitted| ());
        assert_eq!(result.err(), outcome, "{seconds}");
    }
    let map = sent.map().unwrap();
    for (created, expires, outcome) in [
        (0, 61, Failure::Early),
        (0, 0, Failure::Stale),
        (5, 5, Failure::Early),
        (-20, -1, Failure::Stale),
    ] {
        let mut sent = Sent::get("/v1/keys", None);
        let stamp = Stamp {
            created: NOW.plus(created),
            expires: NOW.plus(expires),
            nonce: Nonce::new([1; 16]),
        };
        let plain = Sent::get("/v1/keys", None);
        let headers = plain.map().unwrap();
        let signature = sign(
            &plain.request(&headers),
            &holder.known.id,
            &holder.key,
            &stamp,
        );
        let signature = signature.unwrap();
        sent.add("signature-input", &signature.input);
        sent.add("signature", &signature.signature);
        let said = failure(sent.check(&holder, NOW, Scope::Read));
        assert_eq!(said, outcome, "{created} {expires}");
    }
    drop(map);
}

#[test]
fn keys_do_what_they_may_where_they_may() {
    let [shared, own] = Holder::both(&[Scope::Read, Scope::KeysManage]);
    let sent = Sent::get("/v1/keys", None);
    let by_shared = sent.clone().signed(&shared, 1);
    let by_own = sent.clone().signed(&own, 1);
    by_own.check(&own, NOW, Scope::KeysManage).unwrap();
    assert_eq!(
        failure(by_shared.check(&shared, NOW, Scope::KeysManage)),
        Failure::NeedsEd25519
    );
    assert_eq!(
        failure(by_own.check(&own, NOW, Scope::PoliciesWrite)),
        Failure::Scope
    );
    assert_eq!(
        failure(by_own.check(&shared, NOW, Scope::Read)),
        Failure::UnknownKey
    );
    let mut elsewhere = Holder::both(&[Scope::Read]);
    elsewhere[0].known.id = KeyId::new(Environment::Prod, [1; 16]);
    let sent = sent.signed(&elsewhere[0], 1);
    assert_eq!(
        failure(sent.check(&elsewhere[0], NOW, Scope::Read)),
        Failure::WrongEnvironment
    );
}

#[test]
fn only_active_and_retiring_keys_are_taken() {
    let [mut holder, _] = Holder::both(&[Scope::Read]);
    let sent = Sent::get("/v1/keys", None).signed(&holder, 1);
    let pending = LifeCycle::pending(NOW.plus(1_000));
    let active = pending.activate(NOW).unwrap();
    for (life, good) in [
        (pending, false),
        (active, true),
        (active.retire(NOW, 10).unwrap(), true),
        (active.retire(NOW.plus(-10), 10).unwrap(), false),
        (active.retire(NOW, 0).unwrap(), false),
        (active.revoke(NOW), false),
        (LifeCycle::stored(active.state(), NOW), false),
    ] {
        holder.known.life = life;
        let result = sent.check(&holder, NOW, Scope::Read);
        assert_eq!(result.is_ok(), good, "{life:?}");
    }
}

#[test]
fn writes_fail_closed_where_nonces_are_not_stored() {
    let [holder, _] = Holder::both(&[Scope::Read]);
    let whole = |sent: &Sent| {
        let map = sent.map().unwrap();
        let parsed = Parsed::read(sent.request(&map), Environment::Test).unwrap();
        let timely = parsed.keyed(Some(&holder.known)).unwrap().verify().unwrap();
        let timely = timely.at(NOW, Windows::default()).unwrap();
        timely.body(&sent.body).unwrap()
    };
    let read = Sent::get("/v1/keys", None).signed(&holder, 1);
    let write = Sent::post("/v1/policies", b"{}").signed(&holder, 1);
    let said = |sent: &Sent, used| whole(sent).fresh(used).map(|_fresh| ()).err();
    assert_eq!(said(&read, NonceUse::Unknown), None);
    assert_eq!(said(&write, NonceUse::Unknown), Some(Failure::NonceStore));
    assert_eq!(said(&write, NonceUse::Full), Some(Failure::RateLimited));
    for sent in [&read, &write] {
        assert_eq!(said(sent, NonceUse::Repeated), Some(Failure::Replayed));
        assert_eq!(said(sent, NonceUse::Fresh), None);
    }
    let (_, _, keep_until) = whole(&read).nonce();
    assert_eq!(keep_until, NOW.plus(90));
}

#[test]
fn nothing_shows_a_secret() {
    let [holder, own] = Holder::both(&[Scope::Read]);
    let shown = format!("{:?} {:?} {:?}", holder.key, own.key, holder.known);
    assert!(
        !shown.contains("5, 5") && !shown.contains("6, 6"),
        "{shown}"
    );
}
