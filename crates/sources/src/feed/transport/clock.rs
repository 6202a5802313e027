//! What time it is, here and at the provider.

use core::time::Duration;
use std::time::UNIX_EPOCH;

use reqwest::header::{AGE, DATE, HeaderMap};
use tocsin_domain::time::{Seconds, Timestamp};
use tokio::time::Instant;

/// Our clock during a request: what it was when it began, and what has passed since.
pub(crate) struct Clock {
    began_at: Timestamp,
    began: Instant,
}

impl Clock {
    pub(crate) fn starting(now: Timestamp) -> Self {
        Self {
            began_at: now,
            began: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.began_at + whole(self.began.elapsed())
    }
}

/// The whole seconds of a span.
pub(super) fn whole(span: Duration) -> Seconds {
    Seconds(i64::try_from(span.as_secs()).unwrap_or(i64::MAX))
}

/// The provider's time of an answer: its `Date` less the `Age` that a cache kept it for, never ahead of ours; our time where
/// it says none. An error is what it says, and what is wrong with that.
pub(super) fn answered_at(
    headers: &HeaderMap,
    now: Timestamp,
    tolerance: Seconds,
) -> Result<Timestamp, (String, String)> {
    let Some(date) = headers.get(DATE) else {
        return Ok(now);
    };
    let written = String::from_utf8_lossy(date.as_bytes()).into_owned();
    let Ok(date) = httpdate::parse_http_date(&written) else {
        return Err((written, "is not a date of HTTP".to_owned()));
    };
    let age = match headers.get(AGE) {
        None => 0,
        Some(age) => match age
            .to_str()
            .ok()
            .and_then(|age| age.trim().parse::<u32>().ok())
        {
            Some(age) => i64::from(age),
            None => {
                return Err((
                    written,
                    "comes with an Age that is no number of seconds".to_owned(),
                ));
            }
        },
    };
    let at = date
        .duration_since(UNIX_EPOCH)
        .map_or(Timestamp(0), |since: Duration| Timestamp(0) + whole(since))
        - Seconds(age);
    if at.since(now).0.abs() > tolerance.0 {
        let reason = format!(
            "less an age of {age} s, that differs from our clock, {now}, by more than {tolerance}: a clock is wrong, or a cache \
             keeps old answers"
        );
        return Err((written, reason));
    }
    Ok(at.min(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(headers: &[(&'static str, &str)]) -> Result<i64, String> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        // 1994-11-15T08:12:31Z
        answered_at(&headers, Timestamp(784_887_151), Seconds(300))
            .map(|at| at.0 - 784_887_151)
            .map_err(|(_, why)| why)
    }

    #[test]
    fn the_providers_time_counts_where_it_agrees_with_ours() {
        assert_eq!(at(&[]), Ok(0));
        assert_eq!(at(&[("date", "Tue, 15 Nov 1994 08:12:31 GMT")]), Ok(0));
        assert_eq!(
            at(&[("date", "Tue, 15 Nov 1994 08:12:11 GMT"), ("age", "10")]),
            Ok(-30)
        );
        assert_eq!(
            at(&[("date", "Tue, 15 Nov 1994 08:17:31 GMT")]),
            Ok(0),
            "never ahead of ours"
        );
        assert!(
            at(&[("date", "Tue, 15 Nov 1994 08:17:32 GMT")])
                .unwrap_err()
                .contains("a clock is wrong")
        );
        assert!(at(&[("date", "Tue, 15 Nov 1994 08:12:31 GMT"), ("age", "301")]).is_err());
        assert!(at(&[("date", "yesterday")]).is_err());
        assert!(at(&[("date", "Tue, 15 Nov 1994 08:12:31 GMT"), ("age", "-1")]).is_err());
    }
}
