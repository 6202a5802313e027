//! Functions of values: fixed times, falls, fusion of sources, payout shapes.

use tocsin_domain::eval::Unknown;
use tocsin_domain::lang::ir::{ArithmeticOp, CompareOp, Expr, ExprKind, FixedTime};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::{Type, Value};

use super::terms::{
    A, B, D, World, arithmetic, at, boxed, change, compare, decimal, expr, input, is, no, not_yet,
    number, seen, span, stream, yes,
};

fn steps() -> World {
    World::of(stream(A, &[(0, "1"), (10, "2"), (20, "")]))
}

fn no_value(input: usize, since: i64) -> Unknown {
    Unknown::NoValue {
        input,
        since: Timestamp(since),
    }
}

fn stale(input: usize, since: i64) -> Unknown {
    Unknown::Stale {
        input,
        since: Timestamp(since),
    }
}

/// Something unknown for a reason of its own.
fn zeroth() -> Expr {
    arithmetic(
        ArithmeticOp::Divide,
        number("1"),
        number("0"),
        Type::Decimal,
    )
}

/// A condition unknown for that reason.
fn unclear() -> Expr {
    compare(zeroth(), CompareOp::Less, number("1"))
}

#[test]
fn a_value_at_a_fixed_time_has_not_come_before_and_stays_after() {
    let fixed = |time| at(A, FixedTime::Time(Timestamp(time)));
    assert_eq!(steps().read(fixed(10), 9), not_yet(10));
    assert_eq!(steps().read(fixed(10), 10), is("2"));
    assert_eq!(steps().read(fixed(10), 99), is("2"));
    assert_eq!(steps().read(fixed(20), 99), Err(no_value(A, 20)));
    let aging = World::of(stream(A, &[(5, "1")])).max_age(3);
    assert_eq!(aging.read(fixed(8), 99), is("1"));
    assert_eq!(aging.read(fixed(9), 99), Err(stale(A, 9)));
    assert_eq!(
        aging.read(fixed(4), 99),
        Err(Unknown::NoObservation { input: A })
    );
    let inception = || at(A, FixedTime::Inception);
    assert_eq!(steps().inception(7).read(inception(), 6), not_yet(7));
    assert_eq!(steps().inception(7).read(inception(), 15), is("1"));
    assert_eq!(steps().read(inception(), 15), is("1"));
}

#[test]
fn a_change_names_the_end_that_is_unknown() {
    assert_eq!(steps().read(change(A, 10), 10), is("1"));
    assert_eq!(steps().read(change(A, 9), 19), is("0"));
    assert_eq!(
        steps().read(change(A, 11), 10),
        Err(Unknown::NoObservation { input: A })
    );
    assert_eq!(steps().read(change(A, 50), 20), Err(no_value(A, 20)));
    let later = World::of(stream(A, &[(0, ""), (5, "3"), (30, "1")])).max_age(9);
    assert_eq!(later.read(change(A, 27), 30), Err(no_value(A, 0)));
    // As of 16, 5 is older than nine seconds, since 15.
    assert_eq!(later.read(change(A, 14), 30), Err(stale(A, 15)));
    assert_eq!(later.read(change(A, 16), 30), is("-2"));
    let delays = World::of(stream(D, &[(0, "-9223372036854775807"), (1, "2")]));
    assert_eq!(delays.read(change(D, 1), 1), Err(Unknown::Overflow));
}

fn drop(value: Expr, from: Expr) -> Expr {
    let kind = ExprKind::Drop {
        value: boxed(value),
        from: boxed(from),
    };
    expr(kind, Type::Decimal)
}

#[test]
fn a_drop_is_a_part_of_what_it_fell_from() {
    let world = World::default();
    let read = |value: &str, from: &str| world.read(drop(number(value), number(from)), 0);
    assert_eq!(read("90", "100"), is("0.1"));
    assert_eq!(read("2", "3"), is("0.333333333333333333"));
    assert_eq!(read("4", "3"), is("-0.333333333333333333"));
    assert_eq!(read("0", "0"), Err(Unknown::NotPositive));
    assert_eq!(read("1", "-1"), Err(Unknown::NotPositive));
    let greatest = "57896044618658097711785492504343953926634992332820282019728.792003956564819967";
    assert_eq!(read(&format!("-{greatest}"), "1"), Err(Unknown::Overflow));
    assert_eq!(world.read(drop(span(30), span(40)), 0), is("0.25"));
    assert_eq!(
        world.read(drop(input(A), zeroth()), 0),
        Err(Unknown::NoObservation { input: A })
    );
    assert_eq!(
        world.read(drop(number("1"), zeroth()), 0),
        Err(Unknown::DivisionByZero)
    );
}

fn median_of(values: Vec<Expr>, quorum: u32, spread: Option<&str>) -> Expr {
    let ty = values[0].ty;
    let kind = ExprKind::MedianOf {
        values,
        quorum,
        spread: spread.map(decimal),
    };
    expr(kind, ty)
}

#[test]
fn a_median_of_sources_takes_those_that_know() {
    let world = World::default();
    let read = |values: &[&str], quorum, spread| {
        let value = |text: &&str| match *text {
            "?" => zeroth(),
            text => number(text),
        };
        let values = values.iter().map(value).collect();
        world.read(median_of(values, quorum, spread), 0)
    };
    assert_eq!(read(&["3", "1", "2"], 2, None), is("2"));
    assert_eq!(read(&["3", "?", "2"], 2, None), is("2.5"));
    assert_eq!(read(&["3", "?", "?"], 2, None), Err(Unknown::TooFewSources));
    assert_eq!(read(&["3", "?", "?"], 1, Some("0")), is("3"));
    assert_eq!(read(&["?", "?"], 1, None), Err(Unknown::TooFewSources));
    assert_eq!(
        read(&["-0.000000000000000002", "-0.000000000000000001"], 2, None),
        is("-0.000000000000000001")
    );
    // 2 of 100 is 2 % to the unit.
    assert_eq!(read(&["99", "100", "101"], 2, Some("0.02")), is("100"));
    let apart = Err(Unknown::SourcesApart);
    assert_eq!(
        read(&["99", "100", "101"], 2, Some("0.019999999999999999")),
        apart
    );
    assert_eq!(
        read(&["99", "100", "101.000000000000000001"], 2, Some("0.02")),
        apart
    );
    assert_eq!(read(&["-99", "-100", "-101"], 2, Some("0.02")), is("-100"));
    assert_eq!(read(&["-1", "0", "1"], 2, Some("1")), apart);
    assert_eq!(read(&["0", "0"], 2, Some("0")), is("0"));
    assert_eq!(
        world.read(median_of(vec![span(-3), span(-4)], 2, None), 0),
        is("-3")
    );
}

fn k_of(needed: u32, conditions: Vec<Expr>) -> Expr {
    expr(ExprKind::KOf { needed, conditions }, Type::Bool)
}

#[test]
fn k_of_is_decided_as_soon_as_the_unknown_ones_cannot_matter() {
    let world = World::default();
    let value = |needed, conditions| world.is(k_of(needed, conditions), 0);
    assert_eq!(value(2, vec![yes(), unclear(), yes()]), Ok(true));
    assert_eq!(value(2, vec![no(), unclear(), no()]), Ok(false));
    assert_eq!(
        value(2, vec![yes(), unclear(), no()]),
        Err(Unknown::DivisionByZero)
    );
    let first = compare(input(B), CompareOp::Less, number("1"));
    assert_eq!(
        value(3, vec![yes(), first, unclear()]),
        Err(Unknown::NoObservation { input: B })
    );
    assert_eq!(value(1, vec![no(), no()]), Ok(false));
}

fn linear(value: Expr, from: Expr, to: Expr) -> Expr {
    let kind = ExprKind::Linear {
        value: boxed(value),
        from: boxed(from),
        to: boxed(to),
    };
    expr(kind, Type::Decimal)
}

#[test]
fn linear_runs_from_one_place_to_the_other_either_way() {
    let world = World::default();
    let read = |value: &str, from: &str, to: &str| {
        world.read(linear(number(value), number(from), number(to)), 0)
    };
    assert_eq!(read("1", "0", "3"), is("0.333333333333333333"));
    assert_eq!(read("2", "3", "0"), is("0.333333333333333333"));
    assert_eq!(read("-1", "0", "3"), is("0"));
    assert_eq!(read("4", "0", "3"), is("1"));
    assert_eq!(read("4", "3", "0"), is("0"));
    assert_eq!(read("4", "3", "3"), Err(Unknown::NoSlope));
    let greatest = "57896044618658097711785492504343953926634992332820282019728.792003956564819967";
    assert_eq!(read(greatest, "-1", "1"), Err(Unknown::Overflow));
    assert_eq!(read("1", "-1", greatest), Err(Unknown::Overflow));
    // The quotient is clamped, however large.
    assert_eq!(read(greatest, "0", "0.000000000000000001"), is("1"));
    assert_eq!(
        world.read(linear(span(45), span(30), span(90)), 0),
        is("0.25")
    );
    assert_eq!(
        world.read(linear(zeroth(), input(A), number("1")), 0),
        Err(Unknown::DivisionByZero)
    );
}

#[test]
fn the_highest_tier_at_or_below_the_value_pays() {
    let world = World::default();
    let tiers = |value: Expr| {
        let bound = |seconds| Value::Duration(Seconds(seconds));
        let kind = ExprKind::Tiers {
            value: boxed(value),
            tiers: vec![
                (bound(45), number("0.5")),
                (bound(90), zeroth()),
                (bound(180), number("1")),
            ],
        };
        expr(kind, Type::Decimal)
    };
    for (delay, expected) in [
        (44, is("0")),
        (45, is("0.5")),
        (89, is("0.5")),
        (90, Err(Unknown::DivisionByZero)),
        (180, is("1")),
        (999, is("1")),
    ] {
        assert_eq!(world.read(tiers(span(delay)), 0), expected, "{delay}");
    }
    assert_eq!(
        world.read(tiers(input(D)), 0),
        Err(Unknown::NoObservation { input: D })
    );
}

#[test]
fn a_tick_pays_per_unit_above_the_strike() {
    let world = World::default();
    let tick = |value: Expr, strike: &str, per: Expr, limit: &str| {
        let kind = ExprKind::Tick {
            value: boxed(value),
            strike: boxed(number(strike)),
            per: boxed(per),
            limit: boxed(number(limit)),
        };
        world.read(expr(kind, Type::Decimal), 0)
    };
    let plain = |value: &str| tick(number(value), "10", number("0.05"), "0.4");
    assert_eq!(plain("9"), is("0"));
    assert_eq!(plain("10"), is("0"));
    assert_eq!(plain("13"), is("0.15"));
    assert_eq!(plain("18"), is("0.4"));
    assert_eq!(plain("99"), is("0.4"));
    // 10⁻¹⁸ · 0.5 is cut to 0.
    assert_eq!(
        tick(number("0.000000000000000001"), "0", number("0.5"), "1"),
        is("0")
    );
    assert_eq!(tick(number("1"), "0", number("1"), "-1"), is("0"));
    let greatest = "57896044618658097711785492504343953926634992332820282019728.792003956564819967";
    assert_eq!(
        tick(number(greatest), "-1", number("1"), "1"),
        Err(Unknown::Overflow)
    );
    assert_eq!(
        tick(number(greatest), "0", number("2"), "1"),
        Err(Unknown::Overflow)
    );
    assert_eq!(
        tick(input(A), "0", zeroth(), "1"),
        Err(Unknown::NoObservation { input: A })
    );
    assert_eq!(
        tick(number("1"), "0", zeroth(), "1"),
        Err(Unknown::DivisionByZero)
    );
}

#[test]
fn the_first_true_case_decides_unless_one_before_it_is_unknown() {
    let world = World::default();
    let case = |arms: Vec<(Expr, Expr)>| {
        let kind = ExprKind::Case {
            arms,
            otherwise: boxed(number("0.3")),
        };
        expr(kind, Type::Decimal)
    };
    let one = || number("1");
    assert_eq!(world.read(case(vec![(no(), one())]), 0), is("0.3"));
    assert_eq!(
        world.read(
            case(vec![(no(), zeroth()), (yes(), one()), (yes(), zeroth())]),
            0
        ),
        is("1")
    );
    assert_eq!(
        world.read(case(vec![(yes(), number("0.7")), (unclear(), one())]), 0),
        is("0.7")
    );
    let unknown = Err(Unknown::DivisionByZero);
    assert_eq!(
        world.read(case(vec![(unclear(), one()), (yes(), one())]), 0),
        unknown
    );
    assert_eq!(world.read(case(vec![(yes(), zeroth())]), 0), unknown);
    let truth = ExprKind::Case {
        arms: vec![(no(), no())],
        otherwise: boxed(yes()),
    };
    assert_eq!(world.is(expr(truth, Type::Bool), 0), Ok(true));
}

#[test]
fn a_distance_is_between_two_places_that_are() {
    let world = World::of(vec![seen(A, 0, "51.5074"), seen(B, 0, "-0.1278")]);
    let to = |lat: &str, lon: &str| {
        let places = [input(A), input(B), number(lat), number(lon)];
        expr(ExprKind::DistanceKm(Box::new(places)), Type::Decimal)
    };
    // London to New York.
    assert_eq!(
        world.read(to("40.7128", "-74.006"), 0),
        is("5570.229873657")
    );
    assert_eq!(world.read(to("90.1", "0"), 0), Err(Unknown::NoSuchPlace));
    assert_eq!(world.read(to("0", "-361"), 0), Err(Unknown::NoSuchPlace));
    assert_eq!(
        World::default().read(to("90.1", "0"), 0),
        Err(Unknown::NoObservation { input: A })
    );
}
