//! Loss events: when they began, what they pay, when a next one can come, and where evaluation begins.

use tocsin_domain::time::Timestamp;

use super::notation::{Terms, check, check_from, evaluate, observations, when};

#[test]
fn a_conjunction_began_with_its_later_part() {
    check(
        &when("holds(a <= 0.99, for: 10s, recover: a >= 1, confirm: time) and b <= 0.99"),
        &[
            ("b last", "0 a=0.9 · 0 b=1 · 20 b=0.9", 20, "#1 20→20 pays 0.2, true"),
            ("b within the breach", "0 a=0.9 · 0 b=1 · 5 b=0.9", 10, "#1 5→10 pays 0.2, true"),
            ("b first", "0 b=0.9 · 5 a=0.9", 15, "#1 5→15 pays 0.2, true"),
        ],
    );
}

#[test]
fn the_evidence_begins_with_the_first_breach_that_a_loss_is_made_of() {
    let terms = when("holds(a <= 0.99, for: 10s, recover: a >= 1, confirm: time) and b <= 0.99");
    let cover = terms.cover();
    let seen = observations(&cover, "-9 a=1 · 0 a=0.9 · 0 b=1 · 99 b=0.9");
    let (events, _) = evaluate(&cover, None, &seen, 99);
    assert_eq!((events[0].occurred_at, events[0].evidence_from), (Timestamp(99), Timestamp(0)));
}

#[test]
fn a_disjunction_began_with_the_earliest_part_that_is_true() {
    check(
        &when("holds(a <= 0.99, for: 10s, recover: a >= 1, confirm: time) or b <= 0.99"),
        &[
            ("b alone", "0 a=0.9 · 0 b=1 · 3 b=0.9", 3, "#1 3→3 pays 0.2, true"),
            ("a alone", "0 a=0.9 · 0 b=1", 10, "#1 0→10 pays 0.2, true"),
            ("both at once", "0 a=0.9 · 0 b=1 · 10 b=0.9", 10, "#1 0→10 pays 0.2, true"),
        ],
    );
}

#[test]
fn anything_else_began_with_its_run_of_truth() {
    check(
        &when("not (a > 0.99) and b <= 0.99"),
        &[("the later of two runs", "0 a=0.9 · 0 b=1 · 50 a=0.8 · 99 b=0.9", 99, "#1 99→99 pays 0.2, true")],
    );
    check(
        &Terms { rearm: "after 10s", ..when("a <= 0.99") },
        &[
            ("a run that began too early", "0 a=0.9 · 5 a=1 · 8 a=0.9 · 50 a=0.9", 50, "#1 0→0 pays 0.2, true"),
            ("an unknown between ends the run", "0 a=0.9 · 5 a=1 · 8 a=0.9 · 12 a=- · 15 a=0.9", 15, "#1 0→0 pays 0.2, #2 15→15 pays 0.2, true"),
        ],
    );
}

#[test]
fn a_next_event_needs_a_pause_and_a_sight_of_its_end() {
    check(
        &Terms { rearm: "after 10s", ..when("a <= 0.99") },
        &[
            ("seen false", "0 a=0.9 · 5 a=1 · 10 a=0.9", 10, "#1 0→0 pays 0.2, #2 10→10 pays 0.2, true"),
            ("too early", "0 a=0.9 · 5 a=1 · 9 a=0.9", 20, "#1 0→0 pays 0.2, true"),
            ("unknown is no sight of its end", "0 a=0.9 · 5 a=- · 20 a=0.9", 20, "#1 0→0 pays 0.2, true"),
            ("numbered on", "0 a=0.9 · 5 a=1 · 10 a=0.9 · 15 a=1 · 99 a=0.9", 99, "#1 0→0 pays 0.2, #2 10→10 pays 0.2, #3 99→99 pays 0.2, true"),
        ],
    );
    check(
        &Terms {
            rearm: "after 100s",
            ..when("holds(a <= 0.99, for: 50s, recover: a >= 1, confirm: time)")
        },
        &[
            ("the pause runs from the confirmation to the new breach", "0 a=0.9 · 60 a=1 · 149 a=0.9", 300, "#1 0→50 pays 0.2, true"),
            ("… and a second makes the difference", "0 a=0.9 · 60 a=1 · 150 a=0.9", 300, "#1 0→50 pays 0.2, #2 150→200 pays 0.2, true"),
        ],
    );
}

#[test]
fn the_payout_is_that_of_the_confirmation() {
    let breach = "holds(a <= 0.995, for: 10s, recover: a >= 0.999, confirm: observation)";
    check(
        &Terms { fraction: "clamp(1 - a, 0, 20%)", ..when(breach) },
        &[
            ("the price then", "0 a=0.5 · 5 a=0.6 · 11 a=0.9753", 11, "#1 0→11 pays 0.0247, true"),
            ("capped", "0 a=0.5 · 11 a=0.5", 11, "#1 0→11 pays 0.2, true"),
            ("nothing to pay is a loss all the same", "0 a=0.5 · 11 a=1.5", 11, "#1 0→11 pays 0, true"),
        ],
    );
    check(
        &Terms { fraction: "1 - a", ..when(breach) },
        &[
            ("all of it", "0 a=0.5 · 11 a=0", 11, "#1 0→11 pays 1, true"),
            ("never more", "0 a=0.5 · 11 a=-0.5", 11, "#1 0→11 inconclusive: the payout fraction 1.5 is not within 0…1, true"),
            ("never less than nothing", "0 a=0.5 · 11 a=1.5", 11, "#1 0→11 inconclusive: the payout fraction -0.5 is not within 0…1, true"),
        ],
    );
    check(
        &Terms { fraction: "b", ..when("a <= 0.995") },
        &[("not known", "0 a=0.5", 0, "#1 0→0 inconclusive: input `b` was never observed, true")],
    );
    check(
        &Terms { fraction: "clamp(age(a) / 1d, 0, 1)", ..when("age(a) >= 6h") },
        &[("an age", "0 a=0.5", 21_600, "#1 21600→21600 pays 0.25, true")],
    );
}

#[test]
fn evaluation_begins_where_the_risk_says() {
    check_from(
        &when("a <= 0.995"),
        Some(100),
        &[
            ("what is carried in counts from there", "0 a=0.9", 100, "#1 100→100 pays 0.2, true"),
            ("not before", "0 a=0.9", 99, "unknown: evaluation begins later"),
            ("what ended before is no loss", "0 a=0.9 · 99 a=1", 200, "false"),
            ("what ends in that second neither", "0 a=0.9 · 100 a=1", 200, "false"),
            ("an empty row is carried in too", "0 a=-", 200, "unknown: input `a` was reported without a value at 1970-01-01T00:00:00Z"),
            ("else the first observation is the beginning", "150 a=0.9", 200, "#1 150→150 pays 0.2, true"),
            ("which may never come", "", 200, "unknown: input `a` was never observed"),
        ],
    );
    check_from(
        &Terms { max_age: Some("120s"), ..when("holds(a <= 0.99, for: 20s, confirm: time)") },
        Some(100),
        &[
            ("a breach carried in begins there", "0 a=0.9", 120, "#1 100→120 pays 0.2, true"),
            ("its age is its own", "0 a=0.9", 121, "#1 100→120 pays 0.2, true"),
        ],
    );
}
