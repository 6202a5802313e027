//! Risk Harbor: the geometric mean price of one hour is below the default price.

use super::harness::check;

const COVER: &str = "risk-harbor-twap";

#[test]
fn the_mean() {
    check(COVER, &[
        ("an hour below", "0 price=0.89", "1h", "#1 1h→1h pays 1, true"),
        ("exactly the default price is not below", "0 price=0.9", "1h", "false"),
        ("a hair lower is", "0 price=0.899999999999999999", "1h", "#1 1h→1h pays 1, true"),
        ("half an hour at 0.81 and half at 1 is 0.9", "0 price=0.81 · 30min price=1", "1h", "false"),
        ("a second more of 0.81 is less", "0 price=0.81 · 30min+1s price=1", "1h", "#1 1h→1h pays 1, true"),
    ]);
}

#[test]
fn the_hour() {
    check(COVER, &[
        ("a second before it is full", "0 price=0.5", "1h-1s", "unknown: not enough of the window over `price` is known"),
        ("a price that arrives now has no weight", "0 price=0.9 · 1h price=0.01", "1h", "false"),
        ("a wick of a second is forgiven", "0 price=1 · 30min price=0.01 · 30min+1s price=1", "90min+1s", "false"),
    ]);
}

#[test]
fn what_is_no_price() {
    check(COVER, &[
        ("zero", "0 price=0.5 · 30min price=0 · 30min+1s price=0.5", "1h", "unknown: a value is not above zero where it must be"),
        ("a day without a trade is tolerated", "0 price=1", "24h+1s", "false"),
        ("an hour later nothing is known", "0 price=1", "25h+1s", "unknown: not enough of the window over `price` is known"),
        ("an empty one", "0 price=0.5 · 30min price=- · 31min price=0.5", "1h", "unknown: not enough of the window over `price` is known"),
    ]);
}
