//! How a long answer goes on: by a link, a page's number, or a cursor.

use crate::feed::path::Path;
use crate::feed::section::{Section, Wrong};

/// More pages than this are no answer to one question.
const PAGES_MAX: u32 = 100;

/// How the next page is found.
#[derive(Clone, Debug)]
pub(crate) struct Paging {
    pub(crate) by: By,
    /// How many pages an answer has at the most; one that goes on is not whole.
    pub(crate) most: u32,
    /// Where every page says how many records there are on all of them, and where records are.
    pub(crate) total: Option<(Path, Path)>,
}

#[derive(Clone, Debug)]
pub(crate) enum By {
    /// Where a page gives the next one's address: on the same host, absent or null on the last.
    Link {
        next: Path,
        /// What belongs before a link that begins with a `/`, where the provider leaves it out.
        prefix: String,
    },
    /// A parameter that counts pages; the last is the one whose number is at `last`.
    Number {
        parameter: String,
        first: i64,
        last: Path,
    },
    /// A parameter for what a page gives as the next one's cursor: absent, null or empty on the last.
    Cursor { parameter: String, next: Path },
}

impl Paging {
    pub(crate) const KEYS: [&str; 9] = [
        "next",
        "prefix",
        "parameter",
        "first",
        "last",
        "cursor",
        "most",
        "total",
        "records",
    ];

    pub(crate) fn read(section: &Section<'_>) -> Result<Self, Wrong> {
        let path = |key: &str| {
            section
                .text(key)?
                .map(|text| {
                    Path::parse(text).map_err(|error| section.wrong(key, error.to_string()))
                })
                .transpose()
        };
        let parameter = section.text("parameter")?.map(str::to_owned);
        let by = match (path("next")?, parameter, path("last")?, path("cursor")?) {
            (Some(next), None, None, None) => By::Link {
                next,
                prefix: section.text("prefix")?.unwrap_or("").to_owned(),
            },
            (None, Some(parameter), Some(last), None) => By::Number {
                parameter,
                first: section.integer("first")?.unwrap_or(1),
                last,
            },
            (None, Some(parameter), None, Some(next)) => By::Cursor { parameter, next },
            _ => {
                return Err(section.wrong(
                    "",
                    "says no one way to the next page: write `next` (where its address is), or `parameter` with `last` (where \
                     the last page's number is), or `parameter` with `cursor` (where its cursor is)",
                ));
            }
        };
        let most = section
            .count("most")?
            .map_or(10, core::num::NonZeroU32::get);
        if most > PAGES_MAX {
            return Err(section.wrong("most", format!("is more than {PAGES_MAX} pages")));
        }
        let total = match (path("total")?, path("records")?) {
            (None, None) => None,
            (Some(total), Some(records)) => Some((total, records)),
            _ => {
                let reason = "is missing beside the other: `total` says where a page counts all records, `records` where its own are";
                let key = if section.has("total") {
                    "records"
                } else {
                    "total"
                };
                return Err(section.wrong(key, reason));
            }
        };
        Ok(Self { by, most, total })
    }
}
