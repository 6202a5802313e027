// Whether a batch that was signed vouches for an attestation.

import { StandardMerkleTree } from "@openzeppelin/merkle-tree";

import { Refusal } from "./refusal.js";
import { type Answer, type Domain, type Programme, attestationId, batchId } from "./statement.js";

/** Refuses a batch that is not the attestation's. Its signatures are checked elsewhere. */
export function checkMembership({ claim, batch }: Answer, domain: Domain | Programme): void {
  if (batch === null) return;
  const refuse = (detail: string) => new Refusal("batch", detail);
  if (batchId(batch.signed, domain) !== batch.id) throw refuse("its id is not its digest");
  if (batch.signed.signerEpoch !== claim.signerEpoch) throw refuse("it is of another epoch");
  if (batch.signed.issuedAt < claim.issuedAt) throw refuse("it is older than what it vouches for");
  if (batch.signed.count < 1) throw refuse("it is of nothing");
  // A tree of so many leaves has two depths at most; any other length is the proof of an inner node.
  const depth = Math.floor(Math.log2(batch.signed.count));
  const deepest = Number.isInteger(Math.log2(batch.signed.count)) ? depth : depth + 1;
  if (batch.proof.length < depth || batch.proof.length > deepest) throw refuse("its proof has a wrong length");
  const id = attestationId(claim, domain);
  if (!StandardMerkleTree.verify(batch.signed.root, ["bytes32"], [id], batch.proof)) {
    throw refuse("its proof does not lead to its root");
  }
}
