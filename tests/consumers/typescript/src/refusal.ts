// Why an attestation is not paid.

/** One reason each; a person, a log and a test can tell them apart. */
export type Reason =
  | "schema"
  | "digest"
  | "claim-key"
  | "consumer"
  | "policy"
  | "verdict"
  | "window"
  | "too-early"
  | "expired"
  | "epoch"
  | "signatures"
  | "batch"
  | "revoked"
  | "held"
  | "consumed";

/** The attestation must not be paid. Not to be mixed up with an error of reading, after which one simply tries again. */
export class Refusal extends Error {
  constructor(
    readonly reason: Reason,
    detail: string,
  ) {
    super(`${reason}: ${detail}`);
    this.name = "Refusal";
  }
}
