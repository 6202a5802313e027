//! Whether the log says that a source was read over a whole period.
//!
//! Blocks have numbers, periods have times: a leaf that says up to when its newest block reached ties the two together. A
//! period was read if such a leaf ends before it, another at its end or later, and every block between the two was read.

use tocsin_domain::time::Timestamp;

use super::says::{Placed, SaidCoverage, SaidLook, SaidStream};

/// What has to be looked at.
#[derive(Clone, Copy)]
pub(super) struct Period {
    /// Its first second.
    pub(super) from: i64,
    /// Its last one.
    pub(super) until: i64,
}

/// How a source was read over a period.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Span {
    /// To its end; the sentence says how.
    Whole(String),
    /// The source has said everything that it ever will.
    ForEver(String),
}

/// How the leaves say that what a risk listens to was read over `period`; why they do not.
pub(super) fn of(stream: &SaidStream, period: Period, leaves: &[Placed]) -> Result<Span, String> {
    let SaidStream { source, subject } = stream;
    let looked = format!("{subject}@{source}");
    if leaves.iter().any(|leaf| leaf.is("look", &looked)) {
        return polled(&looked, period, leaves);
    }
    read(source, period, leaves)
}

/// Blocks and times that the leaves say belong together.
#[derive(Default)]
struct Read {
    ranges: Vec<(u64, u64)>,
    reached: Vec<(u64, i64)>,
    weakest: Option<String>,
}

fn read(source: &str, period: Period, leaves: &[Placed]) -> Result<Span, String> {
    let mut read = Read::default();
    for leaf in leaves.iter().filter(|leaf| leaf.is("coverage", source)) {
        read.take(leaf.says()?);
    }
    let Some(before) = read
        .reached
        .iter()
        .filter(|(_, time)| *time < period.from)
        .map(|(block, _)| *block)
        .max()
    else {
        return Err(format!(
            "nothing says that {source} was read from {} on: the first leaf that says so comes later",
            Timestamp(period.from)
        ));
    };
    let Some(end) = read
        .reached
        .iter()
        .filter(|(_, time)| *time >= period.until)
        .map(|(block, _)| *block)
        .min()
    else {
        return Err(format!(
            "nothing says that {source} was read until {}",
            Timestamp(period.until)
        ));
    };
    let first = before.saturating_add(1);
    if let Some((from, to)) = read.gap(first, end) {
        return Err(format!(
            "nothing says that the blocks {from} to {to} of {source} were read"
        ));
    }
    Ok(Span::Whole(format!(
        "{source}: every block from {first} to {end}, which are the whole period; at least by `{}`",
        read.weakest.as_deref().unwrap_or("word")
    )))
}

impl Read {
    fn take(&mut self, said: SaidCoverage) {
        match said {
            SaidCoverage::Undone { undone_from_block } => {
                self.reached.retain(|(block, _)| *block < undone_from_block);
                self.ranges.retain(|(first, _)| *first < undone_from_block);
                for (_, last) in &mut self.ranges {
                    *last = (*last).min(undone_from_block.saturating_sub(1));
                }
            }
            SaidCoverage::Read(said) => {
                for range in said.ranges {
                    self.ranges.push((range.first, range.last));
                    if strength(&range.proof) < self.weakest.as_deref().map_or(u8::MAX, strength) {
                        self.weakest = Some(range.proof);
                    }
                }
                let begun = said.begun.map(|begun| (begun.block, begun.seen_until));
                self.reached.extend(begun);
                self.reached
                    .extend(said.seen_until.map(|until| (said.last_block, until)));
            }
        }
    }

    /// The first blocks from `first` to `last` that no range has.
    fn gap(&self, first: u64, last: u64) -> Option<(u64, u64)> {
        let mut ranges = self.ranges.clone();
        ranges.sort_unstable();
        let mut next = first;
        for (from, to) in ranges {
            if next > last {
                break;
            }
            if from > next {
                return Some((next, from.saturating_sub(1).min(last)));
            }
            if to >= next {
                next = to.saturating_add(1);
            }
        }
        (next <= last).then_some((next, last))
    }
}

/// What shows that blocks were read whole, the weakest first.
fn strength(proof: &str) -> u8 {
    match proof {
        "root" => 2,
        "bloom" => 1,
        _ => 0,
    }
}

fn polled(looked: &str, period: Period, leaves: &[Placed]) -> Result<Span, String> {
    let mut newest: Option<SaidLook> = None;
    let mut gaps = 0_u64;
    for leaf in leaves.iter().filter(|leaf| leaf.is("look", looked)) {
        let look: SaidLook = leaf.says()?;
        // What had no value before the period was unknown in it, until there was one.
        let within = look.gaps.iter().chain(&look.carried).filter(|gap| {
            let known_again = gap.until.or(look.seen_until).unwrap_or(i64::MAX);
            gap.observed_at <= period.until && known_again > period.from
        });
        let named = u64::try_from(look.gaps.len()).unwrap_or(u64::MAX);
        // Which are not named may be anywhere.
        let unnamed = look.without_value.saturating_sub(named);
        gaps = gaps
            .saturating_add(u64::try_from(within.count()).unwrap_or(u64::MAX))
            .saturating_add(unnamed);
        newest = Some(look);
    }
    let Some(newest) = newest else {
        return Err(format!("nothing says that {looked} was asked about"));
    };
    if gaps > 0 {
        return Err(format!(
            "{looked} was without value within the period, by {gaps} of its observations"
        ));
    }
    match (newest.state.as_str(), newest.seen_until) {
        ("over", _) => Ok(Span::ForEver(format!(
            "{looked}: everything that it will ever say"
        ))),
        ("person", _) => Err(format!(
            "{looked} cannot be found out: {}",
            newest.reason.as_deref().unwrap_or("no reason is given")
        )),
        (_, Some(until)) if until >= period.until => Ok(Span::Whole(format!(
            "{looked}: everything that it said until {}",
            Timestamp(until)
        ))),
        _ => Err(format!(
            "nothing says that {looked} was seen until {}",
            Timestamp(period.until)
        )),
    }
}
