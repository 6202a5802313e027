//! π and the logarithms of small fractions, computed once from series of whole numbers.
//!
//! Each is too small by less than 2¹⁰ multiples of 2⁻⁵⁷⁶: no series has more than 300 terms that are not 0, and each of them
//! is cut a few times.

use std::sync::OnceLock;

use super::fixed::{Fixed, ONE, divide_whole};

/// Steps of a table of logarithms.
pub(super) const STEPS: u64 = 64;

/// The numbers that everything else here starts from.
pub(super) struct Constants {
    /// ln(1 + j/64) for j = 0…64.
    pub(super) coarse: [Fixed; 65],
    /// ln(1 + j/4096) for j = 0…64.
    pub(super) fine: [Fixed; 65],
    /// ln 2.
    pub(super) ln_2: Fixed,
    /// ln 10¹⁸.
    pub(super) ln_scale: Fixed,
    /// π.
    pub(super) pi: Fixed,
}

/// The numbers, computed at the first call.
pub(super) fn constants() -> &'static Constants {
    static CONSTANTS: OnceLock<Constants> = OnceLock::new();
    CONSTANTS.get_or_init(|| {
        let coarse = logarithms(STEPS);
        let ln_2 = coarse[64];
        // 10 = 2³ · (1 + 16/64).
        let ln_10 = coarse[16] + ln_2 * Fixed::from(3);
        Constants {
            coarse,
            fine: logarithms(STEPS * STEPS),
            ln_2,
            ln_scale: ln_10 * Fixed::from(18),
            pi: pi(),
        }
    })
}

/// ln(1 + j/steps) = 2 artanh(j / (2 steps + j)).
fn logarithms(steps: u64) -> [Fixed; 65] {
    let mut numerator = 0;
    [(); 65].map(|()| {
        let value = artanh(numerator, 2 * steps + numerator) << 1;
        numerator += 1;
        value
    })
}

/// x + x³/3 + x⁵/5 + … of x = numerator / denominator, at most 1/3.
fn artanh(numerator: u64, denominator: u64) -> Fixed {
    let mut power = divide_whole(ONE * Fixed::from(numerator), denominator);
    let mut sum = Fixed::ZERO;
    let mut odd = 1;
    while !power.is_zero() {
        sum += divide_whole(power, odd);
        power = divide_whole(
            power * Fixed::from(numerator * numerator),
            denominator * denominator,
        );
        odd += 2;
    }
    sum
}

/// Machin's formula: π = 16 arctan(1/5) − 4 arctan(1/239).
fn pi() -> Fixed {
    (arctan_of_inverse(5) << 4) - (arctan_of_inverse(239) << 2)
}

/// 1/x − 1/3x³ + 1/5x⁵ − …
fn arctan_of_inverse(x: u64) -> Fixed {
    let mut power = divide_whole(ONE, x);
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
        power = divide_whole(power, x * x);
        odd += 2;
        adds = !adds;
    }
    sum
}
