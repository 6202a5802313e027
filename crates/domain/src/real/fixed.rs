//! Non-negative numbers below 2⁶⁴ as whole multiples of 2⁻⁵⁷⁶. Products, quotients and roots are cut toward zero: each is
//! too small by less than one multiple.

use alloy_primitives::Uint;

/// A number times 2⁵⁷⁶.
pub(super) type Fixed = Uint<640, 10>;

/// Two of them side by side.
pub(super) type Wide = Uint<1280, 20>;

/// Fractional bits.
pub(super) const FRACTION_BITS: usize = 576;

/// The same in limbs of 64 bits.
const FRACTION_LIMBS: usize = FRACTION_BITS / 64;

/// 1.
pub(super) const ONE: Fixed = {
    let mut limbs = [0; 10];
    limbs[FRACTION_LIMBS] = 1;
    Fixed::from_limbs(limbs)
};

/// `left · right`, below 2⁶⁴.
pub(super) fn multiply(left: Fixed, right: Fixed) -> Fixed {
    let product: Wide = left.widening_mul(right);
    narrow(product >> FRACTION_BITS)
}

/// `left / right`, below 2⁶⁴; `right` is not 0.
pub(super) fn divide(left: Fixed, right: Fixed) -> Fixed {
    narrow((widen(left) << FRACTION_BITS) / widen(right))
}

/// `value / divisor`; `divisor` is not 0.
pub(super) fn divide_whole(value: Fixed, divisor: u64) -> Fixed {
    value / Fixed::from(divisor)
}

/// √`value`.
pub(super) fn root(value: Fixed) -> Fixed {
    if value.is_zero() {
        return value;
    }
    let square = widen(value) << FRACTION_BITS;
    // Newton's iteration from above falls until it stands at the whole root.
    let mut guess = Wide::from(1) << square.bit_len().div_ceil(2);
    loop {
        let next: Wide = (guess + square / guess) >> 1;
        if next >= guess {
            return narrow(guess);
        }
        guess = next;
    }
}

pub(super) fn widen(value: Fixed) -> Wide {
    Wide::from(value)
}

/// The low half: the callers' bounds say that the rest is 0.
fn narrow(value: Wide) -> Fixed {
    debug_assert!(value.bit_len() <= 640, "a result is 2⁶⁴ or more");
    value.wrapping_to()
}
