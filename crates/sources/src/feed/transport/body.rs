//! Bodies of bounded length, compressed or not.

use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use reqwest::Response;
use reqwest::header::CONTENT_ENCODING;

/// Why there is no body.
pub(super) enum Problem {
    Broken(reqwest::Error),
    TooLarge,
    Encoding(String),
}

/// Reads a body of at most so many bytes, before and after it is decompressed.
pub(super) async fn read(mut response: Response, limit: usize) -> Result<Bytes, Problem> {
    let encoding = response
        .headers()
        .get(CONTENT_ENCODING)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let expected = response
        .content_length()
        .and_then(|length| usize::try_from(length).ok())
        .unwrap_or(0);
    let mut body = Vec::with_capacity(expected.min(limit));
    while let Some(chunk) = response.chunk().await.map_err(Problem::Broken)? {
        if body.len() + chunk.len() > limit {
            return Err(Problem::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    match encoding.as_deref().map(str::trim) {
        None | Some("" | "identity") => Ok(body.into()),
        Some("gzip") => unzipped(&body, limit),
        Some(other) => Err(Problem::Encoding(format!(
            "the answer is compressed as {other}, which was not asked for"
        ))),
    }
}

fn unzipped(body: &[u8], limit: usize) -> Result<Bytes, Problem> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut plain = Vec::new();
    let read = MultiGzDecoder::new(body).take(most).read_to_end(&mut plain);
    read.map_err(|error| Problem::Encoding(format!("the answer cannot be decompressed: {error}")))?;
    if plain.len() > limit {
        return Err(Problem::TooLarge);
    }
    Ok(plain.into())
}
