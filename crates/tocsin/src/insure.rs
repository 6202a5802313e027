//! Who is insured: from a row of text to a policy, the risk that it is on, and what is to be asked about it.
//!
//! The same way for policies of the configuration, of files with a hundred thousand rows, and of whoever else has rows: every
//! row is checked by itself, what is wrong with it is said with its column and a remedy, and either all rows are taken
//! or none.

pub mod catalogue;
pub mod csv;
pub mod import;
mod insurer;
mod row;

pub use insurer::{Insured, Insurer};
pub use row::{Column, Problem, Row};
