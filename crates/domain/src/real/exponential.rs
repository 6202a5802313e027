//! From a mean of logarithms back to a decimal.

use alloy_primitives::{I256, U256, Uint};

use super::constants::{STEPS, constants};
use super::fixed::{FRACTION_BITS, Fixed, ONE, Wide, divide_whole, multiply, widen};
use super::logarithm::{LOG_BITS, LogFixed};
use crate::decimal::Decimal;

/// Whole numbers of 2 that are added to a logarithm in order to work above 0.
const LIFT: u64 = 512;

/// exp(`weighted_log_sum` / `seconds`), rounded half-even to 30 decimals, then cut to 18: the geometric mean of values whose
/// logarithms, each times the seconds that it weighs, make this sum. `None` where that is beyond the greatest decimal, and
/// unless `seconds` is above 0.
pub fn geometric_mean(weighted_log_sum: LogFixed, seconds: i64) -> Option<Decimal> {
    let mean = weighted_log_sum.part(seconds)?;
    // The logarithms of decimals lie in −42…136.
    if mean.unsigned_abs() >> LOG_BITS >= Uint::from(256) {
        return mean.is_negative().then_some(Decimal::ZERO);
    }
    let magnitude: Fixed = mean.unsigned_abs() << (FRACTION_BITS - LOG_BITS);
    let lift = constants().ln_2 * Fixed::from(LIFT);
    let lifted = if mean.is_negative() {
        lift - magnitude
    } else {
        lift + magnitude
    };
    let (twos, rest) = lifted.div_rem(constants().ln_2);
    let twos: usize = twos.wrapping_to();
    // exp · 10³⁰ · 2⁵¹²⁺⁵⁷⁶ is a whole number below 2¹²⁰⁰.
    let scaled = widen(exp_of_rest(rest)) * Wide::from(10).pow(Wide::from(30));
    let places = 512 + FRACTION_BITS - twos;
    if places < 300 {
        return None;
    }
    let rounded = half_even(scaled, places);
    let units = rounded / Wide::from(10).pow(Wide::from(12));
    if units.bit_len() > 255 {
        return None;
    }
    let units: U256 = units.wrapping_to();
    Decimal::from_units(I256::from_raw(units))
}

/// exp of 0 ≤ `rest` < ln 2, by the tables of ln and a short series.
fn exp_of_rest(rest: Fixed) -> Fixed {
    let (rest, coarse) = less_the_lower(rest, &constants().coarse);
    let (rest, fine) = less_the_lower(rest, &constants().fine);
    let mut term = ONE;
    let mut sum = Fixed::ZERO;
    let mut count = 1;
    while !term.is_zero() {
        sum += term;
        term = divide_whole(multiply(term, rest), count);
        count += 1;
    }
    let sum = divide_whole(sum * Fixed::from(STEPS + coarse), STEPS);
    divide_whole(sum * Fixed::from(STEPS * STEPS + fine), STEPS * STEPS)
}

/// `value` less the greatest entry that is not above it, and the place of that entry.
fn less_the_lower(value: Fixed, table: &[Fixed; 65]) -> (Fixed, u64) {
    let mut place = 0;
    let mut lower = Fixed::ZERO;
    for (index, entry) in (0..).zip(table) {
        if *entry <= value {
            (place, lower) = (index, *entry);
        }
    }
    (value - lower, place)
}

/// `value` / 2^`places`, 0 < `places` < 1280, to the nearest whole number, of two the even one.
pub(super) fn half_even(value: Wide, places: usize) -> Wide {
    let whole: Wide = value >> places;
    let rest = value - (whole << places);
    let half = Wide::from(1) << (places - 1);
    let up = rest > half || (rest == half && whole.bit(0));
    whole + Wide::from(u64::from(up))
}
