//! `holds`: its edges, its gaps, its confirmations.

use super::notation::{Terms, check, when};

#[test]
fn a_breach_confirmed_by_observation() {
    check(
        &when("holds(a <= 0.995, for: 24h, recover: a >= 0.999, confirm: observation)"),
        &[
            ("the boundary is a breach", "0 a=0.995 · 86401 a=0.995", 86_401, "#1 0→86401 pays 0.2, true"),
            ("the next number is none", "0 a=0.995000000000000001 · 86401 a=0.5", 86_401, "false"),
            ("a recovery at exactly +24 h is one", "0 a=0.99 · 86400 a=0.999", 200_000, "false"),
            ("a second later it confirms", "0 a=0.99 · 86401 a=0.999", 86_401, "#1 0→86401 pays 0.2, true"),
            ("time alone never confirms", "0 a=0.99", 200_000, "false"),
            ("an observation at exactly +24 h does not", "0 a=0.99 · 86400 a=0.99", 200_000, "false"),
            ("the one after it does", "0 a=0.99 · 86400 a=0.99 · 90000 a=0.998", 90_000, "#1 0→90000 pays 0.2, true"),
            ("between the thresholds nothing changes", "0 a=0.99 · 9 a=0.998 · 86401 a=0.998", 86_401, "#1 0→86401 pays 0.2, true"),
            ("almost recovered is not", "0 a=0.99 · 9 a=0.998999999999999999 · 86401 a=1", 86_401, "#1 0→86401 pays 0.2, true"),
            ("after a recovery the clock starts anew", "0 a=0.99 · 100 a=0.999 · 200 a=0.99 · 86401 a=0.99", 86_401, "false"),
            ("… and runs its full length", "0 a=0.99 · 100 a=0.999 · 200 a=0.99 · 86601 a=0.99", 86_601, "#1 200→86601 pays 0.2, true"),
            ("a recovery afterwards does not undo it", "0 a=0.99 · 86401 a=0.99 · 90000 a=0.999", 90_000, "#1 0→86401 pays 0.2, false"),
            ("it is one loss, however often it comes back", "0 a=0.99 · 86401 a=0.99 · 86500 a=1 · 86600 a=0.9 · 200000 a=0.9", 200_000, "#1 0→86401 pays 0.2, true"),
            ("a wick to zero is a price", "0 a=0 · 86401 a=1", 86_401, "#1 0→86401 pays 0.2, true"),
        ],
    );
}

#[test]
fn one_second_acts_together() {
    check(
        &when("holds(a <= 0.995, for: 100s, recover: a >= 0.999, confirm: observation)"),
        &[
            ("the last by sequence recovers", "0 a=0.99 · 9 a=0.98#7 · 9 a=1#8 · 101 a=0.9", 101, "false"),
            ("… whatever the order they came in", "0 a=0.99 · 9 a=1#7 · 9 a=0.98#8 · 101 a=0.9", 101, "#1 0→101 pays 0.2, true"),
            ("a value that is withdrawn does not confirm", "0 a=0.99 · 101 a=0.99#7 · 101 a=-#8", 101, "false"),
            ("one that replaces nothing does", "0 a=0.99 · 101 a=-#7 · 101 a=0.99#8", 101, "#1 0→101 pays 0.2, true"),
        ],
    );
}

#[test]
fn a_gap_loses_the_clock() {
    let since_9 = "unknown: the recovery of a breach cannot be seen since 1970-01-01T00:00:09Z: input `a` was reported without a value at 1970-01-01T00:00:09Z";
    let terms = when("holds(a <= 0.995, for: 100s, recover: a >= 0.999, confirm: observation)");
    check(
        &terms,
        &[
            ("an empty row is a gap", "0 a=0.99 · 9 a=-", 50, since_9),
            ("after it the breach begins anew", "0 a=0.99 · 9 a=- · 20 a=0.99 · 101 a=0.99", 101, "false"),
            ("… and takes its full length", "0 a=0.99 · 9 a=- · 20 a=0.99 · 121 a=0.99", 121, "#1 20→121 pays 0.2, true"),
            ("a price between the thresholds ends the gap and begins nothing", "0 a=0.99 · 9 a=- · 20 a=0.997 · 121 a=0.9", 121, "false"),
            ("at exactly the deadline it is a gap", "0 a=0.99 · 100 a=- · 101 a=0.9", 101, "false"),
            ("later it only does not confirm", "0 a=0.99 · 101 a=-", 101, "false"),
            ("… but the next value does", "0 a=0.99 · 101 a=- · 150 a=1", 150, "#1 0→150 pays 0.2, true"),
            ("once met, an empty row ends nothing", "0 a=0.99 · 101 a=0.9 · 150 a=-", 150, "#1 0→101 pays 0.2, true"),
            ("before any breach it is just unknown", "0 a=1 · 9 a=-", 50, "unknown: input `a` was reported without a value at 1970-01-01T00:00:09Z"),
        ],
    );
    check(
        &Terms { max_age: Some("60s"), ..terms },
        &[
            ("60 s old is not too old", "0 a=0.99", 60, "false"),
            ("61 s is", "0 a=0.99", 61, "unknown: the recovery of a breach cannot be seen since 1970-01-01T00:01:01Z: input `a` is older than its max_age since 1970-01-01T00:01:01Z"),
            ("a value at that very second comes in time", "0 a=0.99 · 61 a=0.99 · 101 a=0.99", 101, "#1 0→101 pays 0.2, true"),
            ("one later begins anew", "0 a=0.99 · 62 a=0.99 · 101 a=0.99 · 161 a=0.99", 162, "false"),
            ("… and takes its full length", "0 a=0.99 · 62 a=0.99 · 102 a=0.99 · 163 a=0.99", 163, "#1 62→163 pays 0.2, true"),
        ],
    );
}

#[test]
fn a_breach_confirmed_by_time() {
    check(
        &when("holds(a <= 0.995, for: 24h, recover: a >= 0.999, confirm: time)"),
        &[
            ("not a second early", "0 a=0.99", 86_399, "false"),
            ("when the time is over", "0 a=0.99", 86_400, "#1 0→86400 pays 0.2, true"),
            ("however late one looks", "0 a=0.99", 500_000, "#1 0→86400 pays 0.2, true"),
            ("a recovery at the last second counts", "0 a=0.99 · 86400 a=0.999", 86_400, "false"),
            ("an empty row there is a gap", "0 a=0.99 · 86400 a=- · 86401 a=0.99", 86_401, "false"),
            ("a second later it is met already", "0 a=0.99 · 86401 a=0.999", 86_401, "#1 0→86400 pays 0.2, false"),
        ],
    );
}

#[test]
fn at_least_makes_a_recovery_at_the_deadline_too_late() {
    check(
        &when("holds(a <= 0.995, for: at least 100s, recover: a >= 0.999, confirm: time)"),
        &[
            ("a second before is in time", "0 a=0.99 · 99 a=1", 200, "false"),
            ("at the deadline is not", "0 a=0.99 · 100 a=1", 100, "#1 0→100 pays 0.2, true"),
            ("nor is an empty row a gap there", "0 a=0.99 · 100 a=-", 100, "#1 0→100 pays 0.2, true"),
        ],
    );
    check(
        &when("holds(a <= 0.995, for: at least 100s, recover: a >= 0.999, confirm: observation)"),
        &[
            ("too late, and not yet confirmed", "0 a=0.99 · 100 a=1", 500, "false"),
            ("the next observation confirms", "0 a=0.99 · 100 a=1 · 101 a=1", 101, "#1 0→101 pays 0.2, true"),
        ],
    );
}

#[test]
fn without_recover_the_end_of_the_condition_is_the_recovery() {
    check(
        &when("holds(a <= 0.995, for: 100s, confirm: time)"),
        &[
            ("any price above", "0 a=0.99 · 50 a=0.996 · 60 a=0.99", 159, "false"),
            ("the second breach", "0 a=0.99 · 50 a=0.996 · 60 a=0.99", 160, "#1 60→160 pays 0.2, true"),
        ],
    );
}

#[test]
fn a_breach_can_need_several_observations() {
    check(
        &when("holds(a <= 0.995, for: 100s, recover: a >= 0.999, confirm: time, observations: 2)"),
        &[
            ("two within the time", "0 a=0.99 · 50 a=0.99", 100, "#1 0→100 pays 0.2, true"),
            ("one is not enough", "0 a=0.99", 500, "false"),
            ("the second may come late", "0 a=0.99 · 150 a=0.99", 150, "#1 0→150 pays 0.2, true"),
            ("until then the breach can recover", "0 a=0.99 · 150 a=1 · 160 a=0.9", 160, "false"),
            ("… or be lost", "0 a=0.99 · 150 a=- · 160 a=0.9", 160, "false"),
            ("a repeated sequence is no second one", "0 a=0.99#5 · 50 a=0.98#5", 100, "false"),
            ("an empty row would be none, and is a gap", "0 a=0.99 · 50 a=-#9", 200, "unknown: the recovery of a breach cannot be seen since 1970-01-01T00:00:50Z: input `a` was reported without a value at 1970-01-01T00:00:50Z"),
            ("those of an earlier breach do not count", "0 a=0.99 · 10 a=0.99 · 20 a=1 · 30 a=0.99", 130, "false"),
            ("several in one second are one", "0 a=0.99#1 · 0 a=0.98#2", 100, "false"),
        ],
    );
    check(
        &when("holds(a <= 0.995, for: 100s, recover: a >= 0.999, confirm: observation, observations: 3)"),
        &[
            ("the confirming one counts", "0 a=0.99 · 50 a=0.99 · 101 a=0.99", 101, "#1 0→101 pays 0.2, true"),
            ("unless it is a recovery", "0 a=0.99 · 50 a=0.99 · 101 a=1", 101, "false"),
            ("enough at the deadline itself is in time", "0 a=0.99 · 50 a=0.99 · 100 a=0.99 · 101 a=1", 101, "#1 0→101 pays 0.2, true"),
            ("enough in time, so a recovery is too late", "0 a=0.99 · 50 a=0.99 · 60 a=0.99 · 101 a=1", 101, "#1 0→101 pays 0.2, true"),
        ],
    );
}

#[test]
fn a_sequence_counts_once_per_source() {
    let terms = when("holds(a <= 0.995, for: 100s, recover: b >= 1, confirm: time, observations: 2)");
    check(&terms, &[("two sources", "0 a=0.99#7 · 0 b=0#7", 100, "#1 0→100 pays 0.2, true")]);
    check(
        &Terms { one_source: true, ..terms },
        &[
            ("one source, one sequence", "0 a=0.99#7 · 0 b=0#7", 100, "false"),
            ("one source, two sequences", "0 a=0.99#7 · 0 b=0#8", 100, "#1 0→100 pays 0.2, true"),
        ],
    );
}

#[test]
fn recovery_and_confirmation_by_another_input() {
    check(
        &when("holds(a <= 0.995, for: 100s, recover: b >= 1, confirm: observation)"),
        &[
            ("an unseen recovery is a gap from the start", "0 a=0.99", 200, "unknown: the recovery of a breach cannot be seen since 1970-01-01T00:00:00Z: input `b` was never observed"),
            ("it stays one until the recovery is seen", "0 a=0.99 · 10 a=1", 200, "unknown: the recovery of a breach cannot be seen since 1970-01-01T00:00:00Z: input `b` was never observed"),
            ("no breach is no breach, whatever the recovery", "0 a=1", 200, "false"),
            ("the gap ends with the first sight of it", "0 a=0.99 · 10 b=0", 111, "false"),
            ("the breach begins there", "0 a=0.99 · 10 b=0 · 111 a=0.99", 111, "#1 10→111 pays 0.2, true"),
            ("the recovery's input confirms too", "0 a=0.99 · 0 b=0 · 101 b=2", 101, "#1 0→101 pays 0.2, true"),
            ("both true is no breach", "0 b=1 · 10 a=0.99 · 111 a=0.99", 111, "false"),
        ],
    );
}

#[test]
fn silence_can_be_the_breach() {
    check(
        &when("holds(age(a) > 1h, for: 2h, confirm: time)"),
        &[
            ("an hour and two", "0 a=1", 10_800, "false"),
            ("and the second that makes it more than one", "0 a=1", 10_801, "#1 3601→10801 pays 0.2, true"),
            ("a sign of life at the last second ends it", "0 a=1 · 10801 a=1", 20_000, "false"),
            ("silence after it is another", "0 a=1 · 10801 a=1", 21_602, "#1 14402→21602 pays 0.2, true"),
        ],
    );
}

#[test]
fn a_met_breach_ends_with_a_recovery_at_a_later_instant() {
    check(
        &when("holds(a <= 0.995, for: 100s, recover: a >= 0.999, confirm: observation)"),
        &[
            ("the confirming recovery leaves it met", "0 a=0.99 · 101 a=1", 150, "#1 0→101 pays 0.2, true"),
            ("the next one ends it", "0 a=0.99 · 101 a=1 · 120 a=1", 150, "#1 0→101 pays 0.2, false"),
            ("another breach does not", "0 a=0.99 · 101 a=1 · 120 a=0.9", 150, "#1 0→101 pays 0.2, true"),
        ],
    );
}
