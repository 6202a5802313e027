//! Logarithms, exponentials and distances that come out the same on every machine.
//!
//! Nothing here uses floating point or a mathematics library: numbers are integers of fixed width, 2⁻⁵⁷⁶ apart, and
//! every operation on them is exact or cut once. What is promised:
//!
//! - [`ln`] differs from the true logarithm by less than 2⁻⁵¹². Its results are integers, so sums of them are exact
//!   whatever their order; taking a term out again leaves what was there before.
//! - [`geometric_mean`] is the true mean rounded half-even to 30 decimals and cut to 18, and [`distance_km`] is the true
//!   distance rounded half-even to 9 decimals, unless the true value lies closer to a tie than the error below.
//!
//! **Why that is enough for the mean.** The mean of logarithms is wrong by less than 2⁻⁵¹⁰, its exponential by less than
//! 2⁻⁵⁰⁸ of itself, which for the greatest decimal, below 2¹⁹⁶, is less than 2⁻³¹². The 30th decimal is 2⁻¹⁰⁰, so only a
//! true value within 2⁻²¹⁰ of that place from a tie could be rounded to the wrong side. No true value is a tie: the
//! mean of values of 10⁻¹⁸ weighed by whole seconds is 10⁻¹⁸ times a root of a whole number, thus whole itself or
//! irrational. A whole one, as of equal values, is far from every tie and comes out exactly.
//!
//! **Why that is enough for distances.** The square of half the chord is wrong by less than 2⁻⁵⁴⁰, so its root (at the same
//! place and at antipodes, where that is worst) by less than 2⁻²⁷⁰, and the distance by less than 2⁻²⁵⁵ km. The 9th
//! decimal is 2⁻³⁰, so only a true value within 2⁻²²⁴ of that place from a tie could go wrong. No true value but 0 is
//! rational, as the sine of half its angle is algebraic.

mod constants;
mod exponential;
mod fixed;
mod logarithm;
mod sphere;

pub use exponential::geometric_mean;
pub use logarithm::{LogFixed, ln};
pub use sphere::distance_km;
