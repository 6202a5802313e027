//! The grounds of an answer about a policy: everything that was recorded of it, in one read and of one moment.

use async_trait::async_trait;
use tocsin_domain::claim::Claim;
use tocsin_domain::determination::Determination;
use tocsin_domain::ids::PolicyId;
use tocsin_domain::observation::Observation;
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;

use crate::StoreError;
use crate::attestation::AttestationRecord;
use crate::look::Look;
use crate::revocation::Standing;

/// What was recorded of a policy.
#[derive(Clone, PartialEq, Debug)]
pub struct Grounds {
    /// The policy.
    pub policy: Policy,
    /// What its risk listens to, in the order of the cover's inputs.
    pub inputs: Vec<Heard>,
    /// The loss events of its risk, in their order.
    pub determinations: Vec<Determination>,
    /// The claims of the policy, in the order of the loss events.
    pub claims: Vec<Claim>,
    /// What was said about them, in the order in which it was recorded.
    pub attestations: Vec<Attested>,
}

/// What an input of a risk has heard.
#[derive(Clone, PartialEq, Debug)]
pub struct Heard {
    /// Where from.
    pub stream: Stream,
    /// The last that was said, whatever it says.
    pub last: Option<Observation>,
    /// How the looks at its subject stand, where the source is polled.
    pub look: Option<Look>,
    /// How far the source was read, where it is read as a whole.
    pub watermark: Option<Timestamp>,
}

/// An attestation, and what became of its claim.
#[derive(Clone, PartialEq, Debug)]
pub struct Attested {
    /// What was said.
    pub record: AttestationRecord,
    /// What the verifier says of the claim.
    pub standing: Option<Standing>,
}

/// Reads grounds.
#[async_trait]
pub trait Groundwork: Send + Sync {
    /// The grounds of a policy, all of one moment; `None` where there is no such policy.
    async fn grounds(&self, policy: PolicyId) -> Result<Option<Grounds>, StoreError>;
}
