//! Warnings, as the model does them.

use tocsin_domain::determination::Determination;

use super::{Faults, Model};
use crate::conformance::Fault;
use crate::warning::{Ending, NewWarning, Warning, WarningChange, WarningId};

impl Model {
    pub(in crate::conformance) fn change_warnings(
        &mut self,
        change: &WarningChange,
    ) -> Result<Vec<WarningId>, Faults> {
        let mut raised = Vec::new();
        self.atomically(|model, faults| {
            for id in &change.withdraw {
                match model.warnings.iter_mut().find(|stored| stored.id == *id) {
                    None => {
                        faults.insert(Fault::Missing);
                    }
                    Some(stored) => {
                        stored.ended.get_or_insert((change.at, Ending::Withdrawn));
                    }
                }
            }
            for warning in &change.raise {
                raised.extend(model.raise(warning, change, faults));
            }
        })?;
        Ok(raised)
    }

    fn raise(
        &mut self,
        warning: &NewWarning,
        change: &WarningChange,
        faults: &mut Faults,
    ) -> Option<WarningId> {
        let event = (warning.risk, warning.ordinal);
        if !self.risks.contains_key(&warning.risk) {
            faults.insert(Fault::Missing);
        }
        let is_kept = self.kept.keys().any(|k| (k.risk, k.ordinal) == event);
        if self.determinations.contains_key(&event) && !is_kept {
            faults.insert(Fault::Stale);
        }
        let standing = self.warnings.iter().find(|stored| {
            stored.ended.is_none() && (stored.warning.risk, stored.warning.ordinal) == event
        });
        if let Some(standing) = standing {
            if standing.warning != *warning {
                faults.insert(Fault::Conflict);
            }
            return Some(standing.id);
        }
        let last = self.warnings.last().map_or(0, |last| last.id.0);
        let id = WarningId(last + 1);
        self.warnings.push(Warning {
            id,
            warning: warning.clone(),
            raised_at: change.at,
            ended: None,
        });
        Some(id)
    }

    /// Its loss event is determined.
    pub(super) fn confirm_warning(&mut self, decided: &Determination) {
        for stored in &mut self.warnings {
            let event = (stored.warning.risk, stored.warning.ordinal);
            if event == (decided.risk, decided.ordinal) {
                stored
                    .ended
                    .get_or_insert((decided.determined_at, Ending::Confirmed));
            }
        }
    }
}
