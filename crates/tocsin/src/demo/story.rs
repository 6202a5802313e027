//! What the demonstration says while it runs.

use std::io::Write;
use std::path::Path;

use alloy::primitives::U256;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::time::Timestamp;

use super::DemoError;
use super::chain::{Bought, Deployed, WAITING};
use super::files::Layout;
use super::rounds::Round;
use super::{Paid, SUM_INSURED};
use crate::command::evidence::Exported;
use crate::command::verify;

/// The terms' two levels, 8 decimals.
const BREACH: i64 = 99_500_000;
const RECOVERY: i64 = 99_900_000;

/// Tells the story, and follows where a reader would say the breach stands.
pub(super) struct Story<'a> {
    out: &'a mut (dyn Write + Send),
    breach_since: Option<Timestamp>,
    confirmed: bool,
    paid: bool,
}

impl<'a> Story<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send)) -> Self {
        Self {
            out,
            breach_since: None,
            confirmed: false,
            paid: false,
        }
    }

    pub(super) fn chapter(&mut self, title: &str) -> Result<(), DemoError> {
        Ok(writeln!(self.out, "\n{title}")?)
    }

    pub(super) fn line(&mut self, text: &str) -> Result<(), DemoError> {
        writeln!(self.out, "  {text}")?;
        Ok(self.out.flush()?)
    }

    pub(super) fn deployed(&mut self, deployed: &Deployed) -> Result<(), DemoError> {
        self.line(&format!("USDC/USD feed   {}", deployed.aggregator))?;
        self.line(&format!(
            "verifier        {}  epoch 1: 1 of 1, signer {}",
            deployed.verifier, deployed.attestor
        ))?;
        self.line(&format!(
            "cover contract  {}  funded with {}",
            deployed.product,
            money(U256::from(10 * SUM_INSURED))
        ))?;
        self.line(&format!("terms           {}", deployed.terms_hash))
    }

    pub(super) fn bought(&mut self, deployed: &Deployed, policy: &Bought) -> Result<(), DemoError> {
        self.line(&format!(
            "{} insures {} against a USDC depeg: policy {}",
            deployed.holder,
            money(U256::from(SUM_INSURED)),
            policy.number
        ))?;
        self.line(&format!(
            "from {} to {}, losses count from {} on",
            policy.inception,
            policy.expiry,
            policy.inception + WAITING
        ))
    }

    pub(super) fn round(&mut self, round: &Round) -> Result<(), DemoError> {
        let at = round.updated_at();
        let note = match self.breach_since {
            None if round.answer <= BREACH => {
                self.breach_since = Some(at);
                "at or below 0.995: a breach begins".to_owned()
            }
            None => "ok".to_owned(),
            Some(_) if self.paid => "the loss event is latched".to_owned(),
            Some(since) => {
                let hours = at.since(since).0 / 3_600;
                if round.answer >= RECOVERY {
                    self.breach_since = None;
                    format!("recovered after {hours} h")
                } else {
                    match hours {
                        0 => "in breach for less than an hour".to_owned(),
                        24.. if self.confirmed => "confirmed".to_owned(),
                        24.. => {
                            self.confirmed = true;
                            "24 h have passed without recovery: this round confirms the depeg"
                                .to_owned()
                        }
                        hours => format!("in breach for {hours} h"),
                    }
                }
            }
        };
        let price = price(round.answer);
        self.line(&format!("{at}  round {:>4}  {price:<10}  {note}", round.id))
    }

    pub(super) fn paid(&mut self, amount: U256, now: Timestamp) -> Result<(), DemoError> {
        self.paid = true;
        self.line(&format!(
            "{now}  ► the cover contract has paid the holder {}",
            money(amount)
        ))
    }

    pub(super) fn explained(
        &mut self,
        layout: &Layout,
        deployed: &Deployed,
        paid: &Paid,
        evidence: &[Exported],
    ) -> Result<(), DemoError> {
        let log_key = layout.log_key()?;
        for exported in evidence {
            for sentence in &exported.sentences {
                self.line(sentence)?;
            }
            self.chapter("The evidence, re-executed offline")?;
            let known = verify::Known {
                signers: &[deployed.attestor],
                log_key: Some(&log_key),
                ..verify::Known::default()
            };
            let report = verify::check_with(&exported.path, known)
                .map_err(|_unreadable| DemoError::NotVerified)?;
            verify::print(&report, &mut *self.out)?;
            if !report.is_valid() {
                return Err(DemoError::NotVerified);
            }
            self.next(layout, &exported.path)?;
        }
        if evidence.is_empty() || paid.amount.is_zero() {
            return Err(DemoError::NotVerified);
        }
        Ok(())
    }

    fn next(&mut self, layout: &Layout, bundle: &Path) -> Result<(), DemoError> {
        self.chapter("Where to look next")?;
        let cover = layout.cover();
        self.line(&format!(
            "{}  the terms; every attestation names their hash",
            cover.display()
        ))?;
        self.line(&format!(
            "{}  the whole case: change a digit in it, then",
            bundle.display()
        ))?;
        self.line(&format!("{} verify {}", program(), bundle.display()))?;
        self.line(&format!(
            "{}  how the service was set up; ARCHITECTURE.md says how it works",
            layout.config().display()
        ))
    }
}

/// How this program can be started again from here.
pub(super) fn program() -> String {
    let (program, here) = (std::env::current_exe(), std::env::current_dir());
    match (program, here) {
        (Ok(program), Ok(here)) => program
            .strip_prefix(here)
            .unwrap_or(&program)
            .display()
            .to_string(),
        // It is only shown; whoever started it knows where it is.
        (Err(_), _) | (_, Err(_)) => "tocsin".to_owned(),
    }
}

/// Units of a token with six decimals.
pub(super) fn money(units: U256) -> String {
    let (whole, rest) = units.div_rem(U256::from(1_000_000));
    format!("{whole}.{:02} demoUSD", rest / U256::from(10_000))
}

fn price(answer: i64) -> String {
    alloy::primitives::I256::try_from(answer)
        .ok()
        .and_then(|units| Decimal::from_scaled(units, 8))
        .map_or_else(|| answer.to_string(), |price| price.to_string())
}
