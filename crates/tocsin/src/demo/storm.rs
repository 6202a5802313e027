//! The blizzard of February 2013: what the flights demonstration is made of.

mod answer;
pub mod board;
pub mod policies;
pub mod provider;
pub mod slice;
