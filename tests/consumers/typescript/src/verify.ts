// Everything that has to be so before money moves.

import { isAddressEqual } from "viem";

import { checkMembership } from "./membership.js";
import { checkQuorum, hasContracts } from "./quorum.js";
import { Refusal } from "./refusal.js";
import type { Authority, Moment } from "./registry.js";
import { type Answer, type Claim, type Domain, type Programme, attestationId, claimKey, read } from "./statement.js";

/** A policy that this service has sold, from its own books. */
export interface Policy {
  policy: string;
  termsHash: string;
  holder: string;
  sumInsured: bigint;
}

/** What this service agreed with its customers and with the attestors. Nothing of it comes from an attestation. */
export interface Terms {
  domain: Domain | Programme;
  consumer: `0x${string}`;
  policy(id: string): Policy | undefined;
}

/** A claim that is owed. */
export interface Owed {
  claimKey: `0x${string}`;
  attestation: `0x${string}`;
  holder: string;
  amount: bigint;
}

const TRIGGERED = 1;
const ONE = 10n ** 18n;
const NOTHING = `0x${"00".repeat(32)}`;

/** Verifies an answer of the API, and says what is owed by it. Throws a `Refusal`, or any other error where it cannot tell. */
export async function verify(raw: unknown, terms: Terms, registry: Authority): Promise<Owed> {
  const answer = read(raw);
  const { claim } = answer;
  checkIdentity(answer, terms.domain);
  const policy = checkPolicy(claim, terms);
  const now = await registry.now();
  checkStatement(claim, now);
  checkMembership(answer, terms.domain);
  await checkSigners(answer, registry, now);
  await checkStanding(answer, registry, now);
  return {
    claimKey: answer.claimKey,
    attestation: answer.id,
    holder: policy.holder,
    amount: (policy.sumInsured * claim.payoutFraction) / ONE,
  };
}

/** The ids are computed, never believed. */
function checkIdentity({ id, claimKey: key, claim }: Answer, domain: Domain | Programme): void {
  if (attestationId(claim, domain) !== id) throw new Refusal("digest", "its id is not its digest");
  if (claimKey(claim) !== key) throw new Refusal("claim-key", "its claim key is another claim's");
}

function checkPolicy(claim: Claim, terms: Terms): Policy {
  if (!isAddressEqual(claim.consumer, terms.consumer)) throw new Refusal("consumer", `it is for ${claim.consumer}`);
  const policy = terms.policy(claim.policyId);
  if (policy === undefined) throw new Refusal("policy", `${claim.policyId} was not sold here`);
  if (policy.termsHash !== claim.termsHash) throw new Refusal("policy", "it was sold on other terms");
  return policy;
}

function checkStatement(claim: Claim, now: Moment): void {
  if (claim.verdict !== TRIGGERED) throw new Refusal("verdict", `its verdict is ${claim.verdict}`);
  if (claim.eventId === NOTHING) throw new Refusal("verdict", "it names no loss event");
  if (claim.payoutFraction > ONE) throw new Refusal("verdict", "it pays more than all");
  if ((claim.revision === 0) !== (claim.supersedes === NOTHING)) throw new Refusal("verdict", "it corrects nothing");
  if (claim.occurredAt < claim.windowStart || claim.occurredAt >= claim.windowEnd) {
    throw new Refusal("window", "the loss is outside the cover");
  }
  if (claim.occurredAt > claim.confirmedAt || claim.confirmedAt > claim.issuedAt) {
    throw new Refusal("window", "its times are out of order");
  }
  if (now.time < claim.issuedAt || now.time < claim.validAfter) throw new Refusal("too-early", `until ${claim.validAfter}`);
  if (now.time > claim.validUntil) throw new Refusal("expired", `since ${claim.validUntil}`);
}

/** A quorum of the epoch, which could sign when it did and is still accepted. */
async function checkSigners(answer: Answer, registry: Authority, now: Moment): Promise<void> {
  const { claim, batch } = answer;
  const epoch = await registry.epoch(claim.signerEpoch, now);
  if (epoch === null) throw new Refusal("epoch", `there is no epoch ${claim.signerEpoch}`);
  if (epoch.revoked) throw new Refusal("epoch", "it is revoked");
  if (now.time > epoch.acceptUntil) throw new Refusal("epoch", "it is no longer accepted");
  for (const issuedAt of [claim.issuedAt, batch?.signed.issuedAt ?? claim.issuedAt]) {
    if (issuedAt < epoch.activeFrom || issuedAt > epoch.signUntil || issuedAt > now.time) {
      throw new Refusal("epoch", `it could not sign at ${issuedAt}`);
    }
  }
  if (hasContracts(answer.signatures)) {
    if (!(await registry.verifies(answer, now))) throw new Refusal("signatures", "the verifier refuses them");
    return;
  }
  await checkQuorum(answer.signatures, batch?.id ?? answer.id, epoch.threshold, epoch.signers);
}

async function checkStanding({ claimKey: key, claim }: Answer, registry: Authority, now: Moment): Promise<void> {
  const standing = await registry.standing(key, now);
  if (standing.consumed) throw new Refusal("consumed", "a contract has paid it");
  if (standing.held) throw new Refusal("held", "the guardian has stopped it");
  if (claim.revision < standing.minRevision) throw new Refusal("revoked", `below revision ${standing.minRevision}`);
}
