//! Whether two attestors speak of the same incident when they speak of the same loss event.
//!
//! Loss events are known by their number. Of two attestors one may have seen a loss before that the other has not, and then
//! they give one number to two incidents.

use crate::cover::Cover;
use crate::determination::Determination;
use crate::time::Seconds;

/// How far two views of one incident may be apart where the terms let no value stand for longer: feeds are asked at other
/// times by everybody.
const AT_LEAST: Seconds = Seconds(6 * 3_600);

/// Whether `one` and `other`, of the same event by its number, can be views of the same incident: from beginning to settling
/// they overlap, or are no further apart than a value stands for by the terms (the longest `max_age` of an input), and than
/// six hours.
pub fn is_same_loss(cover: &Cover, one: &Determination, other: &Determination) -> bool {
    let stands = cover.inputs.iter().filter_map(|input| input.max_age).max();
    let apart = stands.map_or(AT_LEAST, |stands| stands.max(AT_LEAST));
    one.occurred_at <= other.settled_at + apart && other.occurred_at <= one.settled_at + apart
}
