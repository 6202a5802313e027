//! Comparisons, arithmetic, logic and ages; what is unknown, and why.

use super::notation::{Terms, check, when};

#[test]
fn kleene_logic_and_the_leftmost_reason() {
    let b_unseen = "unknown: input `b` was never observed";
    check(
        &when("a <= 0.995 or b <= 0.995"),
        &[
            ("one true is enough", "0 a=0.99", 0, "#1 0→0 pays 0.2, true"),
            ("one false is not", "0 a=1", 0, b_unseen),
            ("two are", "0 a=1 · 0 b=1", 0, "false"),
        ],
    );
    check(
        &when("a <= 0.995 and b <= 0.995"),
        &[
            ("one false is enough", "0 a=1", 0, "false"),
            ("one true is not", "0 a=0.99", 0, b_unseen),
            ("the left reason first", "0 b=-", 0, "unknown: input `a` was never observed"),
        ],
    );
    check(
        &when("not (a <= 0.995)"),
        &[
            ("not false", "0 a=1", 0, "#1 0→0 pays 0.2, true"),
            ("not unknown", "0 a=-", 0, "unknown: input `a` was reported without a value at 1970-01-01T00:00:00Z"),
        ],
    );
}

#[test]
fn nothing_is_known_of_a_risk_without_observations() {
    check(&when("a <= 0.995"), &[("no row", "", 1_000, "unknown: input `a` was never observed")]);
}

#[test]
fn a_value_holds_until_it_is_too_old() {
    check(
        &Terms { max_age: Some("1h"), ..when("a <= 0.995") },
        &[
            ("an hour", "0 a=1", 3_600, "false"),
            ("not a second more", "0 a=1", 3_601, "unknown: input `a` is older than its max_age since 1970-01-01T01:00:01Z"),
            ("a loss stays met", "0 a=0.9", 3_601, "#1 0→0 pays 0.2, unknown: input `a` is older than its max_age since 1970-01-01T01:00:01Z"),
            ("an empty row is older news than its age", "0 a=-", 3_601, "unknown: input `a` was reported without a value at 1970-01-01T00:00:00Z"),
        ],
    );
}

#[test]
fn arithmetic_that_has_no_result_is_unknown() {
    check(
        &when("1 / (a - b) > 3"),
        &[
            ("a quotient", "0 a=1 · 0 b=0.75", 0, "#1 0→0 pays 0.2, true"),
            ("a division by zero", "0 a=1 · 0 b=1", 0, "unknown: a division by zero"),
            ("an operand that is unknown comes first", "0 a=- · 0 b=1", 0, "unknown: input `a` was reported without a value at 1970-01-01T00:00:00Z"),
        ],
    );
    check(
        &when("a * 50_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000 > 1"),
        &[
            ("large", "0 a=1", 0, "#1 0→0 pays 0.2, true"),
            ("too large", "0 a=2", 0, "unknown: a result is outside 256 bits"),
        ],
    );
}

#[test]
fn numbers_are_cut_once_toward_zero_unless_rounded_up() {
    check(
        &when("a / 3 == 0.333333333333333333"),
        &[("a third", "0 a=1", 0, "#1 0→0 pays 0.2, true"), ("minus a third", "0 a=-1", 0, "false")],
    );
    check(
        &when("round_up(a / 3) == 0.333333333333333334"),
        &[("a third", "0 a=1", 0, "#1 0→0 pays 0.2, true")],
    );
    check(
        &when("delay * 0.5 >= 45min"),
        &[("2699.5 s", "0 delay=5399", 0, "false"), ("2700 s", "0 delay=5400", 0, "#1 0→0 pays 0.2, true")],
    );
    check(
        &when("round_up(delay * 0.5) >= 45min"),
        &[("2699.5 s", "0 delay=5399", 0, "#1 0→0 pays 0.2, true")],
    );
}

#[test]
fn least_greatest_and_limits() {
    check(
        &when("min(a, b) < 0.5 and max(a, b) > 2"),
        &[
            ("apart", "0 a=0.4 · 0 b=3", 0, "#1 0→0 pays 0.2, true"),
            ("together", "0 a=0.4 · 0 b=2", 0, "false"),
            ("one unknown makes it unknown", "0 a=0.4", 0, "unknown: input `b` was never observed"),
        ],
    );
    check(
        &when("clamp(a, 0, b) == 0"),
        &[
            ("below", "0 a=-5 · 0 b=1", 0, "#1 0→0 pays 0.2, true"),
            ("where the bounds cross the lower one wins", "0 a=5 · 0 b=-1", 0, "#1 0→0 pays 0.2, true"),
            ("above", "0 a=5 · 0 b=1", 0, "false"),
        ],
    );
    check(&when("abs(-a) > 1"), &[("either sign", "0 a=-2", 0, "#1 0→0 pays 0.2, true")]);
}

#[test]
fn ages_count_from_the_last_row_valued_or_not() {
    check(
        &Terms { max_age: Some("1h"), ..when("age(a) > 25h") },
        &[
            ("exactly", "0 a=1", 90_000, "false"),
            ("older", "0 a=1", 90_001, "#1 90001→90001 pays 0.2, true"),
            ("an empty row is a sign of life", "0 a=1 · 3600 a=-", 93_600, "false"),
            ("the next row ends it", "0 a=1 · 100000 a=1", 100_000, "#1 90001→90001 pays 0.2, false"),
        ],
    );
    check(&when("25h <= age(a)"), &[("at the second", "0 a=1", 90_000, "#1 90000→90000 pays 0.2, true")]);
    check(
        &when("age(b) > 1h or a <= 0"),
        &[("no age before the first", "0 a=1", 9_999, "unknown: input `b` was never observed")],
    );
}

#[test]
fn texts_and_truth_values() {
    check(
        &when(r#"status in ["cancelled", "diverted"]"#),
        &[
            ("one of them", "0 status=diverted", 0, "#1 0→0 pays 0.2, true"),
            ("another", "0 status=landed", 0, "false"),
            ("none is not a word", "0 status=-", 0, "unknown: input `status` was reported without a value at 1970-01-01T00:00:00Z"),
        ],
    );
    check(
        &when(r#"status == "cancelled" and not paused"#),
        &[("both", "0 status=cancelled · 3 paused=false", 3, "#1 3→3 pays 0.2, true")],
    );
}
