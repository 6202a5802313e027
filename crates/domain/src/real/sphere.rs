//! Great circles on a round earth.

use alloy_primitives::{I256, U256};

use super::constants::constants;
use super::exponential::half_even;
use super::fixed::{FRACTION_BITS, Fixed, ONE, Wide, divide, divide_whole, multiply, root, widen};
use crate::decimal::{Decimal, SCALE};

/// The mean radius of the earth, (2a + b)/3 of WGS 84, in 10⁻⁴ km.
const RADIUS_E4: u64 = 63_710_088;

/// How often an angle is halved before its series is summed.
const HALVINGS: usize = 8;

/// The distance in km along the great circle between two places, each a latitude and a longitude in degrees: haversine
/// with R = 6371.0088 km, rounded half-even to 9 decimals. `None` where a latitude is outside ±90 or a longitude
/// outside ±360.
pub fn distance_km(lat: Decimal, lon: Decimal, lat0: Decimal, lon0: Decimal) -> Option<Decimal> {
    let right_angle = Decimal::from_integer(90);
    let full_turn = Decimal::from_integer(360);
    if lat.abs() > right_angle
        || lat0.abs() > right_angle
        || lon.abs() > full_turn
        || lon0.abs() > full_turn
    {
        return None;
    }
    let along = versine(lat.checked_sub(lat0)?);
    let across = versine(lon.checked_sub(lon0)?);
    let narrowing = multiply(cosine(lat), cosine(lat0));
    // hav Δφ + cos φ cos φ₀ hav Δλ, which rounding could carry past 1.
    let doubled: Fixed = along + multiply(narrowing, across);
    let haversine = divide_whole(doubled, 2).min(ONE);
    let half_angle = angle(root(haversine), root(ONE - haversine));
    // 2 R in 10⁻⁴ km, in 10⁻⁹ km.
    let scaled = widen(half_angle) * Wide::from(2 * RADIUS_E4) * Wide::from(100_000);
    let nanos: U256 = half_even(scaled, FRACTION_BITS).wrapping_to();
    let units = I256::from_raw(nanos * U256::from(1_000_000_000));
    Decimal::from_units(units)
}

/// An angle in 10⁻¹⁸ degrees, folded into 0…180 by what the cosine does not see.
fn folded(degrees: Decimal) -> U256 {
    let turn = U256::from(360) * U256::from(SCALE);
    let within = degrees.units().unsigned_abs() % turn;
    within.min(turn - within)
}

/// cos of −90…90 degrees.
fn cosine(degrees: Decimal) -> Fixed {
    ONE.saturating_sub(versine(degrees))
}

/// 1 − cos of an angle in degrees.
fn versine(degrees: Decimal) -> Fixed {
    let within = folded(degrees);
    let right_angle = U256::from(90) * U256::from(SCALE);
    if within > right_angle {
        let other = versine_of_acute(U256::from(180) * U256::from(SCALE) - within);
        (ONE << 1) - other
    } else {
        versine_of_acute(within)
    }
}

/// The same of 0…90 degrees, in 10⁻¹⁸ degrees: x²/2! − x⁴/4! + … of a small part of the angle, which is then doubled.
fn versine_of_acute(units: U256) -> Fixed {
    // Below 2⁶⁷ times π: 644 bits.
    let radians = widen(constants().pi) * Wide::from(units) / Wide::from(180) / Wide::from(SCALE);
    let small = radians.wrapping_to::<Fixed>() >> HALVINGS;
    let square = multiply(small, small);
    let mut term = divide_whole(square, 2);
    let mut sum = Fixed::ZERO;
    let mut count = 3;
    let mut adds = true;
    while !term.is_zero() {
        if adds {
            sum += term;
        } else {
            sum -= term;
        }
        adds = !adds;
        term = divide_whole(multiply(term, square), count * (count + 1));
        count += 2;
    }
    // 1 − cos 2x = 2 (1 − cos x)(2 − (1 − cos x)), which multiplies the error by at most 4.
    for _ in 0..HALVINGS {
        sum = multiply(sum, (ONE << 1) - sum) << 1;
    }
    sum.min(ONE)
}

/// The angle in radians, 0…π/2, whose sine and cosine these are; not both are 0.
fn angle(sine: Fixed, cosine: Fixed) -> Fixed {
    if sine > cosine {
        return (constants().pi >> 1) - arctan(divide(cosine, sine));
    }
    arctan(divide(sine, cosine))
}

/// arctan of 0…1: tan(x/2) = tan x / (1 + √(1 + tan² x)), then x − x³/3 + x⁵/5 − …
fn arctan(tangent: Fixed) -> Fixed {
    let mut tangent = tangent;
    for _ in 0..HALVINGS {
        let secant = root(ONE + multiply(tangent, tangent));
        tangent = divide(tangent, ONE + secant);
    }
    let square = multiply(tangent, tangent);
    let mut power = tangent;
    let mut sum = Fixed::ZERO;
    let mut odd = 1;
    let mut adds = true;
    while !power.is_zero() {
        let term = divide_whole(power, odd);
        if adds {
            sum += term;
        } else {
            sum -= term;
        }
        adds = !adds;
        power = multiply(power, square);
        odd += 2;
    }
    sum << HALVINGS
}
