//! A final block by its number, as the endpoints agree on it.

use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::time::Timestamp;

use super::ChainReader;
use super::node::Node;
use crate::SourceError;

impl ChainReader {
    /// The final block with this number, and the watermark after it; `None` where no such block is final.
    ///
    /// # Errors
    ///
    /// Whatever keeps as many endpoints as must agree from saying which block it is.
    pub async fn final_place(
        &self,
        number: u64,
    ) -> Result<Option<(SourceCursor, Timestamp)>, SourceError> {
        let seen = self.nodes.poll().await?;
        if self.end(&seen, None).await?.is_none_or(|end| end < number) {
            return Ok(None);
        }
        let able: Vec<&Node> = seen
            .iter()
            .filter(|seen| seen.counts)
            .filter(|seen| seen.head.as_ref().is_some_and(|head| head.number >= number))
            .map(|seen| seen.node)
            .collect();
        let Some(lead) = self.nodes.lead(&able) else {
            return Err(self.nodes.too_few(0));
        };
        let header = lead.header(number).await?;
        self.nodes.agree(lead, &header, &seen).await?;
        Ok(Some((header.cursor(), self.watermark(header.timestamp))))
    }
}
