//! Etherisc's rule: 45 minutes late, cancelled or diverted, by the final status only.

use super::harness::{check, check_claims};

const COVER: &str = "flight-delay-45min";

#[test]
fn the_classes() {
    check(COVER, &[
        ("exactly 45 minutes", "0 status=active · 5h status=landed · 5h delay=45min", "5h", "#1 5h→5h pays 0.3, true"),
        ("a second less", "0 status=active · 5h status=landed · 5h delay=44min59s", "5h", "false"),
        ("nine hours are the same class", "0 status=active · 9h status=landed · 9h delay=9h", "9h", "#1 9h→9h pays 0.3, true"),
        ("cancelled, without any delay", "0 status=scheduled · 1h status=cancelled", "1h", "#1 1h→1h pays 0.5, true"),
        ("diverted, whatever the delay", "0 status=active · 5h status=diverted · 5h delay=3h", "5h", "#1 5h→5h pays 0.5, true"),
        ("early", "0 status=landed · 0 delay=-20min", "1h", "false"),
        ("on time", "0 status=landed · 0 delay=0", "1h", "false"),
    ]);
}

#[test]
fn only_the_final_status_decides() {
    check(COVER, &[
        ("a delay in the air decides nothing", "0 status=active · 1h delay=3h", "4h", "false"),
        ("landing does", "0 status=active · 1h delay=3h · 4h status=landed", "4h", "#1 4h→4h pays 0.3, true"),
        ("a delay made up for", "0 status=active · 1h delay=3h · 4h status=landed · 4h delay=10min", "4h", "false"),
        ("landed with no delay known is not on time", "0 status=active · 5h status=landed", "9h", "unknown: input `delay` was never observed"),
        ("the delay may come later", "0 status=active · 5h status=landed · 6h delay=50min", "6h", "#1 6h→6h pays 0.3, true"),
        ("an empty delay is not on time", "5h status=landed · 5h delay=-", "6h", "unknown: input `delay` was reported without a value at 5h"),
        ("no status is no answer", "0 status=-", "1h", "unknown: input `status` was reported without a value at 0"),
        ("a status that nobody knows is not final", "0 status=unknown · 0 delay=3h", "1h", "false"),
    ]);
}

#[test]
fn a_final_status_within_the_policy() {
    let late = "1h status=landed · 1h delay=1h";
    check_claims(COVER, &[
        ("a second before the expiry", late, "0", "1h+1s", "pays 0.3"),
        ("at the expiry", late, "0", "1h", "after expiry"),
        ("at the inception", late, "1h", "2h", "pays 0.3"),
    ]);
}
